//! The reports on the measured times.

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

/// The input of every report.
pub struct Results {
    pub plan: Plan,
    pub cells: Vec<Cell>,
}

/// A contestant's result in a cell.
pub struct Standing {
    pub name: &'static str,
    pub ratio: Spread,
    pub nanos: Spread,
}

/// The standings of a cell, fastest first, relative to the baseline.
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

/// The measured versions, from this package's lock file.
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
        // `version` follows `name` in the lock file.
        if let (true, Some(version)) = (MEASURED.contains(&name), lines.next().and_then(quoted)) {
            versions.push((name, version));
        }
    }
    versions
}

/// The processor's name, on systems with `/proc/cpuinfo`.
pub fn processor() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|info| {
            let line = info.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| "unknown processor".into())
}
