//! The report as JSON, for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Results, processor, standings, versions};
use crate::contestants::BASELINE;
use crate::stats::Spread;

/// All results with their quartiles.
pub fn json(results: &Results) -> Value {
    let spread =
        |spread: Spread| json!({ "q1": spread.q1, "median": spread.median, "q3": spread.q3 });
    let cells = results.cells.iter().map(|cell| {
        let contestants = standings(cell).into_iter().map(|standing| {
            json!({
                "name": standing.name,
                "relative": spread(standing.ratio),
                "nanos": spread(standing.nanos),
            })
        });
        json!({
            "size": cell.size,
            "shape": cell.shape.name(),
            "operation": cell.operation.name(),
            "contestants": contestants.collect::<Vec<_>>(),
        })
    });
    json!({
        "processor": processor(),
        "versions": BTreeMap::from_iter(versions()),
        "baseline": BASELINE,
        "rounds": results.plan.rounds,
        "batch_micros": results.plan.batch.as_micros() as u64,
        "seed": results.plan.seed,
        "cells": cells.collect::<Vec<_>>(),
    })
}
