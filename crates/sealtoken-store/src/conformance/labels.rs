//! Labels: how many, and how they change with their record.

use std::sync::Arc;

use crate::{Change, Query, Record, RecordError, Store, Values};

use super::fixture::{
    all_pages, assert_exists, assert_refused, changed, conflict, found, insert, key, name, notes,
    record, remove, replace, tag, tagged, write,
};

/// A record can have 16 labels, and is found by each.
pub(super) async fn a_record_has_up_to_16_labels(store: Arc<dyn Store>) {
    let mut full = record("full");
    for at in 0..Record::MAX_LABELS {
        full = full.with_label(tag(), [u8::try_from(at).unwrap(); 512]);
    }
    insert(&*store, [full.clone()]).await;
    assert_exists(&*store, &full).await;
    for label in &full.labels {
        assert_eq!(tagged(&*store, &label.value).await, [b"full"]);
    }
    let over = changed(&full, "over").with_label(name("more"), "x");
    let error = RecordError::TooManyLabels;
    assert_refused(&*store, &[replace(&full, over)], error).await;
    assert_exists(&*store, &full).await;
}

/// Label values of 0 and of 513 bytes are refused.
pub(super) async fn label_values_have_one_to_512_bytes(store: Arc<dyn Store>) {
    for value in [vec![], vec![b'x'; 513]] {
        let new = record("id").with_label(tag(), value);
        assert_refused(&*store, &[Change::Insert(new)], RecordError::LabelValue).await;
    }
    let longest = record("id").with_label(tag(), vec![b'x'; 512]);
    insert(&*store, [longest.clone()]).await;
    assert_exists(&*store, &longest).await;
    assert_eq!(tagged(&*store, &[b'x'; 512]).await, [b"id"]);
}

/// A record with the same label twice is refused.
pub(super) async fn a_label_stands_once_in_a_record(store: Arc<dyn Store>) {
    let twice = record("id")
        .with_label(tag(), "x")
        .with_label(name("other"), "x")
        .with_label(tag(), "x");
    assert_refused(
        &*store,
        &[Change::Insert(twice)],
        RecordError::DuplicateLabel,
    )
    .await;
}

/// A name can have several values, and a value several names.
pub(super) async fn a_label_can_have_several_values(store: Arc<dyn Store>) {
    let several = record("id")
        .with_label(tag(), "b")
        .with_label(tag(), "a")
        .with_label(name("other"), "a")
        .with_label(tag(), "ab");
    insert(
        &*store,
        [several.clone(), record("z").with_label(tag(), "a")],
    )
    .await;
    assert_exists(&*store, &several).await;
    assert_eq!(tagged(&*store, b"a").await, [&b"id"[..], b"z"]);
    assert_eq!(tagged(&*store, b"b").await, [b"id"]);
    // It is found and counted once for each label in the range.
    let all = Query::label(notes(), tag(), Values::beginning_with(""));
    let expected = [&b"id"[..], b"z", b"id", b"id"];
    assert_eq!(found(&*store, &all.clone().limit(1)).await, expected);
    assert_eq!(store.count(&all).await, Ok(4));
    let other = Query::label(notes(), name("other"), Values::exactly("a"));
    assert_eq!(found(&*store, &other).await, [b"id"]);
}

/// After a replacement, a record is found by its new labels and by none of the old ones.
pub(super) async fn labels_follow_a_replacement(store: Arc<dyn Store>) {
    let before = record("id")
        .with_label(tag(), "old")
        .with_label(tag(), "both")
        .with_label(name("other"), "old");
    insert(
        &*store,
        [before.clone(), record("z").with_label(tag(), "old")],
    )
    .await;
    let mut after = changed(&before, "next");
    after.labels.clear();
    let after = after
        .with_label(tag(), "new")
        .with_label(tag(), "both")
        .with_label(name("third"), "old");
    write(&*store, &[replace(&before, after.clone())]).await;
    assert_exists(&*store, &after).await;
    assert_eq!(tagged(&*store, b"old").await, [b"z"]);
    assert_eq!(tagged(&*store, b"both").await, [b"id"]);
    assert_eq!(tagged(&*store, b"new").await, [b"id"]);
    let by = |label| Query::label(notes(), name(label), Values::exactly("old"));
    assert!(found(&*store, &by("other")).await.is_empty());
    // The scan returns the current record.
    assert_eq!(all_pages(&*store, &by("third")).await.len(), 1);
    let scanned = all_pages(&*store, &by("third")).await;
    let mut expected = after.clone();
    expected.labels.sort();
    assert_eq!(scanned, [expected]);
    // And without any label.
    let mut bare = changed(&after, "bare");
    bare.labels.clear();
    write(&*store, &[replace(&after, bare)]).await;
    for value in [&b"both"[..], b"new"] {
        assert!(tagged(&*store, value).await.is_empty());
    }
    assert!(found(&*store, &by("third")).await.is_empty());
    assert_eq!(tagged(&*store, b"old").await, [b"z"]);
}

/// No label finds a removed record, and a new record under its id is found by its own labels only.
pub(super) async fn labels_follow_a_removal(store: Arc<dyn Store>) {
    let gone = record("id").with_label(tag(), "x").with_label(tag(), "y");
    let stays = record("z").with_label(tag(), "x");
    insert(&*store, [gone.clone(), stays]).await;
    write(&*store, &[remove(&gone.key, Some(gone.version))]).await;
    assert_eq!(tagged(&*store, b"x").await, [b"z"]);
    assert!(tagged(&*store, b"y").await.is_empty());
    insert(&*store, [record("id").with_label(tag(), "y")]).await;
    assert_eq!(tagged(&*store, b"x").await, [b"z"]);
    write(&*store, &[remove(&key("id"), None)]).await;
    let all = Query::label(notes(), tag(), Values::beginning_with(""));
    assert_eq!(store.count(&all).await, Ok(1));
}

/// A conflict leaves the labels unchanged.
pub(super) async fn labels_stay_after_a_conflict(store: Arc<dyn Store>) {
    let existing = record("id").with_label(tag(), "kept");
    insert(&*store, [existing.clone()]).await;
    let mut other = changed(&record("id"), "other");
    other = other.with_label(tag(), "other");
    let stale = record("id");
    for change in [
        Change::Insert(other.clone()),
        replace(&stale, other.clone()),
        remove(&existing.key, Some(stale.version)),
    ] {
        assert_eq!(
            conflict(&*store, &[change]).await,
            (0, Some(existing.clone()))
        );
        assert_eq!(tagged(&*store, b"kept").await, [b"id"]);
        assert!(tagged(&*store, b"other").await.is_empty());
    }
}
