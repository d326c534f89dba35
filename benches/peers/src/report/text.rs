//! The report for the terminal, with interquartile ranges.

use std::fmt::Write;

use super::{Results, processor, standings, versions};
use crate::bench::{Cell, Shape};
use crate::contestants::{BASELINE, WITH_AWS_LC};
use crate::harness::Operation;
use crate::lane::Lane;

/// All cells, one after the other.
pub fn text(results: &Results) -> String {
    let plan = &results.plan;
    let mut out = format!(
        "{}; {} rounds of {:?} batches, seed {}\n",
        processor(),
        plan.rounds,
        plan.batch,
        plan.seed
    );
    for (name, version) in versions() {
        _ = write!(out, "{name} {version}  ");
    }
    out.push('\n');
    for cell in &results.cells {
        let (operation, size, shape) = (cell.operation.name(), cell.size, cell.shape.name());
        _ = writeln!(
            out,
            "\n{operation:<4} {size:<7} {shape:<17} relative  [quartiles]        ns/op"
        );
        for standing in standings(cell) {
            let ratio = standing.ratio;
            _ = writeln!(
                out,
                "  {:<30} {:>6.2}  [{:>5.2} – {:<5.2}] {:>11.0}",
                standing.name, ratio.median, ratio.q1, ratio.q3, standing.nanos.median
            );
        }
    }
    out
}

/// The project's targets, as multiples of the private jar's speed.
const TARGETS: [(&str, Operation, f64); 4] = [
    (BASELINE, Operation::Seal, 1.4),
    (BASELINE, Operation::Open, 1.45),
    (WITH_AWS_LC, Operation::Seal, 1.6),
    (WITH_AWS_LC, Operation::Open, 1.65),
];

/// The targets for structs of 63 and 340 bytes, and whether all are met.
pub fn targets(cells: &[Cell]) -> (String, bool) {
    let mut out = String::from("\nspeed as a multiple of cookie's PrivateJar, structs\n");
    let mut all_met = true;
    let has_target = |cell: &&Cell| cell.shape == Shape::Struct && cell.size != "2.9 KiB";
    for (ours, operation, least) in TARGETS {
        let cells = cells.iter().filter(has_target);
        for cell in cells.filter(|cell| cell.operation == operation) {
            let pair = (cell.track("cookie PrivateJar"), cell.track(ours));
            let (Some(jar), Some(track)) = pair else {
                continue;
            };
            let speed = jar.relative_to(track);
            let met = speed.median >= least;
            all_met &= met;
            _ = writeln!(
                out,
                "  {ours:<18} {:<4} {:<6} {:>5.2}  [{:.2} – {:.2}]  target {least:<4} {}",
                operation.name(),
                cell.size,
                speed.median,
                speed.q1,
                speed.q3,
                if met { "met" } else { "MISSED" }
            );
        }
    }
    (out, all_met)
}

/// The lifetime of the texts that [`lengths`] counts. Most texts contain its digits.
const HOUR: u64 = 60 * 60;

/// The lengths of the texts for equal claims, shortest first.
pub fn lengths(lanes: &[Box<dyn Lane>]) -> String {
    let mut lengths: Vec<(usize, &str)> = lanes
        .iter()
        .filter(|lane| lane.seals())
        .map(|lane| (lane.seal(HOUR).len(), lane.name()))
        .collect();
    lengths.sort_unstable();
    let mut out = String::from("characters for the same UUID, times and 100 bytes of data\n");
    for (length, name) in lengths {
        _ = writeln!(out, "  {name:<30} {length:>5}");
    }
    out
}
