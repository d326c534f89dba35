//! The chart: time relative to sealtoken, for structs of 63 and 340 bytes.

use super::{Results, standings};
use crate::bench::Shape;
use crate::contestants::EXTRA;

/// The colours follow the reader's light or dark mode.
const STYLE: &str = "text{font:13px sans-serif;fill:#1f2328}rect{fill:#8a94a3}\
    .sealtoken{fill:#0f766e}@media(prefers-color-scheme:dark){text{fill:#e6edf3}\
    rect{fill:#768390}.sealtoken{fill:#2dd4bf}}";

/// Longer bars are cut, so that the slowest contestant does not flatten the others.
const LONGEST: f64 = 6.0;

/// The chart as the text of an SVG file: one line per bar, a heading above those of each cell.
pub fn svg(results: &Results) -> String {
    let mut y = 0;
    let mut bars = String::new();
    let cells = results
        .cells
        .iter()
        .filter(|cell| cell.shape == Shape::Struct);
    for cell in cells.filter(|cell| cell.size != "2.9 KiB") {
        y += 40;
        let operation = cell.operation.name();
        bars += &format!(
            "<text x=\"160\" y=\"{y}\">{operation} {}</text>\n",
            cell.size
        );
        let charted = standings(cell)
            .into_iter()
            .filter(|it| !EXTRA.contains(&it.name));
        for (name, ratio) in charted.map(|it| (it.name, it.ratio.median)) {
            y += 20;
            let class = name.split([' ', ',']).next().unwrap_or_default();
            let (top, width) = (y - 11, 80.0 * ratio.min(LONGEST));
            bars += &format!(
                "<text x=\"152\" y=\"{y}\" text-anchor=\"end\">{name}</text>\
                 <rect class=\"{class}\" x=\"160\" y=\"{top}\" width=\"{width:.0}\" height=\"14\"/>\
                 <text x=\"{:.0}\" y=\"{y}\">{ratio:.2}</text>\n",
                width + 166.0
            );
        }
    }
    let height = y + 20;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 {height}\">\n\
         <style>{STYLE}</style>\n{bars}</svg>\n"
    )
}
