//! Compares token libraries that do the same work. See README.md.

mod bench;
mod contestant;
mod contestants;
mod harness;
mod lane;
mod payload;
mod report;
mod stats;
mod verify;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::harness::Plan;
use crate::report::Results;

/// Compares sealtoken with other token libraries.
#[derive(Debug, Parser)]
struct Options {
    /// Number of rounds; an odd number has a true median
    #[arg(long, default_value_t = 101, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// Run few, short rounds, to check that everything works
    #[arg(long)]
    quick: bool,

    /// Seed for the random order within the rounds [default: random]
    #[arg(long)]
    seed: Option<u64>,

    /// Also measure the libraries' other documented routes
    #[arg(long)]
    extra: bool,

    /// Measure only the baseline and contestants whose name contains one of these
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    only: Vec<String>,

    /// Print the tables of docs/benchmarks.md
    #[arg(long)]
    markdown: bool,

    /// Write all results to a file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write a chart of the struct results at 63 and 340 bytes to a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Print the lengths of the texts for equal claims, without measuring
    #[arg(long)]
    lengths: bool,

    /// Fail if a target is missed
    #[arg(long)]
    check: bool,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let options = Options::parse();
    payload::assert_sizes();
    if options.lengths {
        let lanes = contestants::typed(&payload::identity(), false);
        verify::verify(lanes.iter().map(AsRef::as_ref))?;
        print!("{}", report::lengths(&lanes));
        return Ok(ExitCode::SUCCESS);
    }

    let plan = Plan {
        rounds: if options.quick {
            5
        } else {
            options.rounds as usize
        },
        batch: Duration::from_micros(if options.quick { 200 } else { 1_500 }),
        warm_up: Duration::from_millis(if options.quick { 1 } else { 20 }),
        seed: options.seed.unwrap_or_else(rand::random),
    };
    let mut fields = bench::fields(options.extra);
    if !options.only.is_empty() {
        for field in &mut fields {
            field.lanes.retain(|lane| {
                let name = lane.name();
                name == contestants::BASELINE || options.only.iter().any(|part| name.contains(part))
            });
        }
    }
    let cells = bench::measure(&fields, &plan)?;
    let results = Results { plan, cells };

    if options.markdown {
        print!("{}", report::markdown(&results));
    } else {
        print!("{}", report::text(&results));
    }
    let (targets, all_met) = report::targets(&results.cells);
    // Standard output holds the tables alone, ready to paste.
    eprint!("{targets}");
    if let Some(path) = &options.json {
        fs::write(path, format!("{:#}\n", report::json(&results)))?;
    }
    if let Some(path) = &options.svg {
        fs::write(path, report::svg(&results))?;
    }
    Ok(if options.check && !all_met {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
