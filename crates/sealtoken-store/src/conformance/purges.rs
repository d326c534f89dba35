//! Removal by `purge_at`.

use std::sync::Arc;

use crate::{Query, Record, Store, Values};
use sealtoken_time::UnixTime;

use super::fixture::{
    assert_exists, assert_gone, changed, collection, found, insert, key, notes, record, replace,
    tag, tagged, write,
};

const NOW: UnixTime = UnixTime::from_secs(1_763_755_200);

fn due(id: &str, seconds: i64) -> Record {
    record(id).with_purge_at(NOW.saturating_add(seconds))
}

/// A purge removes records whose `purge_at` is strictly before the moment, and nothing else.
pub(super) async fn a_purge_removes_what_is_due_and_nothing_else(store: Arc<dyn Store>) {
    let stays = [due("now", 0), due("later", 1), record("never")];
    let goes = [due("before", -1), due("long_before", -1_000_000)];
    insert(&*store, stays.iter().chain(&goes).cloned()).await;
    assert_eq!(store.purge(&notes(), NOW, 100).await, Ok(2));
    for record in &stays {
        assert_exists(&*store, record).await;
    }
    for record in &goes {
        assert_gone(&*store, &record.key).await;
    }
    assert_eq!(store.purge(&notes(), NOW, 100).await, Ok(0));
    assert_eq!(
        store.purge(&notes(), NOW.saturating_add(1), 100).await,
        Ok(1)
    );
    assert_gone(&*store, &key("now")).await;
}

/// A purge removes at most its limit, and the next purge removes the rest.
pub(super) async fn a_purge_keeps_to_its_limit(store: Arc<dyn Store>) {
    let records = (0..2500).map(|at| due(&format!("{at}"), -1 - i64::from(at % 7)));
    insert(&*store, records).await;
    assert_eq!(store.purge(&notes(), NOW, 0).await, Ok(0));
    assert_eq!(store.purge(&notes(), NOW, 1).await, Ok(1));
    assert_eq!(store.purge(&notes(), NOW, 99).await, Ok(99));
    assert_eq!(store.count(&Query::all(notes())).await, Ok(2400));
    assert_eq!(store.purge(&notes(), NOW, 1400).await, Ok(1400));
    assert_eq!(store.count(&Query::all(notes())).await, Ok(1000));
    assert_eq!(store.purge(&notes(), NOW, u32::MAX).await, Ok(1000));
    assert_eq!(store.count(&Query::all(notes())).await, Ok(0));
}

/// A purge removes the labels of a record too.
pub(super) async fn labels_go_with_a_purged_record(store: Arc<dyn Store>) {
    let goes = due("goes", -1)
        .with_label(tag(), "x")
        .with_label(tag(), "y");
    let stays = due("stays", 1).with_label(tag(), "x");
    insert(&*store, [goes, stays]).await;
    assert_eq!(store.purge(&notes(), NOW, 100).await, Ok(1));
    assert_eq!(tagged(&*store, b"x").await, [b"stays"]);
    let all = Query::label(notes(), tag(), Values::beginning_with(""));
    assert_eq!(store.count(&all).await, Ok(1));
    // They do not come back with another record under the id.
    insert(&*store, [record("goes")]).await;
    assert_eq!(found(&*store, &all).await, [b"stays"]);
}

/// A purge does not touch other collections.
pub(super) async fn a_purge_leaves_other_collections_alone(store: Arc<dyn Store>) {
    let mut other = due("id", -1);
    other.key.collection = collection("other");
    insert(&*store, [other.clone(), due("id", -1)]).await;
    assert_eq!(store.purge(&notes(), NOW, 100).await, Ok(1));
    assert_exists(&*store, &other).await;
    assert_eq!(store.purge(&collection("missing"), NOW, 100).await, Ok(0));
}

/// A replacement sets the new `purge_at`, or none.
pub(super) async fn a_replacement_changes_when_a_record_is_due(store: Arc<dyn Store>) {
    let (postponed, kept, hastened) = (due("postponed", -1), due("kept", -1), record("hastened"));
    insert(&*store, [postponed.clone(), kept.clone(), hastened.clone()]).await;
    let mut forever = changed(&kept, "x");
    forever.purge_at = None;
    let later = changed(&postponed, "x").with_purge_at(NOW.saturating_add(1));
    let soon = changed(&hastened, "x").with_purge_at(NOW.saturating_add(-1));
    let batch = [
        replace(&postponed, later.clone()),
        replace(&kept, forever.clone()),
        replace(&hastened, soon),
    ];
    write(&*store, &batch).await;
    assert_eq!(store.purge(&notes(), NOW, 100).await, Ok(1));
    assert_exists(&*store, &later).await;
    assert_exists(&*store, &forever).await;
    assert_gone(&*store, &hastened.key).await;
}

/// `purge_at` may be any second: negative, zero, and both ends of the range.
pub(super) async fn purge_at_is_any_second(store: Arc<dyn Store>) {
    let seconds = [
        i64::MIN,
        -62_135_596_801,
        -1,
        0,
        1,
        253_402_300_800,
        i64::MAX,
    ];
    for (at, second) in seconds.iter().enumerate() {
        let moment = UnixTime::from_secs(*second);
        let existing = record(at.to_be_bytes()).with_purge_at(moment);
        insert(&*store, [existing.clone()]).await;
        assert_exists(&*store, &existing).await;
    }
    for (second, count) in [(i64::MIN, 0), (-1, 2), (0, 1), (1, 1), (i64::MAX, 2)] {
        let before = UnixTime::from_secs(second);
        assert_eq!(
            store.purge(&notes(), before, 100).await,
            Ok(count),
            "{second}"
        );
    }
    assert_eq!(store.count(&Query::all(notes())).await, Ok(1));
}
