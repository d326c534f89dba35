//! Importing values of another system under their own tokens.

use std::sync::Arc;

use sealtoken::ServiceError;
use sealtoken::State;
use sealtoken::UnixTime;
use sealtoken::store::{Effect, MemoryStore, StoreError};
use sealtoken::vault::{ForeignValue, ImportError, Vault, VaultError};
use sealtoken_import::{Vaultstore, VaultstoreError};
use tokio::task::JoinSet;

use super::events::Recorder;
use super::{Bench, NOW, RIGHT, WRONG};
use crate::engine::Engine;
use crate::faulty::{Fault, Faulty};

/// A value of the first format, whose password is quick to try, and its plaintext.
pub(super) fn vector() -> (Vaultstore, String, Vec<u8>) {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../vectors/vaultstore.json")).unwrap();
    let all = vectors["vectors"].as_array().unwrap();
    let named = |one: &&serde_json::Value| one["name"] == "v1: text beyond ASCII";
    let vector = all.iter().find(named).unwrap();
    let text = |member: &str| vector[member].as_str().unwrap().to_owned();
    let value = hex::decode(text("expect")).unwrap();
    (Vaultstore::v1(text("password")), text("stored"), value)
}

/// A stored value, which expires at this second.
pub(super) fn stored(
    reader: &Vaultstore,
    token: &str,
    stored: &str,
    expires_at: Option<i64>,
) -> ForeignValue<VaultstoreError> {
    reader.value(token, stored, expires_at.map(UnixTime::from_secs))
}

#[tokio::test]
async fn values_keep_their_tokens_and_expiries_and_get_the_new_password() {
    let bench = Bench::on(Engine::memory()).await;
    let vault = &bench.vault;
    let (reader, text, value) = vector();
    let last = 253_402_300_799;
    let rows = [
        stored(&reader, "kept-without-an-end", &text, None),
        stored(&reader, "kept-until-all-ends", &text, Some(last)),
        stored(&reader, "kept-for-one-hour-more", &text, Some(NOW + 3600)),
        stored(&reader, "over-since-this-second", &text, Some(NOW)),
        stored(&reader, "over-since-before-1970", &text, Some(-1)),
        stored(&reader, "not-what-was-stored-there", "?", None),
        stored(&reader, "short", &text, None),
    ];
    let mut reported = 0;
    let taken = vault
        .import(rows)
        .password("short")
        .progress(|n| reported = n);
    let taken = taken.await.unwrap();
    let failures: Vec<_> = taken.into_iter().map(Result::err).collect();
    let malformed = ImportError::Read(VaultstoreError::Malformed);
    let invalid = ImportError::Vault(VaultError::InvalidToken);
    assert_eq!(
        failures,
        [None, None, None, None, None, Some(malformed), Some(invalid)]
    );
    assert_eq!(reported, 7);
    let end = async |token: &str| {
        let info = vault.get(token).await.unwrap();
        assert!(info.has_password);
        (info.state, info.expires_at.map(|at| at.as_secs()))
    };
    assert_eq!(end("kept-without-an-end").await, (State::Live, None));
    assert_eq!(end("kept-until-all-ends").await, (State::Live, None));
    let hour = end("kept-for-one-hour-more").await;
    assert_eq!(hour, (State::Live, Some(NOW + 3600)));
    let over = end("over-since-this-second").await;
    assert_eq!(over, (State::Expired, Some(NOW)));
    let over = end("over-since-before-1970").await;
    assert_eq!(over, (State::Expired, Some(0)));
    let read = vault.read("kept-without-an-end").password("short").await;
    assert_eq!(read.unwrap().expose(), value);
    let other = vault.read("kept-without-an-end").password(RIGHT).await;
    assert_eq!(other.err(), Some(VaultError::InvalidPassword));
}

#[tokio::test]
async fn an_import_that_was_cut_off_says_whether_something_was_taken_in() {
    let (reader, text, _) = vector();
    for (taken, expected) in [(0, Effect::None), (1, Effect::Unknown)] {
        let store = Faulty::over(MemoryStore::new(), &[Fault::ForGood], u64::MAX);
        let bench = Bench::over(store.clone(), Vault::options()).await;
        // The namespace exists, so that each value is one write.
        bench.vault.create("v").await.unwrap();
        store.fail_from(taken + 1);
        let rows = ["first-of-two-values", "second-of-two-values"];
        let rows = rows.map(|token| stored(&reader, token, &text, None));
        let cut_off = bench.vault.import(rows).await;
        let Err(VaultError::Service(ServiceError::Store(StoreError::Unavailable {
            effect, ..
        }))) = cut_off
        else {
            panic!("{cut_off:?}");
        };
        assert_eq!(effect, expected);
        store.heal();
        // Repeated, it goes on.
        let rows = ["first-of-two-values", "second-of-two-values"];
        let rows = rows.map(|token| stored(&reader, token, &text, None));
        let again = bench.vault.import(rows).await.unwrap();
        let failed: Vec<_> = again.iter().map(|one| one.is_err()).collect();
        assert_eq!(failed, [taken == 1, false]);
    }
}

#[tokio::test]
async fn an_import_does_not_wait_behind_guesses_in_namespaces_that_are_made_up() {
    let options = Vault::options().max_concurrent_hashes(1);
    let bench = Bench::with(Engine::memory(), options).await;
    let guess = |_| {
        let made_up = bench.vault.namespace("made up").unwrap();
        async move {
            made_up
                .read("tk_not_there_at_all")
                .password(WRONG)
                .await
                .err()
        }
    };
    let mut guesses: JoinSet<_> = (0..2000).map(guess).collect();
    // Waits until a caller finds the queue full. It stays full for a while.
    while guesses.join_next().await.unwrap().unwrap() == Some(VaultError::NotFound) {}
    let (reader, text, _) = vector();
    let rows = [stored(&reader, "taken-in-meanwhile", &text, None)];
    let taken = bench.vault.import(rows).await.unwrap();
    assert!(taken.iter().all(Result::is_ok), "{taken:?}");
}

#[tokio::test]
async fn an_error_that_concerns_all_values_stops_an_import_before_the_first() {
    let bench = Bench::on(Engine::memory()).await;
    let (reader, text, _) = vector();
    let rows = [stored(&reader, "never-taken-in", &text, None)];
    let none = bench.vault.import(rows).password("").await;
    assert_eq!(none.err(), Some(VaultError::EmptyPassword));
    let exists = bench.vault.exists("never-taken-in").await;
    assert_eq!(exists, Ok(false));
}

#[tokio::test]
async fn the_event_of_an_import_counts_what_was_taken_in() {
    let recorder = Arc::new(Recorder::default());
    let options = Vault::options().events(recorder.clone());
    let bench = Bench::with(Engine::memory(), options).await;
    let (reader, text, _) = vector();
    let rows = [
        stored(&reader, "the-one-that-is-taken", &text, None),
        stored(&reader, "not-what-was-stored-there", "?", None),
    ];
    bench.vault.import(rows).await.unwrap();
    let last = recorder.0.lock().unwrap().pop().unwrap();
    assert_eq!(
        (last.operation, last.count),
        (sealtoken::vault::operation::IMPORT, Some(1))
    );
}
