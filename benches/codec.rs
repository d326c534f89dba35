//! Sealing, opening and refusing, by size, type and ring.
//!
//! Run it with `cargo bench -p sealtoken-benches --bench codec`. Compare only numbers of the same
//! run: machines differ, and so does the load on them.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sealtoken::{Backend, Cargo, Codec, Key, KeyRing, Lifetime, Token};
use serde::{Deserialize, Serialize};

const SIZES: [usize; 3] = [64, 400, 3 * 1024];
const HOUR: Lifetime = Lifetime::hours(1);

#[derive(Serialize, Deserialize)]
struct Session {
    user: u64,
    role: String,
    data: String,
}

#[derive(Deserialize)]
struct Lent<'a> {
    role: &'a str,
}

/// A session whose JSON has `size` bytes.
fn session(size: usize) -> Session {
    let mut session = Session {
        user: 4711,
        role: "editor".into(),
        data: String::new(),
    };
    let bare = serde_json::to_string(&session).map_or(0, |json| json.len());
    session.data = "x".repeat(size.saturating_sub(bare));
    session
}

fn token(session: &Session) -> Token {
    let mut token = Token::new();
    let json = serde_json::to_string(session).unwrap();
    token.cargo_mut().replace(json.parse::<Cargo>().unwrap());
    token
}

fn codec(keys: u8) -> Codec {
    let mut ring = KeyRing::new(Key::from_bytes([0; 32]));
    for key in 1..keys {
        ring = ring.with_retired(Key::from_bytes([key; 32])).unwrap();
    }
    ring.codec("bench").unwrap().with_max_len(8192)
}

fn backends() -> Vec<Backend> {
    vec![
        Backend::RustCrypto,
        #[cfg(feature = "aws-lc")]
        Backend::AwsLc,
    ]
}

fn seal_and_open(c: &mut Criterion) {
    for backend in backends() {
        let codec = codec(1).with_backend(backend);
        for size in SIZES {
            let mut group = c.benchmark_group(format!("{backend:?}"));
            group.throughput(Throughput::Bytes(size as u64));
            let session = session(size);
            let mut map = token(&session);
            let text = codec.seal_value(&session, HOUR).unwrap();
            group.bench_function(BenchmarkId::new("seal typed", size), |b| {
                b.iter(|| codec.seal_value(black_box(&session), HOUR));
            });
            group.bench_function(BenchmarkId::new("seal map", size), |b| {
                b.iter(|| codec.seal(black_box(&mut map), HOUR));
            });
            group.bench_function(BenchmarkId::new("open typed", size), |b| {
                b.iter(|| codec.open_value::<Session>(black_box(&text)));
            });
            group.bench_function(BenchmarkId::new("open map", size), |b| {
                b.iter(|| codec.open(black_box(&text)));
            });
            group.bench_function(BenchmarkId::new("open lent", size), |b| {
                b.iter(|| {
                    codec.open_with(black_box(&text), |opened| {
                        Ok(opened.cargo::<Lent<'_>>()?.role.len())
                    })
                });
            });
            group.finish();
        }
    }
}

fn rings(c: &mut Criterion) {
    let mut group = c.benchmark_group("ring");
    let last = KeyRing::new(Key::from_bytes([15; 32]))
        .codec("bench")
        .unwrap();
    for keys in [1, 16] {
        let codec = codec(keys);
        let of_current = codec.seal_value(&session(400), HOUR).unwrap();
        group.bench_function(BenchmarkId::new("current key of", keys), |b| {
            b.iter(|| codec.open_value::<Session>(black_box(&of_current)));
        });
    }
    let of_last = last.seal_value(&session(400), HOUR).unwrap();
    let codec = codec(16);
    group.bench_function("last key of/16", |b| {
        b.iter(|| codec.open_value::<Session>(black_box(&of_last)));
    });
    group.finish();
}

fn refusals(c: &mut Criterion) {
    let mut group = c.benchmark_group("refuse");
    let codec = codec(1);
    let good = codec.seal_value(&session(400), HOUR).unwrap();
    let other_ring = KeyRing::new(Key::generate()).codec("bench").unwrap();
    let unknown = other_ring.seal_value(&session(400), HOUR).unwrap();
    let mut forged = good.clone();
    let flipped = if forged.get(100..101) == Some("A") {
        "B"
    } else {
        "A"
    };
    forged.replace_range(100..101, flipped);
    let malformed = good.replace("st1_", "st2_");
    let not_base64 = format!("{}!", good.get(..good.len() - 1).unwrap());
    let texts = [
        ("good, for comparison", &good),
        ("malformed prefix", &malformed),
        ("malformed base64", &not_base64),
        ("unknown key", &unknown),
        ("forged", &forged),
    ];
    for (name, text) in texts {
        group.bench_function(name, |b| {
            b.iter(|| codec.open_value::<Session>(black_box(text)));
        });
    }
    group.finish();
}

criterion_group!(benches, seal_and_open, rings, refusals);
criterion_main!(benches);
