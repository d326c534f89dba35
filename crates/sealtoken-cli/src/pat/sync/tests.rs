//! Time that passes while a sync is under way.

use clap::Parser;
use sealtoken::pat::{PatError, PersonalAccessTokens};
use sealtoken::store::{MemoryStore, StoreError};
use sealtoken::{Key, KeyRing, ManualClock, ServiceError, UnixTime};
use serde_json::json;

use super::plan::{Rules, plan};
use super::show::Report;
use super::{Sync, apply, file};
use crate::lossy::Lossy;

const NOW: UnixTime = UnixTime::from_secs(1_763_755_200);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    sync: Sync,
}

async fn opened(clock: &ManualClock) -> PersonalAccessTokens {
    let keys = KeyRing::new(Key::generate());
    let options = PersonalAccessTokens::options().clock(clock.clone());
    options.open(MemoryStore::new(), &keys).await.unwrap()
}

#[tokio::test]
async fn an_end_that_passes_before_its_token_is_registered_is_noted() {
    let clock = ManualClock::at(NOW);
    let pats = opened(&clock).await;
    let (short, long) = (pats.generate().unwrap(), pats.generate().unwrap());
    let end = |seconds| NOW.saturating_add(seconds).as_secs();
    let text = format!(
        "tokens:
- {{id: {}, owner: a, hash: {}, expires_at: {}}}
- {{id: {}, owner: a, hash: {}, expires_at: {}}}
",
        short.id,
        short.hash,
        end(60),
        long.id,
        long.hash,
        end(61)
    );
    let declared = file::read(&text).ok().unwrap();
    let rules = Rules {
        own: None,
        keep_unlisted: false,
        now: NOW,
    };
    let plan = plan(&pats, &declared, &rules).await.ok().unwrap();
    assert_eq!((plan.steps.len(), plan.notes.len()), (2, 0));

    // Time passes before the steps are carried out.
    clock.advance(60);
    let options = Line::parse_from(["sync", "tokens.yaml", "--json"]).sync;
    let mut report = Report::new(&options, plan.unchanged, declared.len());
    apply::apply(&pats, plan.steps, &options, &mut report).await;
    let report = serde_json::to_value(&report).unwrap();
    assert_eq!(report["failed"], json!([]));
    assert_eq!(report["registered"], json!([long.id.to_string()]));
    let note = json!({"id": short.id.to_string(), "note": "it has expired: it is not registered"});
    assert_eq!(report["notes"], json!([note]));
    assert_eq!(pats.list().count().await, Ok(1));
}

/// However long that takes.
#[tokio::test]
async fn a_file_is_checked_as_of_one_moment() {
    let id = opened(&ManualClock::at(NOW)).await.generate().unwrap().id;
    let end = NOW.saturating_add(1).as_secs();
    let text = format!("tokens:\n- {{id: {id}, owner: a, expires_at: {end}}}\n");
    let declared = file::read(&text).ok().unwrap();
    assert!(file::check(&declared, NOW).await.is_ok());
}

/// Syncs a token with the roles `a` and `b` to this declaration while the store fails. The report
/// must say what was done before.
async fn lost(
    declared: &str,
    revoked: bool,
    lossy: impl FnOnce(MemoryStore) -> Lossy,
    done: Option<&str>,
) {
    let clock = ManualClock::at(NOW);
    let (store, keys) = (MemoryStore::new(), KeyRing::new(Key::generate()));
    let options = || PersonalAccessTokens::options().clock(clock.clone());
    let pats = options().open(store.clone(), &keys).await.unwrap();
    let issued = pats.issue("a").role("a").role("b").await.unwrap();
    let id = issued.record.id;
    if revoked {
        pats.revoke(id).await.unwrap();
    }
    let text = format!("tokens:\n- {{id: {id}, {declared}}}\n");
    let tokens = file::read(&text).ok().unwrap();
    let rules = Rules {
        own: None,
        keep_unlisted: false,
        now: NOW,
    };
    let away = options().open(lossy(store), &keys).await.unwrap();
    let plan = plan(&away, &tokens, &rules).await.ok().unwrap();
    let line = ["sync", "tokens.yaml", "--json", "--purge-in", "1d"];
    let options = Line::parse_from(line).sync;
    let mut report = Report::new(&options, plan.unchanged, tokens.len());
    apply::apply(&away, plan.steps, &options, &mut report).await;
    let report = serde_json::to_value(&report).unwrap();
    let mut failed = json!({"id": id.to_string(), "error": "unavailable"});
    if let Some(done) = done {
        failed["done"] = json!(done);
    }
    assert_eq!(report["failed"], json!([failed]), "{declared}");
}

/// Each case: the declaration, how many writes succeed, and what the report says was done.
#[tokio::test]
async fn a_step_that_fails_tells_what_of_it_was_done() {
    for (declared, writes, done) in [
        ("owner: b, revoked: true", 0, None),
        ("owner: b, revoked: true", 1, Some("it was revoked")),
        ("owner: b, revoked: true", 2, Some("it was revoked")),
        ("owner: b, roles: [a]", 0, None),
        (
            "owner: b, roles: [a]",
            1,
            Some("what the file takes away was taken away"),
        ),
        ("owner: b", 0, None),
    ] {
        lost(
            declared,
            false,
            |store| Lossy::writes(store, writes..u32::MAX),
            done,
        )
        .await;
        let why = apply::why(
            &PatError::Service(ServiceError::Store(StoreError::unavailable("away"))),
            done,
        );
        assert_eq!(why.contains("nothing was changed"), done.is_none(), "{why}");
        assert_eq!(
            why.contains("run `sealtoken pat sync` again"),
            done.is_some(),
            "{why}"
        );
    }
}

/// A token that may be restored is not reported as still revoked.
#[tokio::test]
async fn a_step_that_may_be_done_says_nothing_against_it() {
    for (writes, away, unknown) in [
        (0, None, None),
        (
            1,
            Some("it was changed, and is still revoked"),
            Some("it was changed, and may be restored"),
        ),
    ] {
        let declared = "owner: b, revoked: false";
        let lost_writes = writes..u32::MAX;
        lost(
            declared,
            true,
            |store| Lossy::writes(store, lost_writes),
            away,
        )
        .await;
        let lost_writes = writes..u32::MAX;
        lost(
            declared,
            true,
            |store| Lossy::unknown_writes(store, lost_writes),
            unknown,
        )
        .await;
        let why = apply::why(
            &PatError::Service(ServiceError::Store(StoreError::unknown("away"))),
            unknown,
        );
        assert!(why.contains("run `sealtoken pat sync` again"), "{why}");
    }
}
