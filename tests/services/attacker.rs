//! What an attacker who writes to the database does to a record.

use sealtoken::store::{Change, Outcome, Record, Store};

/// Inserts the record, or replaces the one with its key.
pub(crate) async fn put(store: &dyn Store, record: &Record) {
    let change = match store.get(&record.key).await.unwrap() {
        Some(existing) => Change::Replace {
            record: record.clone(),
            expected: existing.version,
        },
        None => Change::Insert(record.clone()),
    };
    assert_eq!(store.write(&[change]).await, Ok(Outcome::Written));
}

pub(crate) async fn remove(store: &dyn Store, record: &Record) {
    let key = record.key.clone();
    let change = Change::Remove {
        key,
        expected: None,
    };
    assert_eq!(store.write(&[change]).await, Ok(Outcome::Written));
}
