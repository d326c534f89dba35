//! Where the records of `sealtoken` are kept: the trait that its services are written against, and an engine in memory.
//!
//! An engine sees ids, label values and bodies as bytes, and no plaintext: what is in them is sealed above.
//!
//! | engine | crate | kept |
//! |---|---|---|
//! | [`MemoryStore`] | this one | until the process ends |
//! | `SqliteStore` | `sealtoken-sqlite` | in a file |
//! | `PostgresStore` | `sealtoken-postgres` | in a PostgreSQL database, or a compatible one |
//! | `DynamoStore` | `sealtoken-dynamodb` | in a DynamoDB table |
//!
//! Another engine implements [`Store`], takes from [`engine`] what it can use, and shows by the conformance suite (feature
//! `unstable-conformance`) that it keeps the contract.
//!
//! ```
//! use sealtoken_store::{Change, Collection, MemoryStore, Outcome, Query, Record, RecordKey, Store as _, Version};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = MemoryStore::new();
//! let key = RecordKey::new(Collection::new("note")?, "first");
//! let record = Record::new(key.clone(), Version::draw()?, "text");
//! assert_eq!(store.write(&[Change::Insert(record.clone())]).await?, Outcome::Written);
//! assert_eq!(store.get(&key).await?, Some(record));
//!
//! let page = store.scan(&Query::all(Collection::new("note")?)).await?;
//! assert_eq!(page.records.len(), 1);
//! # Ok(())
//! # })
//! # }
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))] // each item shows its feature

mod change;
#[cfg(feature = "unstable-conformance")]
pub mod conformance;
pub mod engine;
mod error;
mod memory;
mod migration;
mod name;
mod query;
mod record;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use sealtoken_time::UnixTime;

pub use change::{Change, Limits, Outcome};
pub use error::{Effect, RecordError, StoreError};
pub use memory::MemoryStore;
pub use migration::Migration;
pub use name::{Collection, LabelName};
pub use query::{Cursor, Page, Query, Selection, Values};
pub use record::{Label, Record, RecordKey, Version};

/// A place where records are kept.
///
/// The contract, which the conformance suite checks:
///
/// - [`write`](Store::write) is all or nothing, labels included. Contention is [`Outcome::Conflict`], never an error.
/// - A read that begins after a write was acknowledged sees it (read your writes).
/// - An engine that is away gives [`StoreError::Unavailable`], never a panic. It says whether the call may have had an effect.
/// - A future that is dropped leaves a write done or not done, never half done.
/// - A scan neither skips nor repeats a record that was there throughout.
/// - A record that was broken from outside is one record: where it is read, [`get`](Store::get), [`get_many`](Store::get_many),
///   [`scan`](Store::scan) and a conflict give one in its place that nothing can open, with an empty body and a version of zeros. It stops nothing
///   else, fits no expected version but perhaps the one that it had, and goes by a [`Change::Remove`] without one, or when it is purged.
///
/// No method has a default body: one that did would lose safety where an engine forgets it.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// What one record and one batch can hold.
    fn limits(&self) -> Limits;

    /// The record with this key.
    ///
    /// # Errors
    ///
    /// [`StoreError`], as for every method here.
    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError>;

    /// The records with these keys, in their order, as they were at one moment: a batch is seen as a whole or not at all. A key may
    /// stand there twice.
    ///
    /// DynamoDB has no such read of any size: `DynamoStore` reads each record whole, but each at a moment of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError>;

    /// Makes all changes, or none of them.
    ///
    /// A batch names each key at most once, and an empty one changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. After [`Effect::Unknown`], read again: the version that is there tells whether the write was done.
    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError>;

    /// A page of what the query selects: by label in (value, id) order, a whole collection in an order of the store's own.
    ///
    /// A page may be shorter than the query's limit, so that it stays small in memory, or empty, where much was passed by: only one
    /// without [`next`](Page::next) is the last. What leads to no record is passed by, whoever wrote it, and each call looks at a bounded
    /// part of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn scan(&self, query: &Query) -> Result<Page, StoreError>;

    /// How many records the query selects, whatever its limit and cursor.
    ///
    /// A record with several labels in the range counts as often as it has them.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn count(&self, query: &Query) -> Result<u64, StoreError>;

    /// Removes at most `limit` records whose `purge_at` is before the moment, and returns how many.
    ///
    /// It may be fewer than the limit while more are due, where others are at the same records: only none says that nothing is
    /// left. Whatever says that it is due in the collection goes, and counts, however broken it is and whoever wrote it. So it
    /// stands in front of no other, and calls until none is left come to an end.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. Some records may be removed nevertheless: then the effect is [`Effect::Unknown`].
    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError>;
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    fn limits(&self) -> Limits {
        (**self).limits()
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        (**self).get(key).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        (**self).get_many(keys).await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        (**self).write(batch).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        (**self).scan(query).await
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        (**self).count(query).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        (**self).purge(collection, before, limit).await
    }
}

/// The examples of the front page, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
