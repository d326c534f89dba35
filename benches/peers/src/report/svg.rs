//! The chart: time relative to sealtoken, for structs of 63 and 340 bytes.

use std::fmt::Write;

use super::{Results, processor, standings};
use crate::bench::{SIZES, Shape};
use crate::contestants::{BASELINE, EXTRA};
use crate::harness::Operation;

/// The colours follow the reader's light or dark mode.
const STYLE: &str = "text{font:13px sans-serif;fill:#1f2328}rect{fill:#8a94a3}\
    .sealtoken{fill:#0f766e}.floor{fill:#c5cbd3}@media (prefers-color-scheme:dark){\
    text{fill:#e6edf3}rect{fill:#768390}.sealtoken{fill:#2dd4bf}.floor{fill:#4b5563}}";

/// Longer bars are cut, so that the slowest contestant does not flatten the others.
const LONGEST: f64 = 6.0;

/// The chart as the text of an SVG file: a row of panels per size, a column per operation.
pub fn svg(results: &Results) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 580\">\n\
         <style>{STYLE}</style>\n\
         <text x=\"16\" y=\"24\">Time relative to {BASELINE}; less is faster. Median of {} \
         rounds on {}. Bars are cut at {LONGEST}. jsonwebtoken signs only.</text>\n",
        results.plan.rounds,
        processor()
    );
    let [small, middle, _] = SIZES;
    let structs = results
        .cells
        .iter()
        .filter(|cell| cell.shape == Shape::Struct);
    for cell in structs {
        let x = if cell.operation == Operation::Seal {
            176
        } else {
            648
        };
        let mut y = match cell.size {
            size if size == small => 60,
            size if size == middle => 330,
            _ => continue,
        };
        let operation = cell.operation.name();
        _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\">{operation} {}</text>",
            cell.size
        );
        let charted = standings(cell)
            .into_iter()
            .filter(|it| !EXTRA.contains(&it.name));
        for (name, ratio) in charted.map(|it| (it.name, it.ratio.median)) {
            y += 21;
            let width = 42.0 * ratio.min(LONGEST);
            let class = name.split([' ', ',']).next().unwrap_or_default();
            _ = writeln!(
                out,
                "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{name}</text>\
                 <rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{width:.1}\" height=\"14\"/>\
                 <text x=\"{:.1}\" y=\"{y}\">{ratio:.2}</text>",
                x - 8,
                y - 11,
                f64::from(x) + width + 6.0
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
