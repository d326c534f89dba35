//! Records of `sealtoken` in DynamoDB: one table, one item a record and one for each of its labels.
//!
//! [`DynamoStore`] is an engine of its vault and personal access tokens: it sees ids, labels and sealed bodies, and no plaintext.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod fault;
mod item;
mod lanes;
mod layout;
mod options;
mod plan;
mod purge;
mod read;
mod retry;
mod scan;
mod span;
mod table;
mod template;
mod write;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use sealtoken_store::{
    Change, Collection, Limits, Outcome, Page, Query, Record, RecordKey, Store, StoreError,
};
use sealtoken_time::UnixTime;

pub use options::DynamoOptions;

/// Records in a DynamoDB table. Clones share its connections.
///
/// Everything lies in one table of a fixed shape, which [`DynamoOptions::create_table`] makes, and which
/// [`cloud_formation`](Self::cloud_formation) and [`terraform`](Self::terraform) describe. A change of one record without labels, or that keeps them,
/// is a conditional write; all else is a transaction. Reads are consistent, unless
/// [`consistent_reads`](DynamoOptions::consistent_reads) says otherwise.
///
/// What differs from other engines:
///
/// - A body has at most 390 KiB, since an item has 400 KB.
/// - A batch weighs at most 100. It is refused as [`BatchTooHeavy`](sealtoken_store::RecordError::BatchTooHeavy) before anything is written where it comes to more than
///   100 items, as a batch may that replaces many labels or removes records of more than four; or to more than 4 MB.
/// - DynamoDB removes what is due by itself (TTL), hours or days later. A record and its labels go at different moments: until then a scan passes such a label by, and
///   [`count`](Store::count) counts it.
/// - [`purge`](Store::purge) finds what is due by an index that may lag behind the table by moments.
/// - A scan by label gives records whose ids are longer than some 400 bytes, and the same up to there, in an order of its own where they have the same value.
///
/// Its methods need a tokio runtime with timers.
///
/// ```no_run
/// use sealtoken_dynamodb::DynamoStore;
/// use sealtoken_store::{Change, Collection, Record, RecordKey, Store as _, Version};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = DynamoStore::open("sealtoken").await?;
/// let key = RecordKey::new(Collection::new("note")?, "first");
/// let outcome = store.write(&[Change::Insert(Record::new(key, Version::draw()?, "text"))]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DynamoStore {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    table: String,
    /// Whether reads see what was acknowledged before them.
    consistent: bool,
    /// How often one request is sent.
    attempts: u32,
}

impl DynamoStore {
    const LIMITS: Limits = Limits {
        // 400 KB, less the longest key, 16 of the longest labels, and the names of all attributes.
        max_body: 390 * 1024,
        max_batch: 100,
        durable: true,
    };

    /// Opens a table, with the region and the credentials that AWS gives this process: environment variables, the files of the
    /// AWS command line, a web identity, or the role of the container or machine.
    ///
    /// For other settings, see [`DynamoOptions`].
    ///
    /// # Errors
    ///
    /// - [`StoreError::Configuration`] where there is no such table, it has another shape, or no region is known.
    /// - [`StoreError::Unavailable`] where DynamoDB does not answer, or refuses the credentials.
    pub async fn open(table: impl Into<String>) -> Result<Self, StoreError> {
        DynamoOptions::new(table).open().await
    }

    /// The settings by which a table is opened or created.
    pub fn options(table: impl Into<String>) -> DynamoOptions {
        DynamoOptions::new(table)
    }

    /// The table as a CloudFormation template, in JSON.
    ///
    /// It is what [`create_table`](DynamoOptions::create_table) makes. Backups and protection against deletion are yours to add.
    #[must_use]
    pub fn cloud_formation(table: &str) -> String {
        template::cloud_formation(table)
    }

    /// The table as a Terraform resource: see [`cloud_formation`](Self::cloud_formation).
    #[must_use]
    pub fn terraform(table: &str) -> String {
        template::terraform(table)
    }
}

#[async_trait]
impl Store for DynamoStore {
    fn limits(&self) -> Limits {
        Self::LIMITS
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        key.check()?;
        self.read(key, self.shared.consistent).await
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        keys.iter().try_for_each(RecordKey::check)?;
        self.read_many(keys).await
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        Self::LIMITS.check(batch)?;
        self.change(batch).await
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        self.page(query).await
    }

    async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        self.number(query).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.sweep(collection, before, limit).await
    }
}

impl fmt::Debug for DynamoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoStore")
            .field("table", &self.shared.table)
            .field("consistent_reads", &self.shared.consistent)
            .field("attempts", &self.shared.attempts)
            .finish_non_exhaustive()
    }
}
