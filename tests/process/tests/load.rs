//! Many tasks verify tokens and read values on PostgreSQL, and no operation fails.
//!
//! `SEALTOKEN_LOAD_SECONDS` sets how long they run; the default is 2. `SEALTOKEN_TEST_POSTGRES`
//! names a server.

use std::time::{Duration, Instant};

use sealtoken::pat::PersonalAccessTokens;
use sealtoken::vault::Vault;
use sealtoken::{Key, KeyRing};
use sealtoken_test_servers::postgres::fresh;
use tokio::runtime::Builder;

const TASKS: usize = 64;
/// How many tokens and values the tasks share.
const RECORDS: usize = 100;

fn duration() -> Duration {
    let seconds = std::env::var("SEALTOKEN_LOAD_SECONDS");
    Duration::from_secs(seconds.map_or(2, |seconds| seconds.parse().expect("a number")))
}

/// The latencies of each operation.
#[derive(Default)]
struct Latencies {
    verify: Vec<Duration>,
    read: Vec<Duration>,
}

fn print(operation: &str, mut latencies: Vec<Duration>, ran: Duration) {
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    println!(
        "{operation}: {} in {ran:.0?}, {:.0} a second; median {:.1?}, 99 % {:.1?}, slowest {:.1?}",
        latencies.len(),
        latencies.len() as f64 / ran.as_secs_f64(),
        at(50),
        at(99),
        at(100)
    );
}

async fn run() {
    let Some((store, _schema)) = fresh("read committed").await else {
        return;
    };
    let keys = KeyRing::new(Key::generate());
    let pats = PersonalAccessTokens::open(store.clone(), &keys).await;
    let pats = pats.expect("it opens");
    let vault = Vault::open(store, &keys).await.expect("it opens");
    let (mut tokens, mut values) = (Vec::new(), Vec::new());
    for n in 0..RECORDS {
        let owner = format!("user {n}");
        let issued = pats.issue(owner).role("reader").await.expect("it issues");
        tokens.push(issued.token.expose().to_owned());
        let value = format!("value {n}");
        values.push(vault.create(value).await.expect("it creates"));
    }

    let (began, duration) = (Instant::now(), duration());
    let tasks = (0..TASKS).map(|task| {
        let (pats, vault) = (pats.clone(), vault.clone());
        let (tokens, values) = (tokens.clone(), values.clone());
        tokio::spawn(async move {
            let mut latencies = Latencies::default();
            let mut n = task;
            while began.elapsed() < duration {
                n = (n + 7) % RECORDS;
                let start = Instant::now();
                let record = pats.verify(&tokens[n]).await.expect("it verifies");
                latencies.verify.push(start.elapsed());
                assert_eq!(record.owner, format!("user {n}"));

                let start = Instant::now();
                let value = vault.read(&values[n]).await.expect("it reads");
                latencies.read.push(start.elapsed());
                assert_eq!(value.expose(), format!("value {n}").as_bytes());
            }
            latencies
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut all = Latencies::default();
    for task in tasks {
        let latencies = task.await.expect("no panic");
        assert!(!latencies.read.is_empty());
        all.verify.extend(latencies.verify);
        all.read.extend(latencies.read);
    }
    let ran = began.elapsed();
    println!("{TASKS} tasks, {RECORDS} tokens and values");
    print("verify", all.verify, ran);
    print("read", all.read, ran);
    pats.flush().await;
    for record in &tokens {
        let record = pats.verify(record).await.expect("it verifies");
        assert!(record.last_used_at.is_some(), "a use was not recorded");
    }
}

#[test]
fn no_operation_fails_under_load() {
    let runtime = Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(run());
}
