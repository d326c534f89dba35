//! Records and checks that the cases share.

use std::sync::Arc;

use crate::{
    Change, Collection, LabelName, Outcome, Page, Query, Record, RecordError, RecordKey, Store,
    StoreError, Values, Version,
};

pub(super) fn collection(name: &'static str) -> Collection {
    Collection::new(name).expect("a name")
}

/// The collection of most cases.
pub(super) fn notes() -> Collection {
    collection("note")
}

pub(super) fn name(name: &'static str) -> LabelName {
    LabelName::new(name).expect("a name")
}

/// The label of most cases.
pub(super) fn tag() -> LabelName {
    name("tag")
}

pub(super) fn key(id: impl Into<Vec<u8>>) -> RecordKey {
    RecordKey::new(notes(), id)
}

pub(super) fn version() -> Version {
    Version::draw().expect("randomness")
}

/// A record with its id as body, and a version that no other record has.
pub(super) fn record(id: impl Into<Vec<u8>>) -> Record {
    let id = id.into();
    Record::new(key(id.clone()), version(), id)
}

/// The record with another version and body.
pub(super) fn changed(record: &Record, body: impl Into<Vec<u8>>) -> Record {
    Record {
        version: version(),
        body: body.into(),
        ..record.clone()
    }
}

pub(super) fn replace(before: &Record, record: Record) -> Change {
    Change::Replace {
        record,
        expected: before.version,
    }
}

pub(super) fn remove(key: &RecordKey, expected: Option<Version>) -> Change {
    Change::Remove {
        key: key.clone(),
        expected,
    }
}

/// Writes a batch that must succeed.
pub(super) async fn write(store: &dyn Store, batch: &[Change]) {
    assert_eq!(store.write(batch).await, Ok(Outcome::Written));
}

/// Inserts records in as many batches as the engine needs.
pub(super) async fn insert(store: &dyn Store, records: impl IntoIterator<Item = Record>) {
    let limit = store.limits().max_batch.min(500);
    let mut batch = Vec::new();
    let mut weight = 0;
    for record in records {
        let change = Change::Insert(record);
        if weight + change.weight() > limit {
            write(store, &std::mem::take(&mut batch)).await;
            weight = 0;
        }
        weight += change.weight();
        batch.push(change);
    }
    write(store, &batch).await;
}

/// Writes a batch that must conflict, and returns the conflict.
pub(super) async fn conflict(store: &dyn Store, batch: &[Change]) -> (usize, Option<Record>) {
    match store.write(batch).await {
        Ok(Outcome::Conflict { index, current }) => (index, current.map(sorted)),
        other => panic!("expected a conflict, got {other:?}"),
    }
}

/// The record with its labels sorted, since engines may return them in any order.
pub(super) fn sorted(mut record: Record) -> Record {
    record.labels.sort();
    record
}

pub(super) async fn get(store: &dyn Store, key: &RecordKey) -> Option<Record> {
    store.get(key).await.expect("a read").map(sorted)
}

/// Asserts that exactly this record exists.
pub(super) async fn assert_exists(store: &dyn Store, record: &Record) {
    assert_eq!(get(store, &record.key).await, Some(sorted(record.clone())));
}

pub(super) async fn assert_gone(store: &dyn Store, key: &RecordKey) {
    assert_eq!(get(store, key).await, None);
}

pub(super) async fn page(store: &dyn Store, query: &Query) -> Page {
    let page = store.scan(query).await.expect("a page");
    let limit = usize::try_from(query.limit.max(1)).unwrap_or(usize::MAX);
    assert!(page.records.len() <= limit, "a page keeps to its limit");
    page
}

/// The records of all pages of a query.
pub(super) async fn all_pages(store: &dyn Store, query: &Query) -> Vec<Record> {
    let mut records = Vec::new();
    let mut query = query.clone();
    for _ in 0..10_000 {
        let page = page(store, &query).await;
        records.extend(page.records.into_iter().map(sorted));
        let Some(next) = page.next else {
            return records;
        };
        query.after = Some(next);
    }
    panic!("the scan does not end");
}

/// The ids that a query finds, in order.
pub(super) async fn found(store: &dyn Store, query: &Query) -> Vec<Vec<u8>> {
    ids(&all_pages(store, query).await)
}

pub(super) fn ids(records: &[Record]) -> Vec<Vec<u8>> {
    records.iter().map(|record| record.key.id.clone()).collect()
}

/// The ids of all [`notes`] with this value of [`tag`].
pub(super) async fn tagged(store: &dyn Store, value: &[u8]) -> Vec<Vec<u8>> {
    found(store, &Query::label(notes(), tag(), Values::exactly(value))).await
}

/// Asserts that a batch is refused with this error, and changes nothing.
pub(super) async fn assert_refused(store: &dyn Store, batch: &[Change], error: RecordError) {
    let before = found(store, &Query::all(notes())).await;
    assert_eq!(store.write(batch).await, Err(StoreError::Invalid(error)));
    assert_eq!(found(store, &Query::all(notes())).await, before);
}

/// Runs this many tasks concurrently, and returns their results.
pub(super) async fn at_once<T: Send + 'static, F>(
    count: usize,
    store: &Arc<dyn Store>,
    task: impl Fn(usize, Arc<dyn Store>) -> F,
) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(tokio::sync::Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|at| {
            let (start, task) = (start.clone(), task(at, store.clone()));
            tokio::spawn(async move {
                start.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("the task ended"));
    }
    results
}
