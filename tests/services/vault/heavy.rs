//! The size of batches on an engine that counts as DynamoDB does: each label that is added or
//! removed is an item, and a transaction has 100 of them and 4 MB.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sealtoken::Lifetime;
use sealtoken::store::engine::check_batch;
use sealtoken::store::{
    Change, Collection, Label, LabelName, Limits, MemoryStore, Outcome, Query, Record, RecordError,
    Store as _, StoreError,
};
use sealtoken::vault::{VaultOptions, VaultToken, operation};

use super::Bench;
use super::events::Recorder;
use crate::engine::Engine;
use crate::faulty::{records, unknown};
use crate::intercept::{Intercept, Intercepted};

crate::engine::on_every_engine! {
    soft_deleted_values_with_an_expiry_and_a_label_are_purged_on,
    large_values_are_soft_deleted_on,
}

#[derive(Debug, Default)]
struct Counting {
    inner: MemoryStore,
    /// What a rival writes once a batch was too heavy.
    rival: Mutex<Vec<Change>>,
    /// How many more batches are written before the store is away, if it will be.
    left: Mutex<Option<u32>>,
}

#[async_trait]
impl Intercept for Counting {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    fn limits(&self) -> Limits {
        Limits {
            max_body: 390 * 1024,
            max_batch: 100,
            durable: true,
        }
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        let limits = Intercept::limits(self);
        check_batch(&limits, batch)?;
        let (mut items, mut bytes) = (0, 0);
        for change in batch {
            let existing = self.inner.get(change.key()).await?;
            let before = existing.map(|record| record.labels).unwrap_or_default();
            let after = match change {
                Change::Insert(record) | Change::Replace { record, .. } => {
                    bytes += record.body.len();
                    &record.labels[..]
                }
                Change::Remove { .. } => &[],
            };
            let differ = |ours: &[Label], theirs: &[Label]| {
                ours.iter().filter(|one| !theirs.contains(one)).count()
            };
            items += 1 + differ(&before, after) + differ(after, &before);
        }
        let limit = limits.max_batch;
        if items > limit || (items > 1 && bytes > 4_000_000) {
            let theirs = std::mem::take(&mut *self.rival.lock().unwrap());
            if !theirs.is_empty() {
                assert_eq!(self.inner.write(&theirs).await, Ok(Outcome::Written));
            }
            return Err(RecordError::BatchTooHeavy { limit }.into());
        }
        if let Some(left) = &mut *self.left.lock().unwrap() {
            *left = left.checked_sub(1).ok_or(StoreError::unavailable("test"))?;
        }
        self.inner.write(batch).await
    }
}

fn options() -> VaultOptions {
    super::at_once().keep_versions(16)
}

async fn counting() -> (Bench, Arc<Intercepted<Counting>>) {
    let store = Arc::new(Intercepted(Counting::default()));
    (Bench::over(store.clone(), options()).await, store)
}

async fn left(bench: &Bench, collection: &'static str) -> u64 {
    let query = Query::all(Collection::new(collection).unwrap());
    bench.store.count(&query).await.unwrap()
}

/// Creates these values, which expire in an hour.
async fn filled(bench: &Bench, values: Vec<Vec<u8>>) -> Vec<VaultToken> {
    let created = bench.vault.create_many(values).label("label");
    let created = created.expires(Lifetime::hours(1)).await.unwrap();
    created.into_iter().map(Result::unwrap).collect()
}

async fn soft_deleted_values_with_an_expiry_and_a_label_are_purged_on(engine: Engine) {
    soft_deleted_values_with_an_expiry_and_a_label_are_purged(Bench::with(engine, options()).await)
        .await;
}

async fn large_values_are_soft_deleted_on(engine: Engine) {
    large_values_are_soft_deleted(Bench::with(engine, options()).await).await;
}

/// Each has five labels: 20 of them weigh 100, and are 120 items.
async fn soft_deleted_values_with_an_expiry_and_a_label_are_purged(bench: Bench) {
    for hard in [false, true] {
        for token in filled(&bench, vec![b"v".to_vec(); 45]).await {
            bench.vault.soft_delete(&token).await.unwrap();
        }
        bench.clock.advance(3600);
        let tally = if hard {
            bench.vault.purge_expired().await
        } else {
            bench.vault.purge_deleted(Duration::ZERO).await
        };
        assert_eq!(
            tally.map(|tally| (tally.count, tally.tampered)),
            Ok((45, 0))
        );
        assert_eq!(left(&bench, "vault_values").await, 0);
    }
}

/// Twelve bodies of this size weigh 72, but exceed a transaction.
async fn large_values_are_soft_deleted(bench: Bench) {
    filled(&bench, vec![vec![7; 380 * 1024]; 12]).await;
    bench.clock.advance(3600);
    for purge in [false, true] {
        let tally = if purge {
            bench.vault.purge_expired().await
        } else {
            bench.vault.soft_delete_expired().await
        };
        assert_eq!(
            tally.map(|tally| (tally.count, tally.tampered)),
            Ok((12, 0))
        );
    }
}

#[tokio::test]
async fn soft_deleted_values_are_purged_by_their_items() {
    soft_deleted_values_with_an_expiry_and_a_label_are_purged(counting().await.0).await;
}

#[tokio::test]
async fn large_values_are_soft_deleted_by_their_bytes() {
    large_values_are_soft_deleted(counting().await.0).await;
}

/// Gives each earlier value as many labels as a record takes.
async fn make_heavy(store: &MemoryStore) {
    for old in records(store, "vault_versions").await {
        let labels = (0..16).map(|n| Label::new(LabelName::new("made_up").unwrap(), [n]));
        let new = Record {
            version: sealtoken::store::Version::draw().unwrap(),
            labels: labels.collect(),
            ..old.clone()
        };
        let expected = old.version;
        let record = new;
        let replaced = store.write(&[Change::Replace { record, expected }]).await;
        assert_eq!(replaced, Ok(Outcome::Written));
    }
}

#[tokio::test]
async fn what_an_attacker_made_heavy_holds_up_no_other() {
    // With three earlier values it is removed in one batch; ten are removed before it.
    for earlier in [3, 10] {
        let (bench, store) = counting().await;
        let tokens = filled(&bench, vec![b"v".to_vec(); 13]).await;
        for n in 0..earlier {
            bench
                .vault
                .update(&tokens[6], format!("{n}"))
                .await
                .unwrap();
        }
        make_heavy(&store.0.inner).await;
        bench.clock.advance(3600);
        let tally = bench.vault.purge_expired().await.unwrap();
        assert_eq!((tally.count, tally.tampered), (13, 0));
        for collection in ["vault_values", "vault_versions"] {
            assert_eq!(left(&bench, collection).await, 0);
        }
    }
}

#[tokio::test]
async fn what_an_attacker_made_heavy_and_was_renewed_meanwhile_keeps_its_earlier_values() {
    let (bench, store) = counting().await;
    let [token] = &filled(&bench, vec![b"v".to_vec()]).await[..] else {
        panic!()
    };
    for n in 0..10 {
        bench.vault.update(token, format!("{n}")).await.unwrap();
    }
    let inner = &store.0.inner;
    let over = records(inner, "vault_values").await.remove(0);
    bench
        .vault
        .renew(token)
        .expires(Lifetime::hours(9))
        .await
        .unwrap();
    let renewed = records(inner, "vault_values").await.remove(0);
    let replace = |old: &Record, new: &Record| Change::Replace {
        record: new.clone(),
        expected: old.version,
    };
    let back = inner.write(&[replace(&renewed, &over)]).await;
    assert_eq!(back, Ok(Outcome::Written));
    make_heavy(inner).await;
    *store.0.rival.lock().unwrap() = vec![replace(&over, &renewed)];
    bench.clock.advance(2 * 3600);
    let tally = bench.vault.purge_expired().await.unwrap();
    assert_eq!((tally.count, tally.tampered), (0, 0));
    assert!(store.0.rival.lock().unwrap().is_empty());
    assert_eq!(numbers(&bench, token).await.len(), 11);
}

#[tokio::test]
async fn what_an_attacker_made_heavy_can_be_deleted() {
    let (bench, store) = counting().await;
    let token = bench.vault.create("v").await.unwrap();
    for n in 0..16 {
        bench.vault.update(&token, format!("{n}")).await.unwrap();
    }
    make_heavy(&store.0.inner).await;
    assert_eq!(bench.vault.delete(&token).await, Ok(()));
    for collection in ["vault_values", "vault_versions"] {
        assert_eq!(left(&bench, collection).await, 0);
    }
}

/// The current value and the earlier ones, the newest first.
async fn numbers(bench: &Bench, token: &VaultToken) -> Vec<u64> {
    let versions = bench.vault.versions(token).await.unwrap();
    versions.iter().map(|version| version.number).collect()
}

/// Twelve earlier values are kept, and fewer from now on: many are removed at a time.
#[tokio::test]
async fn what_an_attacker_made_heavy_can_be_updated_and_rolled_back() {
    for roll_back in [false, true] {
        let (bench, store) = counting().await;
        let token = bench.vault.create("v").await.unwrap();
        for n in 0..12 {
            bench.vault.update(&token, format!("{n}")).await.unwrap();
        }
        make_heavy(&store.0.inner).await;
        let vault = bench
            .again(super::at_once().keep_versions(2))
            .await
            .unwrap();
        for last in 13..21 {
            if roll_back {
                vault.roll_back(&token, last).await.unwrap();
            } else {
                vault.update(&token, "new").await.unwrap();
            }
        }
        assert_eq!(numbers(&bench, &token).await, [21, 20, 19]);
        assert_eq!(left(&bench, "vault_versions").await, 2);
    }
}

#[tokio::test]
async fn what_an_attacker_made_heavy_can_be_pruned() {
    let (bench, store) = counting().await;
    let token = bench.vault.create("v").await.unwrap();
    for n in 0..16 {
        bench.vault.update(&token, format!("{n}")).await.unwrap();
    }
    make_heavy(&store.0.inner).await;
    assert_eq!(bench.vault.prune_versions(&token, 3).await, Ok(13));
    assert_eq!(numbers(&bench, &token).await, [17, 16, 15, 14]);
    assert_eq!(left(&bench, "vault_versions").await, 3);
}

#[tokio::test]
async fn an_event_counts_what_was_pruned_before_the_store_failed() {
    let recorder = Arc::new(Recorder::default());
    let store = Arc::new(Intercepted(Counting::default()));
    let options = options().events(recorder.clone());
    let bench = Bench::over(store.clone(), options).await;
    let token = bench.vault.create("v").await.unwrap();
    for n in 0..16 {
        bench.vault.update(&token, format!("{n}")).await.unwrap();
    }
    make_heavy(&store.0.inner).await;
    recorder.all();
    *store.0.left.lock().unwrap() = Some(1);
    unknown(bench.vault.prune_versions(&token, 3).await);
    let event = recorder.one();
    assert_eq!(event.operation, operation::PRUNE);
    let pruned = event.count.unwrap();
    assert!((1..13).contains(&pruned), "{pruned}");
    *store.0.left.lock().unwrap() = None;
    assert_eq!(numbers(&bench, &token).await.len() as u64, 17 - pruned);
}

#[tokio::test]
async fn what_weighs_most_is_one_batch_all_the_same() {
    let (bench, _store) = counting().await;
    let create = bench.vault.create("v").label("label");
    let token = create.expires(Lifetime::hours(1)).await.unwrap();
    for n in 0..20 {
        bench.vault.update(&token, format!("{n}")).await.unwrap();
    }
    bench.vault.soft_delete(&token).await.unwrap();
    assert_eq!(left(&bench, "vault_versions").await, 16);
    let purged = bench.vault.purge_deleted(Duration::ZERO).await;
    assert_eq!(purged.map(|purged| purged.count), Ok(1));
    assert_eq!(left(&bench, "vault_versions").await, 0);
}
