//! Time that passes while a sync is under way.

use clap::Parser;
use sealtoken::pat::PersonalAccessTokens;
use sealtoken::store::MemoryStore;
use sealtoken::{Key, KeyRing, ManualClock, UnixTime};
use serde_json::json;

use super::plan::{Rules, plan};
use super::show::Report;
use super::{Sync, apply, file};

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

    // So long it takes until they are come to.
    clock.advance(60);
    let options = Line::parse_from(["sync", "tokens.yaml", "--json"]).sync;
    let mut report = Report::new(&options, plan.unchanged, declared.len());
    let applied = apply::apply(&pats, plan.steps, &options, &mut report).await;
    assert!(applied.is_ok());
    let report = serde_json::to_value(&report).unwrap();
    assert_eq!(report["failed"], json!([]));
    assert_eq!(report["registered"], json!([long.id.to_string()]));
    let note = json!({"id": short.id.to_string(), "note": "it has expired: it is not registered"});
    assert_eq!(report["notes"], json!([note]));
    assert_eq!(pats.count().await, Ok(1));
}

/// However long that takes: the clocks of all others are far beyond this one's.
#[tokio::test]
async fn a_file_is_checked_as_of_one_moment() {
    let id = opened(&ManualClock::at(NOW)).await.generate().unwrap().id;
    let end = NOW.saturating_add(1).as_secs();
    let text = format!("tokens:\n- {{id: {id}, owner: a, expires_at: {end}}}\n");
    let declared = file::read(&text).ok().unwrap();
    assert!(file::check(&declared, NOW).await.is_ok());
}
