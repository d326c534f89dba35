//! Limits: an engine holds what it states, and refuses more.

use std::sync::Arc;

use crate::{Change, Query, Record, RecordError, Store};

use super::fixture::{
    all_pages, assert_exists, assert_refused, changed, insert, key, notes, record, remove, replace,
    tag, write,
};

/// The limits are large enough for the services of `sealtoken`.
pub(super) async fn the_limits_are_large_enough(store: Arc<dyn Store>) {
    let limits = store.limits();
    assert!(limits.max_body >= 64 * 1024, "{limits:?}");
    assert!(
        limits.max_batch >= 5 * (Record::MAX_LABELS + 2),
        "{limits:?}"
    );
}

/// A body at the limit is kept, and one byte more is refused.
pub(super) async fn a_body_at_the_limit_is_kept_and_one_byte_more_is_refused(
    store: Arc<dyn Store>,
) {
    let limit = store.limits().max_body;
    let mut largest = record("largest");
    largest.body = (0..=u8::MAX).cycle().take(limit).collect();
    insert(&*store, [largest.clone()]).await;
    assert_exists(&*store, &largest).await;
    assert_eq!(
        all_pages(&*store, &Query::all(notes())).await,
        [largest.clone()]
    );
    let over = vec![0; limit + 1];
    let error = RecordError::BodyTooLong { limit };
    let new = Change::Insert(changed(&record("new"), over.clone()));
    assert_refused(&*store, &[Change::Insert(record("a")), new], error).await;
    let next = replace(&largest, changed(&largest, over));
    assert_refused(&*store, &[next], error).await;
    assert_exists(&*store, &largest).await;
}

/// Batches of exactly this weight: of records with and without labels, and of removals.
fn batches(weight: usize) -> [Vec<Change>; 3] {
    let id = |at: usize| at.to_be_bytes();
    let bare = (0..weight).map(|at| Change::Insert(record(id(at))));
    let one_label = (0..weight - 2).step_by(2).map(|at| {
        let record = record(id(at)).with_label(tag(), "x");
        Change::Insert(record)
    });
    let removals = (0..weight / 5).map(|at| remove(&key(id(at)), None));
    let fill = |mut batch: Vec<Change>| {
        let filled: usize = batch.iter().map(Change::weight).sum();
        let rest =
            (filled..weight).map(|at| Change::Insert(record([b"rest", &id(at)[..]].concat())));
        batch.extend(rest);
        batch
    };
    [
        bare.collect(),
        fill(one_label.collect()),
        fill(removals.collect()),
    ]
}

/// A batch at the limit is written, and one that weighs one more is refused.
pub(super) async fn a_batch_at_the_limit_is_written_and_one_more_is_refused(store: Arc<dyn Store>) {
    let limit = store.limits().max_batch;
    // An engine that takes any batch has nothing to show here.
    if limit > 100_000 {
        return;
    }
    for batch in batches(limit + 1) {
        let weight: usize = batch.iter().map(Change::weight).sum();
        assert_eq!(weight, limit + 1);
        let error = RecordError::BatchTooHeavy { limit };
        assert_refused(&*store, &batch, error).await;
    }
    for batch in batches(limit) {
        write(&*store, &batch).await;
        let existing = batch.iter().filter(|c| matches!(c, Change::Insert(_)));
        let query = Query::all(notes());
        let count = store.count(&query).await.map(usize::try_from);
        assert_eq!(count, Ok(Ok(existing.count())));
        while let removals @ [_, ..] = &page_of_removals(&*store, limit / 5).await[..] {
            write(&*store, removals).await;
        }
    }
}

async fn page_of_removals(store: &dyn Store, limit: usize) -> Vec<Change> {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let page = store.scan(&Query::all(notes()).limit(limit)).await;
    let records = page.expect("a page").records;
    records
        .iter()
        .map(|record| remove(&record.key, Some(record.version)))
        .collect()
}
