//! Batches: all changes are made, or none.

use std::sync::Arc;

use crate::{Change, Query, Record, RecordError, RecordKey, Store};

use super::fixture::{
    assert_exists, assert_gone, assert_refused, changed, collection, conflict, found, insert, key,
    notes, record, remove, replace, tag, tagged, version, write,
};

/// An empty batch is written, and changes nothing.
pub(super) async fn an_empty_batch_changes_nothing(store: Arc<dyn Store>) {
    insert(&*store, [record("a")]).await;
    write(&*store, &[]).await;
    assert_eq!(found(&*store, &Query::all(notes())).await, [b"a"]);
}

/// A batch makes its inserts, replacements and removals together.
pub(super) async fn a_batch_does_all_its_changes(store: Arc<dyn Store>) {
    let (old, gone) = (record("old").with_label(tag(), "1"), record("gone"));
    insert(&*store, [old.clone(), gone.clone()]).await;
    let new = record("new").with_label(tag(), "2");
    let next = changed(&old, "next");
    write(
        &*store,
        &[
            Change::Insert(new.clone()),
            replace(&old, next.clone()),
            remove(&gone.key, Some(gone.version)),
            remove(&key("never"), None),
        ],
    )
    .await;
    assert_exists(&*store, &new).await;
    assert_exists(&*store, &next).await;
    assert_gone(&*store, &gone.key).await;
}

/// The changes of the case below, all of which match.
fn matching(old: &Record, gone: &Record) -> Vec<Change> {
    let mut moved = changed(old, "next");
    moved.labels.clear();
    vec![
        Change::Insert(record("new").with_label(tag(), "new")),
        replace(old, moved.with_label(tag(), "moved")),
        remove(&gone.key, Some(gone.version)),
    ]
}

/// A batch with one conflict changes nothing, not even a label, wherever the conflict is.
pub(super) async fn a_batch_with_one_conflict_changes_nothing(store: Arc<dyn Store>) {
    let old = record("old").with_label(tag(), "old");
    let gone = record("gone").with_label(tag(), "gone");
    let taken = record("taken");
    insert(&*store, [old.clone(), gone.clone(), taken.clone()]).await;
    let conflicts = [
        (Change::Insert(record("taken")), Some(taken.clone())),
        (replace(&old, changed(&taken, "x")), Some(taken.clone())),
        (replace(&old, record("missing")), None),
        (remove(&taken.key, Some(version())), Some(taken.clone())),
        (remove(&key("missing"), Some(version())), None),
    ];
    for (conflicting, existing) in conflicts {
        for at in 0..=3 {
            let mut batch = matching(&old, &gone);
            batch.insert(at, conflicting.clone());
            assert_eq!(conflict(&*store, &batch).await, (at, existing.clone()));
            for record in [&old, &gone, &taken] {
                assert_exists(&*store, record).await;
            }
            assert_gone(&*store, &key("new")).await;
            assert_eq!(tagged(&*store, b"old").await, [b"old"]);
            assert_eq!(tagged(&*store, b"gone").await, [b"gone"]);
            for value in [&b"new"[..], b"moved"] {
                assert!(tagged(&*store, value).await.is_empty());
            }
        }
    }
}

/// Of several conflicts, the first is reported.
pub(super) async fn of_several_conflicts_the_first_is_named(store: Arc<dyn Store>) {
    let taken = [record("z"), record("m"), record("a")];
    insert(&*store, taken.clone()).await;
    // Ids in descending and ascending order: an engine may process a batch in its own order.
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut batch = vec![Change::Insert(record("free"))];
        batch.extend(order.map(|at: usize| {
            let id = taken[at].key.id.clone();
            Change::Insert(record(id))
        }));
        let first = taken[order[0]].clone();
        assert_eq!(conflict(&*store, &batch).await, (1, Some(first)));
    }
}

/// A batch can span several collections, even with the same ids.
pub(super) async fn a_batch_reaches_over_collections(store: Arc<dyn Store>) {
    let in_collection = |name| {
        let key = RecordKey::new(collection(name), "id");
        Record::new(key, version(), name).with_label(tag(), "x")
    };
    let (a, b) = (in_collection("a"), in_collection("b"));
    write(
        &*store,
        &[Change::Insert(a.clone()), Change::Insert(b.clone())],
    )
    .await;
    assert_exists(&*store, &a).await;
    assert_exists(&*store, &b).await;
    let batch = [
        replace(&a, changed(&a, "next")),
        Change::Insert(in_collection("b")),
    ];
    assert_eq!(conflict(&*store, &batch).await, (1, Some(b)));
    assert_exists(&*store, &a).await;
}

/// A batch that names a record twice is refused.
pub(super) async fn a_batch_names_each_record_once(store: Arc<dyn Store>) {
    let existing = record("existing");
    insert(&*store, [existing.clone()]).await;
    let batches = [
        [Change::Insert(record("id")), Change::Insert(record("id"))],
        [Change::Insert(record("id")), remove(&key("id"), None)],
        [
            remove(&existing.key, None),
            Change::Insert(changed(&existing, "x")),
        ],
        [
            replace(&existing, changed(&existing, "x")),
            replace(&existing, changed(&existing, "y")),
        ],
    ];
    for batch in batches {
        assert_refused(&*store, &batch, RecordError::DuplicateKey).await;
        assert_exists(&*store, &existing).await;
    }
}
