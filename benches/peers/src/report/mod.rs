//! What is made of the measured times.

mod json;
mod markdown;
mod svg;
mod text;

pub use json::json;
pub use markdown::markdown;
pub use svg::svg;
pub use text::{lengths, targets, text};

use crate::bench::Cell;
use crate::contestants::BASELINE;
use crate::harness::Plan;
use crate::stats::Spread;

/// Everything that a report can say.
pub struct Results {
    pub plan: Plan,
    pub cells: Vec<Cell>,
}

/// One contestant's place in a cell.
pub struct Standing {
    pub name: &'static str,
    pub ratio: Spread,
    pub nanos: Spread,
}

/// The standings of a cell, fastest first, as time relative to the baseline.
pub fn standings(cell: &Cell) -> Vec<Standing> {
    let Some(baseline) = cell.track(BASELINE) else {
        return Vec::new();
    };
    let mut standings: Vec<Standing> = cell
        .tracks
        .iter()
        .map(|track| Standing {
            name: track.name,
            ratio: track.relative_to(baseline),
            nanos: track.nanos(),
        })
        .collect();
    standings.sort_by(|a, b| a.ratio.median.total_cmp(&b.ratio.median));
    standings
}

/// The versions that were measured, from this package's own lock file.
pub fn versions() -> Vec<(&'static str, &'static str)> {
    const MEASURED: [&str; 8] = [
        "sealtoken",
        "cookie",
        "jsonwebtoken",
        "fernet",
        "pasetors",
        "rusty_paseto",
        "branca",
        "aws-lc-rs",
    ];
    let quoted = |line: &'static str| line.split('"').nth(1);
    let mut versions = Vec::new();
    let mut lines = include_str!("../../Cargo.lock").lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("name = ").and_then(|_| quoted(line)) else {
            continue;
        };
        // `version` is the line after `name`.
        if let (true, Some(version)) = (MEASURED.contains(&name), lines.next().and_then(quoted)) {
            versions.push((name, version));
        }
    }
    versions
}

/// The processor's name, where the system tells.
pub fn processor() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|info| {
            let line = info.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| "unknown processor".into())
}
