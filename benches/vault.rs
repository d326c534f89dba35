//! Checks the vault's central claim: one Argon2id pays for any number of values under a password.
//!
//! One process measures everything in turns, because only the ratios are reliable. Run it with
//! `cargo bench -p sealtoken-benches --features sqlite --bench vault`. `-- --test` makes a short
//! run that only shows that the benchmark works.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::pedantic,
    missing_docs
)]

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};
use sealtoken::store::{MemoryStore, Store};
use sealtoken::vault::Vault;
use sealtoken::{Key, KeyRing};
use sealtoken_sqlite::SqliteStore;

/// The cost of a password in the original system: 64 MiB, three passes, four lanes.
const SEED: (u32, u32, u32) = (64 * 1024, 3, 4);
/// The cost of a password here.
const OURS: (u32, u32, u32) = (19 * 1024, 2, 1);

fn argon2id((memory, passes, lanes): (u32, u32, u32)) -> Duration {
    let params = Params::new(memory, passes, lanes, Some(64)).unwrap();
    let count = params.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let began = Instant::now();
    let mut blocks = vec![argon2::Block::new(); count];
    let mut out = [0; 64];
    let hashed = argon2.hash_password_into_with_memory(
        b"correct horse",
        b"0123456789abcdef",
        &mut out,
        &mut blocks,
    );
    hashed.unwrap();
    began.elapsed()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A vault that holds `values` values under one password.
async fn filled(store: impl Store, values: usize) -> (Vault, Vec<String>) {
    let vault = Vault::open(store, &KeyRing::new(Key::generate()))
        .await
        .unwrap();
    let mut tokens = Vec::new();
    vault.create("first").password(PASSWORDS[0]).await.unwrap();
    let unlocked = vault.unlock(PASSWORDS[0]).await.unwrap();
    while tokens.len() + 1 < values {
        let more = (values - tokens.len() - 1).min(10_000);
        let created = unlocked
            .create_many(vec!["postgres://app:hunter2@db/prod"; more])
            .await
            .unwrap();
        tokens.extend(
            created
                .into_iter()
                .map(|token| token.unwrap().expose().to_owned()),
        );
    }
    (vault, tokens)
}

const PASSWORDS: [&str; 2] = ["correct horse", "battery staple"];

async fn rekey(vault: &Vault, round: usize, values: usize) -> Duration {
    let began = Instant::now();
    let count = vault
        .rekey(PASSWORDS[round % 2], PASSWORDS[(round + 1) % 2])
        .await
        .unwrap();
    let took = began.elapsed();
    assert_eq!(count, values as u64);
    took
}

async fn rekeys(name: &str, few: (Vault, usize), many: (Vault, usize), rounds: usize) {
    let (mut against_few, mut against_hashes) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let hashes = argon2id(OURS) + argon2id(OURS);
        let short = rekey(&few.0, round, few.1).await;
        let long = rekey(&many.0, round, many.1).await;
        against_few.push(long.as_secs_f64() / short.as_secs_f64());
        against_hashes.push(long.as_secs_f64() / hashes.as_secs_f64());
    }
    println!(
        "rekey, {name}: {} values take {:.2} times as long as {} (target 1.5), \
         {:.2} times as long as two bare Argon2id",
        many.1,
        median(against_few),
        few.1,
        median(against_hashes),
    );
}

async fn reads(name: &str, vault: &Vault, tokens: &[String], rounds: usize) {
    let (mut hashes, mut ours, mut seed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let one = argon2id(OURS).as_secs_f64();
        let theirs = argon2id(SEED).as_secs_f64();
        let began = Instant::now();
        let read = vault
            .read_many(tokens)
            .password(PASSWORDS[0])
            .await
            .unwrap();
        let took = began.elapsed().as_secs_f64();
        assert!(read.iter().all(Result::is_ok) && read.len() == tokens.len());
        hashes.push(took / one);
        ours.push(one * tokens.len() as f64 / took);
        seed.push(theirs * tokens.len() as f64 / took);
    }
    println!(
        "read_many, {name}: {} values take {:.2} times as long as one bare Argon2id; \
         one Argon2id per value would take {:.0} times as long, \
         at the original system's cost (64 MiB, t = 3, p = 4) {:.0} times",
        tokens.len(),
        median(hashes),
        median(ours),
        median(seed),
    );
}

fn main() {
    let short = std::env::args().any(|argument| argument == "--test");
    let (few, many, rounds) = if short {
        (100, 1000, 2)
    } else {
        (1000, 100_000, 14)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let at = |name| SqliteStore::open(folder.path().join(name));
        let (small, tokens) = filled(at("few.db").await.unwrap(), few).await;
        reads("SQLite", &small, &tokens, rounds).await;
        let (large, _) = filled(at("many.db").await.unwrap(), many).await;
        rekeys("SQLite", (small, few), (large, many), rounds).await;
        let (small, tokens) = filled(MemoryStore::new(), few).await;
        reads("memory", &small, &tokens, rounds).await;
        let (large, _) = filled(MemoryStore::new(), many).await;
        rekeys("memory", (small, few), (large, many), rounds).await;
    });
}
