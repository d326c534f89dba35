//! The storage of `sealtoken`: the trait [`Store`], and an engine in memory.
//!
//! The services of `sealtoken` are written against this trait. An engine sees ids and label values,
//! which are keyed hashes or encoded times, and sealed bodies: no key and no content.
//!
//! | engine | crate | where records are kept |
//! |---|---|---|
//! | [`MemoryStore`] | this one | in memory, until the process ends |
//! | `SqliteStore` | `sealtoken-sqlite` | in a file |
//! | `PostgresStore` | `sealtoken-postgres` | in a PostgreSQL database |
//! | `DynamoStore` | `sealtoken-dynamodb` | in a DynamoDB table |
//!
//! To write another engine, implement [`Store`] with the building blocks of [`engine`], and run the
//! conformance suite (feature `unstable-conformance`) on it.
//!
//! ```
//! use sealtoken_store::{
//!     Change, Collection, MemoryStore, Outcome, Query, Record, RecordKey, Store as _, Version,
//! };
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
pub use name::{Collection, LabelName};
pub use query::{Cursor, Page, Query, Selection, Values};
pub use record::{Label, Record, RecordKey, Version};

/// Keeps records.
///
/// An application calls it through the services. Directly, it looks like this:
///
/// ```
/// use sealtoken_store::{
///     Change, Collection, Effect, MemoryStore, Outcome, Record, RecordKey, Store, StoreError,
///     Version,
/// };
///
/// /// Replaces the body of a record, again if another writer was faster.
/// async fn replace(store: &dyn Store, key: &RecordKey, body: &str) -> Result<(), StoreError> {
///     let mut current = store.get(key).await?;
///     // After an error with `Effect::Unknown`, read again and compare versions: it may have been
///     // written. A service bounds its rounds.
///     while let Some(found) = current {
///         let record = Record::new(key.clone(), Version::draw()?, body);
///         let change = Change::Replace { record, expected: found.version };
///         match store.write(&[change]).await? {
///             Outcome::Written => return Ok(()),
///             Outcome::Conflict { current: now, .. } => current = now,
///         }
///     }
///     Ok(()) // deleted meanwhile
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let (store, key) = (MemoryStore::new(), RecordKey::new(Collection::new("note")?, "a"));
/// # let record = Record::new(key.clone(), Version::draw()?, "old");
/// # assert_eq!(store.write(&[Change::Insert(record)]).await?, Outcome::Written);
/// # replace(&store, &key, "new").await?;
/// # assert_eq!(store.get(&key).await?.map(|record| record.body), Some(b"new".to_vec()));
/// # Ok(())
/// # })
/// # }
/// ```
///
/// The contract, which the conformance suite checks:
///
/// - [`write`](Store::write) changes all or nothing, labels included. Contention is
///   [`Outcome::Conflict`], never an error.
/// - A read that begins after a write was acknowledged sees the write.
/// - An unavailable engine gives [`StoreError::Unavailable`] and never panics. The error says
///   whether the call may have changed something.
/// - A write whose future is dropped is made or not made, never half made.
/// - A scan returns each record that existed throughout exactly once.
/// - A corrupt record affects itself only. In its place, [`get`](Store::get),
///   [`get_many`](Store::get_many), [`scan`](Store::scan) and a conflict return a placeholder with
///   an empty body and a version of zeros, which never decrypts. It matches no expected version,
///   except perhaps the one it had. A [`Change::Remove`] without a version removes it, and so does
///   a purge.
///
/// No method has a default body: an engine that forgot to override one would be unsafe.
///
/// # Errors
///
/// Any method can fail with:
///
/// - [`StoreError::Unavailable`] if the engine cannot be reached, is overloaded or full, or fails;
/// - [`StoreError::Corrupt`], [`StoreError::Schema`], [`StoreError::BrokenSchema`] or
///   [`StoreError::Replaced`] if something happened to the database since it was opened;
/// - [`StoreError::Configuration`] if the engine cannot work here, as without a tokio runtime.
///
/// Each method lists what else it returns.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// What one record and one batch can hold.
    fn limits(&self) -> Limits;

    /// Reads the record with this key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] unless the id has 1 to 1,024 bytes, and [those of every
    /// method](Store#errors).
    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError>;

    /// Reads the records with these keys, in their order, all as of one moment: each batch is seen
    /// as a whole or not at all. A key may occur more than once.
    ///
    /// DynamoDB has no such read of any size: `DynamoStore` reads each record whole, but not all at
    /// the same moment.
    ///
    /// # Errors
    ///
    /// As for [`get`](Store::get).
    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError>;

    /// Makes all changes of a batch, or none.
    ///
    /// A batch names each key at most once. An empty one changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] if the batch exceeds the [limits](Store::limits) or names a key
    /// twice, and [those of every method](Store#errors). After [`Effect::Unknown`], read a record
    /// of the batch: its version shows whether the write was made.
    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError>;

    /// Reads a page of what a query selects: by label in the order of value and id, or a whole
    /// collection in an order of the store's own.
    ///
    /// A page may have fewer records than the limit, so that it stays small, or none if many rows
    /// were skipped. Only a page without [`next`](Page::next) is the last. Rows that lead to no
    /// record are skipped, whoever wrote them, and each call skips a bounded number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`] for a cursor of another store, and [those of every
    /// method](Store#errors).
    async fn scan(&self, query: &Query) -> Result<Page, StoreError>;

    /// Counts the records that a query selects, regardless of its limit and cursor.
    ///
    /// A record with several labels in the range counts once for each of them.
    ///
    /// # Errors
    ///
    /// [Those of every method](Store#errors).
    async fn count(&self, query: &Query) -> Result<u64, StoreError>;

    /// Removes at most `limit` records whose `purge_at` is before the moment, and returns how many.
    ///
    /// If others change the same records, it may remove fewer although more are due: only 0 means
    /// that none is left. Every row that claims to be due is removed and counted, however
    /// corrupt it is and whoever wrote it. So no row blocks the others, and repeated calls come to
    /// an end.
    ///
    /// # Errors
    ///
    /// [Those of every method](Store#errors). Some records may have been removed:
    /// [`StoreError::Unavailable`] says so by [`Effect::Unknown`], other errors do not say it. Call
    /// it again for the rest.
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

/// Runs the examples of the front page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
