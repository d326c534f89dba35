//! The cost of verifying a token, compared with scrypt (which the original system uses), with a
//! bare HMAC-SHA-256, and with SQLite's point read.
//!
//! One process measures everything in turns, because only the ratios are reliable. Run it with
//! `cargo bench -p sealtoken-benches --features sqlite --bench pat`. `-- --test` makes a short run
//! that only shows that the benchmark works; `-- --check` fails if a ratio exceeds its limit.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::pedantic,
    missing_docs
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sealtoken::pat::{PersonalAccessTokens, Reason, VerifyError};
use sealtoken::store::{Collection, MemoryStore, Query, Store};
use sealtoken::{Key, KeyRing, Lifetime};
use sealtoken_sqlite::SqliteStore;
use sha2::Sha256;

const TOKENS: usize = 1000;
/// Calls in a row before the next contestant's turn. Short turns spread any disturbance over all.
const CALLS: usize = 100;

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The mean time of a call, in nanoseconds.
async fn each<F: AsyncFnMut(usize)>(calls: usize, mut call: F) -> f64 {
    let began = Instant::now();
    for n in 0..calls {
        call(n).await;
    }
    began.elapsed().as_nanos() as f64 / calls as f64
}

/// The least work that could verify a token: a MAC computed from the raw key and compared.
fn bare_hmac(key: &[u8; 32], token: &str, expected: &[u8; 32]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(token.as_bytes());
    mac.verify_slice(expected).is_ok()
}

/// The parameters of `@access-tokens/core`: N 16384, r 8, p 1.
fn scrypt(secret: &[u8], salt: &[u8]) -> [u8; 32] {
    let params = scrypt::Params::new(14, 8, 1).unwrap();
    let mut hash = [0; 32];
    scrypt::scrypt(secret, salt, &params, &mut hash).unwrap();
    hash
}

async fn filled(store: impl Store) -> (PersonalAccessTokens, Vec<String>) {
    let keys = KeyRing::new(Key::generate());
    let pats = PersonalAccessTokens::open(store, &keys).await.unwrap();
    let mut tokens = Vec::with_capacity(TOKENS);
    for n in 0..TOKENS {
        let issued = pats
            .issue(format!("user-{n}@example.com"))
            .roles(["reader", "writer"])
            .expires(Lifetime::days(90))
            .await
            .unwrap();
        // Writes the first use here, so that no measured call writes.
        pats.verify(issued.token.expose()).await.unwrap();
        tokens.push(issued.token.expose().to_owned());
    }
    (pats, tokens)
}

/// A name, the measured ratio, and its limits.
struct Ratio(&'static str, f64, std::ops::RangeInclusive<f64>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let (turns, slices) = if has("--test") { (1, 1) } else { (41, 40) };

    let (pats, tokens) = filled(MemoryStore::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteStore::open(folder.path().join("pats.db"))
        .await
        .unwrap();
    let (on_disk, disk_tokens) = filled(file.clone()).await;
    let all = Query::all(Collection::new("pat_tokens").unwrap()).limit(TOKENS as u32);
    let keys: Vec<_> = file.scan(&all).await.unwrap().records;
    // A scan returns the order of the file. Tokens arrive in no such order, so the point reads
    // must not follow it either.
    let keys: Vec<_> = (0..TOKENS)
        .map(|n| keys[n * 617 % TOKENS].key.clone())
        .collect();
    let mistyped: Vec<String> = tokens
        .iter()
        .map(|token| {
            let (head, last) = token.split_at(token.len() - 1);
            format!("{head}{}", if last == "0" { '1' } else { '0' })
        })
        .collect();
    let key = [7; 32];
    let expected: Vec<[u8; 32]> = tokens
        .iter()
        .map(|token| {
            let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.chain_update(token).finalize().into_bytes().into()
        })
        .collect();

    let mut ratios: [Vec<f64>; 4] = std::array::from_fn(|_| Vec::new());
    let mut times: [Vec<f64>; 5] = std::array::from_fn(|_| Vec::new());
    for turn in 0..turns {
        // scrypt evicts the caches with its 16 MiB, so the first slice after it is not counted.
        let slow = each(1, async |n| {
            black_box(scrypt(tokens[n].as_bytes(), b"0123456789abcdef"));
        })
        .await;
        let mut sums = [0.0; 5];
        for slice in 0..=slices {
            let at = |n: usize| ((turn * slices + slice) * CALLS + n) % TOKENS;
            let hmac = each(CALLS, async |n| {
                let token = black_box(&tokens[at(n)]);
                assert!(bare_hmac(&key, token, &expected[at(n)]));
            });
            let verify = each(CALLS, async |n| {
                black_box(pats.verify(&tokens[at(n)]).await.unwrap());
            });
            let refuse = each(CALLS, async |n| {
                let refused = pats.verify(&mistyped[at(n)]).await;
                assert_eq!(refused, Err(VerifyError::Refused(Reason::InvalidFormat)));
            });
            let read = each(CALLS, async |n| {
                black_box(file.get(&keys[at(n)]).await.unwrap().unwrap());
            });
            let through = each(CALLS, async |n| {
                black_box(on_disk.verify(&disk_tokens[at(n)]).await.unwrap());
            });
            let slice_times = [
                hmac.await,
                verify.await,
                refuse.await,
                read.await,
                through.await,
            ];
            if slice > 0 {
                for (sum, time) in sums.iter_mut().zip(slice_times) {
                    *sum += time;
                }
            }
        }
        let [hmac, verify, refuse, read, through] = sums.map(|sum| sum / slices as f64);
        let in_turn = [slow / verify, verify / hmac, refuse / hmac, through / read];
        for (ratio, value) in ratios.iter_mut().zip(in_turn) {
            ratio.push(value);
        }
        for (time, value) in times.iter_mut().zip([hmac, verify, refuse, read, through]) {
            time.push(value);
        }
    }
    let [hmac, verify, refuse, read, through] = times.map(median);
    println!(
        "nanoseconds: bare HMAC-SHA-256 {hmac:.0}, verified token {verify:.0}, \
         mistyped token {refuse:.0}; SQLite's point read {read:.0}, verified token {through:.0}"
    );
    let [scrypt, against_hmac, refused, on_disk] = ratios.map(median);
    let limits = [
        Ratio(
            "tokens verified in memory during one scrypt of N = 2^14",
            scrypt,
            10_000.0..=f64::MAX,
        ),
        Ratio(
            "verified in memory, relative to a bare HMAC-SHA-256",
            against_hmac,
            0.0..=10.0,
        ),
        Ratio(
            "mistyped and refused, relative to a bare HMAC-SHA-256",
            refused,
            0.0..=0.5,
        ),
        Ratio(
            "verified on SQLite, relative to its point read",
            on_disk,
            0.0..=1.5,
        ),
    ];
    let mut met = true;
    for Ratio(name, value, limit) in limits {
        let within = limit.contains(&value);
        met &= within;
        let says = if within { "" } else { "  MISSED" };
        println!("{name}: {value:.2}{says}");
    }
    if has("--check") && !met {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
