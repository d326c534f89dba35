//! The tables of docs/benchmarks.md.

use std::fmt::Write;

use super::{Results, processor, versions};
use crate::bench::{Cell, SIZES, Shape};
use crate::contestants::BASELINE;
use crate::harness::Operation;

/// One table per shape. Times are relative to sealtoken's default build.
pub fn markdown(results: &Results) -> String {
    let mut out = String::new();
    for shape in Shape::ALL {
        let cells: Vec<&Cell> = results
            .cells
            .iter()
            .filter(|cell| cell.shape == shape)
            .collect();
        table(&mut out, shape, &cells);
    }
    let versions: Vec<String> = versions()
        .into_iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    _ = writeln!(
        out,
        "Time relative to {BASELINE}'s default build; less is faster. Median of the ratios within \
         each of {} interleaved rounds, on {}. {}.",
        results.plan.rounds,
        processor(),
        versions.join(", ")
    );
    out
}

fn table(out: &mut String, shape: Shape, cells: &[&Cell]) {
    _ = write!(out, "| data as a {} |", shape.name());
    for size in SIZES {
        for operation in Operation::ALL {
            _ = write!(out, " {} {size} |", operation.name());
        }
    }
    out.push_str("\n|:---|");
    out.push_str(&"---:|".repeat(SIZES.len() * Operation::ALL.len()));
    out.push('\n');

    for name in ranked(cells) {
        _ = write!(out, "| {name} |");
        for size in SIZES {
            for operation in Operation::ALL {
                let cell = cells
                    .iter()
                    .find(|cell| cell.size == size && cell.operation == operation);
                let pair = cell.and_then(|cell| Some((cell.track(name)?, cell.track(BASELINE)?)));
                match pair {
                    Some((track, baseline)) => {
                        _ = write!(out, " {:.2} |", track.relative_to(baseline).median);
                    }
                    // A contestant that only opens has no time for sealing.
                    None => out.push_str(" |"),
                }
            }
        }
        out.push('\n');
    }
    out.push('\n');
}

/// The names in the order of the rows: ours, the peers from fast to slow, the floor.
fn ranked(cells: &[&Cell]) -> Vec<&'static str> {
    let Some(cell) = cells.iter().find(|cell| cell.operation == Operation::Open) else {
        return Vec::new();
    };
    // Every contestant opens, but not every one seals.
    let rank = |name: &str| match name {
        BASELINE => 0,
        _ if name.starts_with("sealtoken") => 1,
        _ if name.starts_with("floor") => 3,
        _ => 2,
    };
    let mut names: Vec<(&'static str, f64)> = cell
        .tracks
        .iter()
        .map(|track| (track.name, track.nanos().median))
        .collect();
    names.sort_by(|a, b| rank(a.0).cmp(&rank(b.0)).then(a.1.total_cmp(&b.1)));
    names.into_iter().map(|(name, _)| name).collect()
}
