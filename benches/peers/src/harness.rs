//! The rounds: each runs every lane once, in a new random order.
//!
//! A shared machine changes its speed from one second to the next. Within one round the lanes
//! run a few milliseconds apart, so ratios are taken there. The median over all rounds discards
//! the rounds in which the speed changed midway.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::lane::Lane;
use crate::stats::Spread;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Seal,
    Open,
}

impl Operation {
    pub const ALL: [Self; 2] = [Self::Seal, Self::Open];

    pub fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Open => "open",
        }
    }

    fn time(self, lane: &dyn Lane, count: u64) -> Duration {
        match self {
            Self::Seal => lane.time_seal(count),
            Self::Open => lane.time_open(count),
        }
    }
}

/// The duration of the measurement and the seed of its order.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub rounds: usize,
    pub batch: Duration,
    pub warm_up: Duration,
    pub seed: u64,
}

/// The times of one lane, in nanoseconds per operation, one per round.
pub struct Track {
    pub name: &'static str,
    pub nanos: Vec<f64>,
}

impl Track {
    /// The time of this lane divided by another's, within each round.
    pub fn relative_to(&self, other: &Self) -> Spread {
        Spread::of(self.nanos.iter().zip(&other.nanos).map(|(a, b)| a / b))
    }

    pub fn nanos(&self) -> Spread {
        Spread::of(self.nanos.iter().copied())
    }
}

/// Measures one operation on all lanes that take part in it.
pub fn run(lanes: &[Box<dyn Lane>], operation: Operation, plan: &Plan) -> Vec<Track> {
    let lanes: Vec<&dyn Lane> = lanes
        .iter()
        .map(AsRef::as_ref)
        .filter(|lane| operation == Operation::Open || lane.seals())
        .collect();
    let counts: Vec<u64> = lanes
        .iter()
        .map(|lane| calibrate(*lane, operation, plan))
        .collect();

    let mut tracks: Vec<Track> = lanes
        .iter()
        .map(|lane| Track {
            name: lane.name(),
            nanos: Vec::with_capacity(plan.rounds),
        })
        .collect();
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut order: Vec<usize> = (0..lanes.len()).collect();
    for _ in 0..plan.rounds {
        order.shuffle(&mut random);
        for &index in &order {
            let took = operation.time(lanes[index], counts[index]);
            tracks[index]
                .nanos
                .push(took.as_nanos() as f64 / counts[index] as f64);
        }
    }
    tracks
}

/// Warms the lane up and returns the number of operations that fill one batch.
fn calibrate(lane: &dyn Lane, operation: Operation, plan: &Plan) -> u64 {
    let mut count = 1;
    let mut spent = Duration::ZERO;
    loop {
        let took = operation.time(lane, count);
        spent += took;
        if spent >= plan.warm_up && took * 2 >= plan.batch {
            let fitting = count as f64 * plan.batch.as_secs_f64() / took.as_secs_f64();
            return (fitting.round() as u64).max(1);
        }
        if took < plan.batch {
            count *= 2;
        }
    }
}
