//! The chart: time relative to sealtoken, typed, at 63 and 340 bytes.
//!
//! The text is written by hand: a chart library would be the largest dependency
//! here. Colours follow the reader's light or dark mode on a transparent ground.

use std::fmt::Write;

use super::{Results, Standing, processor, standings};
use crate::bench::{Cell, Shape};
use crate::contestants::{BASELINE, EXTRA};
use crate::harness::Operation;

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 16.0;
/// Where the first row of panels begins, under the chart's title.
const TOP: f64 = 64.0;
const PANEL_WIDTH: f64 = (WIDTH - 3.0 * MARGIN) / 2.0;
const PANEL_HEAD: f64 = 30.0;
const PANEL_GAP: f64 = 22.0;
const ROW: f64 = 22.0;
const BAR: f64 = 14.0;
/// The column of names, to the left of the bars.
const NAMES: f64 = 164.0;
/// Room for the number behind the longest bar.
const NUMBERS: f64 = 48.0;
const FOOT: f64 = 30.0;
/// Bars end here, or the slowest contestant would flatten all the others; the
/// number behind a cut bar is the true one.
const LONGEST: f64 = 6.0;

const STYLE: &str = "\
text{font:13px ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2328}
.title{font-size:17px;font-weight:600}.head{font-weight:600}.small{font-size:12px;fill:#59636e}
.name{text-anchor:end}.ours-name{font-weight:600}
.ours{fill:#0f766e}.peer{fill:#8a94a3}.floor{fill:none;stroke:#8a94a3;stroke-dasharray:3 2}
.one{stroke:#0f766e;stroke-dasharray:2 3}.cut{stroke:#ffffff;stroke-width:3}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.ours{fill:#2dd4bf}.peer{fill:#768390}\
.floor{stroke:#768390}.one{stroke:#2dd4bf}.cut{stroke:#0d1117}}";

/// The chart as the text of an SVG file.
pub fn svg(results: &Results) -> String {
    let panel = |size: &str, operation| {
        results
            .cells
            .iter()
            .find(|cell| {
                cell.shape == Shape::Struct && cell.size == size && cell.operation == operation
            })
            .map(|cell| (title(cell), rows(cell)))
    };
    let (mut body, mut y) = (String::new(), TOP);
    for operation in Operation::ALL {
        let panels = [panel("63 B", operation), panel("340 B", operation)];
        let mut most = 0;
        for (column, (title, rows)) in panels.into_iter().flatten().enumerate() {
            let x = MARGIN + column as f64 * (PANEL_WIDTH + MARGIN);
            draw_panel(&mut body, x, y, &title, &rows);
            most = most.max(rows.len());
        }
        y += PANEL_HEAD + most as f64 * ROW + PANEL_GAP;
    }

    let height = y + FOOT - PANEL_GAP;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
         <title>Time to seal and to open a token, relative to {BASELINE}</title>\n\
         <style>{STYLE}</style>\n"
    );
    _ = writeln!(
        out,
        "<text class=\"title\" x=\"{MARGIN}\" y=\"26\">Time relative to {BASELINE}, less is faster</text>\n\
         <text class=\"small\" x=\"{MARGIN}\" y=\"46\">Equal duty: a new uuid, times, and typed data; \
         opening verifies, checks the expiry and yields the data. Dashed: no library, the fastest parts alone.</text>"
    );
    out.push_str(&body);
    _ = writeln!(
        out,
        "<text class=\"small\" x=\"{MARGIN}\" y=\"{:.1}\">Median of {} interleaved rounds on {}. \
         Bars are cut at {LONGEST} times; the numbers are not. \
         jsonwebtoken signs, and does not encrypt.</text>\n</svg>",
        height - 12.0,
        results.plan.rounds,
        escape(&processor())
    );
    out
}

fn title(cell: &Cell) -> String {
    let what = match cell.size {
        "63 B" => "a 63-byte reset link",
        _ => "a 340-byte session",
    };
    match cell.operation {
        Operation::Seal => format!("Seal {what}"),
        Operation::Open => format!("Open {what}"),
    }
}

fn rows(cell: &Cell) -> Vec<Standing> {
    let mut rows = standings(cell);
    rows.retain(|row| !EXTRA.contains(&row.name));
    rows
}

fn draw_panel(out: &mut String, x: f64, y: f64, title: &str, rows: &[Standing]) {
    let bars = x + NAMES;
    let unit = (PANEL_WIDTH - NAMES - NUMBERS) / LONGEST;
    _ = writeln!(
        out,
        "<text class=\"head\" x=\"{bars:.1}\" y=\"{:.1}\">{title}</text>",
        y + 14.0
    );
    for (index, row) in rows.iter().enumerate() {
        let ratio = row.ratio.median;
        let top = y + PANEL_HEAD + index as f64 * ROW;
        let text = top + BAR - 2.5;
        let width = unit * ratio.min(LONGEST);
        let (bar, name) = class(row.name);
        _ = writeln!(
            out,
            "<text class=\"name {name}\" x=\"{:.1}\" y=\"{text:.1}\">{}</text>\
             <rect class=\"{bar}\" x=\"{bars:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>",
            bars - 8.0,
            escape(short(row.name))
        );
        if ratio > LONGEST {
            // Two slanted gaps near the end say that the bar goes on.
            for offset in [14.0, 21.0] {
                let at = bars + width - offset;
                _ = writeln!(
                    out,
                    "<line class=\"cut\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
                    at,
                    top + BAR + 1.0,
                    at + 5.0,
                    top - 1.0
                );
            }
        }
        // The number stands behind the bar, and clear of the baseline's line.
        let number = bars + width + 6.0;
        let number = if number < bars + unit {
            bars + unit + 6.0
        } else {
            number
        };
        _ = writeln!(
            out,
            "<text class=\"{name}\" x=\"{number:.1}\" y=\"{text:.1}\">{ratio:.2}</text>"
        );
    }
    // The line of the baseline, through all the bars.
    _ = writeln!(
        out,
        "<line class=\"one\" x1=\"{0:.1}\" y1=\"{1:.1}\" x2=\"{0:.1}\" y2=\"{2:.1}\"/>",
        bars + unit,
        y + PANEL_HEAD - 4.0,
        y + PANEL_HEAD + rows.len() as f64 * ROW - 4.0
    );
}

/// The classes of a contestant's bar and of its name.
fn class(name: &str) -> (&'static str, &'static str) {
    if name.starts_with("sealtoken") {
        ("ours", "ours-name")
    } else if name.starts_with("floor") {
        ("floor", "small")
    } else {
        ("peer", "")
    }
}

/// The name without the version that its library's row in the table has.
fn short(name: &str) -> &str {
    name.trim_end_matches(" v4.local")
}

/// For text inside an element.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
