//! A process that creates and purges values and changes passwords is killed, again and again:
//! everything that it acknowledged is done.
//!
//! `SEALTOKEN_KILLS` sets how often; 10 times unless set.

use std::path::Path;
use std::time::Duration;

use sealtoken::State;
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};
use sealtoken_process_tests::kill;
use sealtoken_sqlite::SqliteStore;
use tokio::runtime::Builder;

const NOW: i64 = 1_763_755_200;

/// Each round creates this many values that stay, under the password of the round, and 20 that
/// expire.
const VALUES: u64 = 3;

/// The steps of a round: the values that stay, those that expire, the purge, the new password.
const STEPS: u64 = VALUES + 3;

fn password(round: u64) -> String {
    format!("password of round {round}")
}

fn token(round: u64, value: u64) -> String {
    format!("round-{round:08}-value-{value:04}")
}

fn value(round: u64, value: u64) -> String {
    format!("the value {value} of round {round}")
}

/// Opens the vault at the time of this round, ten seconds after the round before.
async fn open(file: &Path, round: u64) -> Vault {
    let store = SqliteStore::open(file).await.expect("it opens");
    let second = NOW + i64::try_from(round).expect("small") * 10;
    let options = Vault::options().clock(ManualClock::at(UnixTime::from_secs(second)));
    let keys = KeyRing::new(Key::from_bytes([7; 32]));
    options
        .purge_margin(Duration::ZERO)
        .limiter(())
        .open(store, &keys)
        .await
        .expect("it opens")
}

/// The process that is killed. It goes on with the first step that was not acknowledged.
fn write(file: &Path, from: u64) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for step in from.. {
            let (round, at) = (step / STEPS, step % STEPS);
            let vault = open(file, round).await;
            match at {
                0..VALUES => {
                    let create = vault.create(value(round, at)).token(token(round, at));
                    match create.password(password(round)).await {
                        // Done, and killed before the acknowledgement.
                        Ok(_) | Err(VaultError::AlreadyExists) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                VALUES => {
                    let ends = vec!["ends"; 20];
                    let ends = vault.create_many(ends).expires(Lifetime::seconds(5));
                    ends.await.expect("it writes");
                }
                n if n == VALUES + 1 => {
                    // Values that expired in this round or before, as the next round sees it.
                    let vault = open(file, round + 1).await;
                    vault.purge_expired().await.expect("it purges");
                }
                _ => match vault.rekey(password(round), password(round + 1)).await {
                    Ok(count) => assert_eq!(count, (round + 1) * VALUES),
                    Err(VaultError::InvalidPassword) => {}
                    Err(error) => panic!("{error}"),
                },
            }
            kill::acknowledge(step);
        }
    });
}

/// Checks a file whose writer was killed after it had acknowledged this step.
fn check(file: &Path, acknowledged: Option<u64>) {
    let next = acknowledged.map_or(0, |step| step + 1);
    let round = next / STEPS;
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let vault = open(file, round).await;
        // One password for everything: that of the round, or the next one if the change was not
        // acknowledged.
        let mut unlocked = Vec::new();
        for round in [round, round + 1] {
            unlocked.extend(vault.unlock(password(round)).await.ok());
        }
        let done = (0..next).filter(|step| step % STEPS < VALUES);
        for step in done {
            let (round, at) = (step / STEPS, step % STEPS);
            let [unlocked] = &unlocked[..] else {
                panic!("{} passwords after step {acknowledged:?}", unlocked.len());
            };
            let read = unlocked.read(token(round, at)).await;
            let read = read.unwrap_or_else(|error| panic!("step {step}: {error}"));
            assert_eq!(read.expose(), value(round, at).as_bytes());
        }
        // Purged values are gone completely, and nothing in the list is damaged.
        let page = vault
            .list()
            .with(State::Expired)
            .limit(10_000)
            .await
            .expect("it lists");
        for entry in page.entries {
            let entry = entry.expect("no damage");
            if entry.state == State::Expired && next % STEPS <= VALUES + 1 {
                let before = NOW + i64::try_from(round.saturating_sub(1)).expect("small") * 10;
                assert!(
                    entry.expires_at >= Some(UnixTime::from_secs(before)),
                    "an acknowledged purge left an expired value"
                );
            }
        }
    });
}

#[test]
fn a_vault_loses_no_acknowledged_operation() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("vault.db");
    let times = kill::times(10);
    let mut acknowledged: Option<u64> = None;
    for at in 0..times {
        let next = acknowledged.map_or(0, |step| step + 1);
        // The steps share no divisor, so the kills fall everywhere in each operation.
        let moment = Duration::from_micros(u64::try_from(at * 7919 % 60_001).expect("small"));
        acknowledged = kill::kill(&next.to_string(), &file, at % 3, moment).or(acknowledged);
        check(&file, acknowledged);
    }
    assert!(
        acknowledged > Some(u64::try_from(times / 2).expect("small")),
        "{acknowledged:?}"
    );
    println!("{times} processes were killed, the last at step {acknowledged:?}");
}

#[test]
#[ignore = "started and killed by the other test"]
fn the_process_that_is_killed() {
    if let Some((from, file)) = kill::asked() {
        write(Path::new(&file), from.parse().expect("a number"));
    }
}
