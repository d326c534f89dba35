//! The last use is written in the background: whatever becomes of that write, a token is verified
//! at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealtoken::pat::{Issued, PatOptions, PersonalAccessTokens};
use sealtoken::store::{Change, MemoryStore, StoreError};
use tokio::sync::Semaphore;

use super::{ADA, Bench, NOW, at};
use crate::intercept::{Intercept, Intercepted};

/// Separates "at once" from "waits for a write that never ends".
const AT_ONCE: Duration = Duration::from_secs(4);

/// A store with ten connections, whose writes may get stuck while they hold one.
type Stuck = Intercepted<Sticking>;

#[derive(Debug)]
struct Sticking {
    inner: MemoryStore,
    connections: Semaphore,
    stuck: AtomicBool,
    begun: AtomicU64,
    under_way: AtomicU64,
    max_under_way: AtomicU64,
}

impl Stuck {
    fn new() -> Arc<Self> {
        Arc::new(Intercepted(Sticking {
            inner: MemoryStore::new(),
            connections: Semaphore::new(10),
            stuck: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
            max_under_way: AtomicU64::new(0),
        }))
    }
}

impl Sticking {
    fn stick(&self) {
        self.stuck.store(true, Ordering::SeqCst);
    }

    /// How many writes were begun since they got stuck, and the most that were under way at once.
    fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (read(&self.begun), read(&self.max_under_way))
    }
}

/// Counts a write that is under way.
struct InFlight<'a>(&'a AtomicU64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Intercept for Sticking {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn call<T: Send>(
        &self,
        batch: Option<&[Change]>,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let _connection = self.connections.acquire().await.unwrap();
        if batch.is_some() && self.stuck.load(Ordering::SeqCst) {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.max_under_way.fetch_max(now, Ordering::SeqCst);
            let _under_way = InFlight(&self.under_way);
            std::future::pending::<()>().await;
        }
        work.await
    }
}

async fn stuck(tokens: usize, options: PatOptions) -> (Bench, Arc<Stuck>, Vec<Issued>) {
    let store = Stuck::new();
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    let mut issued = Vec::new();
    for _ in 0..tokens {
        issued.push(bench.issue(ADA).await.unwrap());
    }
    store.stick();
    (bench, store, issued)
}

async fn at_once<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(AT_ONCE, work)
        .await
        .expect("it waits for a write")
}

/// Forty at once, as many tokens, and ten connections: every one is answered, and so is everybody
/// else.
async fn forty() {
    let (bench, store, issued) = stuck(40, PersonalAccessTokens::options()).await;
    at_once(async {
        let mut tasks = tokio::task::JoinSet::new();
        for one in &issued {
            let (pats, text) = (bench.pats.clone(), one.token.clone());
            tasks.spawn(async move { pats.verify(text.expose()).await });
        }
        while let Some(verified) = tasks.join_next().await {
            let record = verified.unwrap().unwrap();
            assert_eq!(record.last_used_at, Some(at(NOW)));
        }
    })
    .await;
    // Each once more, while one write is under way.
    for one in &issued {
        assert!(at_once(bench.verify(one)).await.is_ok());
    }
    at_once(bench.pats.get(issued[0].record.id)).await.unwrap();
    assert_eq!(store.counts(), (1, 1));
    // And that one holds a connection, no more.
    assert_eq!(store.connections.available_permits(), 9);
}

#[tokio::test]
async fn tokens_are_verified_while_writes_hang() {
    forty().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_verified_at_once_on_many_threads() {
    forty().await;
}

/// As with the write lock of another process.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn tokens_are_verified_at_once_while_another_has_the_lock_of_sqlite() {
    use sealtoken::store::Store;
    use sealtoken_sqlite::SqliteStore;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    let store = SqliteStore::options(&path).busy_timeout(Duration::from_secs(30));
    let store: Arc<dyn Store> = Arc::new(store.open().await.unwrap());
    let bench = Bench::over(Arc::clone(&store), PersonalAccessTokens::options()).await;
    let mut issued = Vec::new();
    for _ in 0..20 {
        issued.push(bench.issue(ADA).await.unwrap());
    }
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for one in &issued {
        assert!(at_once(bench.verify(one)).await.is_ok());
    }
    at_once(bench.pats.get(issued[0].record.id)).await.unwrap();
    drop(other);
}

/// Dropping the service drops the write in flight.
#[tokio::test]
async fn a_service_that_is_dropped_writes_no_more() {
    let (bench, store, issued) = stuck(2, PersonalAccessTokens::options()).await;
    for one in &issued {
        bench.verify(one).await.unwrap();
    }
    let until = async |under_way| {
        while store.under_way.load(Ordering::SeqCst) != under_way {
            tokio::task::yield_now().await;
        }
    };
    at_once(until(1)).await;
    drop(bench);
    at_once(until(0)).await;
    assert_eq!(store.counts(), (1, 1));
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().unwrap()
}

/// A use that is noted, while nothing writes it any more.
fn noted() -> (Bench, Issued) {
    let first = runtime();
    let (bench, store, mut issued) = first.block_on(async {
        let (bench, store, issued) = stuck(1, PersonalAccessTokens::options()).await;
        bench.verify(&issued[0]).await.unwrap();
        while store.under_way.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        (bench, store, issued)
    });
    drop(first);
    assert_eq!(store.under_way.load(Ordering::SeqCst), 0);
    store.stuck.store(false, Ordering::SeqCst);
    (bench, issued.remove(0))
}

/// A runtime that shuts down drops the write, and the next runtime goes on.
#[test]
fn another_runtime_goes_on() {
    let (bench, issued) = noted();
    runtime().block_on(async {
        at_once(bench.pats.flush()).await;
        let record = bench.pats.get(issued.record.id).await.unwrap();
        assert_eq!(record.last_used_at, Some(at(NOW)));
    });
}

#[test]
fn another_token_under_the_id_of_one_that_was_used_is_not_used() {
    let (bench, issued) = noted();
    let id = issued.record.id;
    runtime().block_on(async {
        bench.pats.delete(id).await.unwrap();
        bench.clock.advance(1);
        let hash = bench.pats.generate().unwrap().hash;
        bench.pats.register(id, hash, ADA).await.unwrap();
        at_once(bench.pats.flush()).await;
        let record = bench.pats.get(id).await.unwrap();
        assert_eq!(record.last_used_at, None);
    });
}

/// Neither engines nor programs have more of these than they need.
#[test]
fn a_write_that_is_stuck_takes_no_thread_from_blocking_work() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).enable_time();
    runtime.build().unwrap().block_on(async {
        let (bench, store, issued) = stuck(1, PersonalAccessTokens::options()).await;
        bench.verify(&issued[0]).await.unwrap();
        while store.under_way.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        at_once(tokio::task::spawn_blocking(|| ())).await.unwrap();
    });
}
