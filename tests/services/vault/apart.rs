//! A store that reads several records one after the other, as DynamoDB does: a rival acts in
//! between.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use sealtoken::store::{MemoryStore, Record, RecordKey, Store as _, StoreError};
use sealtoken::vault::{Argon2Cost, Vault, VaultError, VaultOptions};

use super::{Bench, RIGHT};
use crate::faulty::Rival;
use crate::intercept::{Intercept, Intercepted};

#[derive(Default)]
struct Apart {
    inner: MemoryStore,
    /// How many records were read since this was set to zero.
    read: AtomicU64,
    /// The rival, and the read that it acts after.
    rival: Mutex<Option<(u64, Rival)>>,
}

impl fmt::Debug for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Apart")
    }
}

#[async_trait]
impl Intercept for Apart {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let record = self.inner.get(key).await;
        let read = self.read.fetch_add(1, Ordering::SeqCst) + 1;
        let rival = {
            let mut rival = self.rival.lock().unwrap();
            rival.take_if(|(at, _)| *at == read)
        };
        if let Some((_, rival)) = rival {
            rival.await;
        }
        record
    }

    async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            records.push(Intercept::get(self, key).await?);
        }
        Ok(records)
    }
}

const KEPT: &str = "kept-through-it-all";

fn costing(memory: u32) -> VaultOptions {
    let cost = Argon2Cost::new(memory, 2, 1).unwrap();
    Vault::options().argon2_cost(cost).limiter(())
}

/// An operation whose password moves up after each of its reads: to a cost that this process knows,
/// and to one that it does not.
async fn while_it_moves_up(operation: impl AsyncFn(&Vault) -> Result<(), VaultError>) {
    for memory in [20, 21] {
        while_it_moves_up_to(memory, &operation).await;
    }
}

async fn while_it_moves_up_to(
    memory: u32,
    operation: impl AsyncFn(&Vault) -> Result<(), VaultError>,
) {
    for at in 1.. {
        let store = Arc::new(Intercepted(Apart::default()));
        let bench = Bench::over(store.clone(), Vault::options()).await;
        let create = bench.vault.create("v").token(KEPT).password(RIGHT);
        create.await.unwrap();
        let vault = costing(20).open(store.clone(), &bench.keys).await.unwrap();
        let rival = costing(memory).open(store.inner.clone(), &bench.keys).await;
        let rival = rival.unwrap();
        *store.rival.lock().unwrap() = Some((
            at,
            Box::pin(async move {
                assert!(rival.read(KEPT).password(RIGHT).await.is_ok());
                rival.flush().await;
            }),
        ));
        store.read.store(0, Ordering::SeqCst);
        assert_eq!(operation(&vault).await, Ok(()), "{memory} MiB, record {at}");
        if store.rival.lock().unwrap().is_some() {
            assert!(at > 3, "it reads a row, and two places");
            return;
        }
    }
}

#[tokio::test]
async fn a_password_that_moves_up_between_two_records_unlocks() {
    while_it_moves_up(async |vault| vault.unlock(RIGHT).await.map(drop)).await;
}

#[tokio::test]
async fn a_password_that_moves_up_between_two_records_reads() {
    while_it_moves_up(async |vault| vault.read(KEPT).password(RIGHT).await.map(drop)).await;
}

#[tokio::test]
async fn a_password_that_moves_up_between_two_records_is_changed() {
    let rekey = async |vault: &Vault| vault.rekey(RIGHT, "a new password").await;
    while_it_moves_up(async |vault| rekey(vault).await.map(|covered| assert_eq!(covered, 1))).await;
}
