//! A store with faults on demand. A test chooses which calls fail and how, lets a rival act before
//! a reply, and shuffles the turns of tasks. The store counts its calls.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sealtoken::ServiceError;
use sealtoken::store::{
    Change, Collection, Effect, Limits, MemoryStore, Outcome, Query, Record, RecordKey, Store,
    StoreError,
};
use tokio::sync::Notify;

use crate::intercept::{Intercept, Intercepted};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call succeeds.
    None,
    /// The call is not done, and the store reports that.
    Before,
    /// The call is done, but the reply is lost.
    After,
    /// The call is not done, and the reply is lost: indistinguishable from [`After`](Self::After).
    Lost,
    /// As [`Lost`](Self::Lost), but a write is delayed until [`Faulty::land`].
    Late,
    /// From this call on, every call fails.
    ForGood,
    /// The call is not done: the database itself is corrupt.
    Corrupt,
}

/// Another client that acts while a call is in progress.
pub(crate) type Rival = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A store whose calls fail from number `at` on, each in its own way.
pub(crate) type Faulty = Intercepted<Faults>;

pub(crate) struct Faults {
    pub(crate) inner: MemoryStore,
    pub(crate) calls: AtomicU64,
    /// How many of the calls were writes.
    pub(crate) writes: AtomicU64,
    pub(crate) at: AtomicU64,
    /// The faults of the calls from number `at` on.
    faults: Vec<Fault>,
    pub(crate) healed: AtomicBool,
    /// The fault of every write, if set.
    writes_fail: Mutex<Option<Fault>>,
    /// Whether the next `get` signals `read` after reading, then waits for `go_on`.
    pub(crate) hold: AtomicBool,
    pub(crate) read: Notify,
    pub(crate) go_on: Notify,
    /// Whether call number `at` was a write.
    is_write: AtomicBool,
    /// The maximum weight of a batch.
    pub(crate) max_batch: AtomicUsize,
    /// Acts during call number `at`, after the call was done and before its reply.
    rival: Mutex<Option<Rival>>,
    /// Delayed writes.
    late: Mutex<Vec<Vec<Change>>>,
    /// The seed of random turns and faults; 0 for neither.
    seed: AtomicU64,
}

impl Faulty {
    pub(crate) fn new(fault: Fault, at: u64) -> Arc<Self> {
        Self::over(MemoryStore::new(), &[fault], at)
    }

    /// A store over `inner` whose calls from number `at` on fail with these faults.
    pub(crate) fn over(inner: MemoryStore, faults: &[Fault], at: u64) -> Arc<Self> {
        Arc::new(Intercepted(Faults {
            calls: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            at: AtomicU64::new(at),
            faults: faults.to_vec(),
            healed: AtomicBool::new(false),
            writes_fail: Mutex::default(),
            hold: AtomicBool::new(false),
            read: Notify::new(),
            go_on: Notify::new(),
            is_write: AtomicBool::new(false),
            max_batch: AtomicUsize::new(inner.limits().max_batch),
            inner,
            rival: Mutex::new(None),
            late: Mutex::new(Vec::new()),
            seed: AtomicU64::new(0),
        }))
    }

    /// A store that never fails and only counts.
    pub(crate) fn counting() -> Arc<Self> {
        Self::new(Fault::Before, u64::MAX)
    }
}

impl Faults {
    /// The number of calls since this was last called, and how many of them were writes.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::SeqCst);
        (take(&self.calls), take(&self.writes))
    }

    /// Restarts the count, and fails from that call on.
    pub(crate) fn fail_from(&self, call: u64) {
        self.calls.store(0, Ordering::SeqCst);
        self.at.store(call, Ordering::SeqCst);
    }

    /// Whether call number `at` was made.
    pub(crate) fn has_failed(&self) -> bool {
        self.calls.load(Ordering::SeqCst) >= self.at.load(Ordering::SeqCst)
    }

    /// Whether call number `at` was a write.
    pub(crate) fn has_failed_writing(&self) -> bool {
        self.is_write.load(Ordering::SeqCst)
    }

    /// Stops failing.
    pub(crate) fn heal(&self) {
        self.healed.store(true, Ordering::SeqCst);
    }

    /// Sets the fault of every write; `None` ends it.
    pub(crate) fn fail_writes(&self, fault: Option<Fault>) {
        *lock(&self.writes_fail) = fault;
    }

    /// At the call with this number, the rival acts once the call is done. The reply is lost.
    pub(crate) fn lose_reply<E: Failure>(
        &self,
        call: u64,
        rival: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.set_rival(Box::pin(async {
            let done = rival.await;
            assert!(done.is_ok(), "{done:?}");
        }));
        self.fail_from(call);
    }

    /// Lets a rival with a client of its own act at the first failing call.
    pub(crate) fn set_rival(&self, rival: Rival) {
        *lock(&self.rival) = Some(rival);
    }

    /// Gives other tasks turns before and after each call, and loses some replies, drawn from the
    /// seed.
    pub(crate) fn disturb(&self, seed: u64) {
        self.seed.store(seed | 1, Ordering::SeqCst);
    }

    /// Applies the delayed writes.
    pub(crate) async fn land(&self) {
        let late = std::mem::take(&mut *lock(&self.late));
        for batch in late {
            let _ = self.inner.write(&batch).await.unwrap();
        }
    }

    /// The fault of this call, and whether it is call number `at`.
    fn next(&self) -> (Fault, bool) {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let Some(after) = call.checked_sub(self.at.load(Ordering::SeqCst)) else {
            return (Fault::None, false);
        };
        let is_first = after == 0;
        if self.healed.load(Ordering::SeqCst) {
            return (Fault::None, is_first);
        }
        let fault = self.faults.get(usize::try_from(after).unwrap());
        let for_good = self.faults.contains(&Fault::ForGood);
        let last = if for_good {
            Fault::ForGood
        } else {
            Fault::None
        };
        (fault.copied().unwrap_or(last), is_first)
    }

    /// The next random number (`SplitMix64`).
    fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.seed.fetch_add(STEP, Ordering::SeqCst);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    async fn turns(&self) {
        if self.seed.load(Ordering::SeqCst) != 0 {
            for _ in 0..self.draw() % 4 {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// An error of a service.
pub(crate) trait Failure: Debug {
    fn code(&self) -> &'static str;
    /// The store's error, if it caused this one.
    fn of_store(&self) -> Option<&StoreError>;
}

impl Failure for sealtoken::vault::VaultError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn of_store(&self) -> Option<&StoreError> {
        match self {
            Self::Service(ServiceError::Store(error)) => Some(error),
            _ => None,
        }
    }
}

impl Failure for sealtoken::pat::PatError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn of_store(&self) -> Option<&StoreError> {
        match self {
            Self::Service(ServiceError::Store(error)) => Some(error),
            _ => None,
        }
    }
}

impl Failure for sealtoken::pat::VerifyError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn of_store(&self) -> Option<&StoreError> {
        match self {
            Self::Failed(error) => error.of_store(),
            _ => None,
        }
    }
}

/// Asserts that the operation ended with an unknown effect.
pub(crate) fn unknown<T: Debug, E: Failure>(result: Result<T, E>) {
    let error = result.expect_err("it succeeded");
    let Some(StoreError::Unavailable { effect, .. }) = error.of_store() else {
        panic!("{error:?}");
    };
    assert_eq!(*effect, Effect::Unknown);
}

/// Copies the records of these collections into a new store.
pub(crate) async fn copy(store: &MemoryStore, collections: &[&'static str]) -> MemoryStore {
    let copy = MemoryStore::new();
    for name in collections {
        for record in records(store, name).await {
            let written = copy.write(&[Change::Insert(record)]).await;
            assert_eq!(written, Ok(Outcome::Written));
        }
    }
    copy
}

/// All records of a collection, to see what a test left behind.
pub(crate) async fn records(store: &dyn Store, collection: &'static str) -> Vec<Record> {
    let all = Query::all(Collection::new(collection).unwrap()).limit(1000);
    let page = store.scan(&all).await.unwrap();
    assert!(page.next.is_none());
    page.records
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}

#[async_trait]
impl Intercept for Faults {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    fn limits(&self) -> Limits {
        Limits {
            max_batch: self.max_batch.load(Ordering::SeqCst),
            ..self.inner.limits()
        }
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let result = self.inner.get(key).await;
        if self.hold.swap(false, Ordering::SeqCst) {
            self.read.notify_one();
            self.go_on.notified().await;
        }
        result
    }

    async fn call<T: Send>(
        &self,
        batch: Option<&[Change]>,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let (mut fault, is_first) = self.next();
        if is_first {
            self.is_write.store(batch.is_some(), Ordering::SeqCst);
        }
        if batch.is_some() {
            self.writes.fetch_add(1, Ordering::SeqCst);
            fault = lock(&self.writes_fail).unwrap_or(fault);
        }
        if batch.is_some() && self.seed.load(Ordering::SeqCst) != 0 {
            fault = match self.draw() % 8 {
                0 => Fault::After,
                1 => Fault::Lost,
                _ => fault,
            };
        }
        self.turns().await;
        let result = match fault {
            Fault::Before | Fault::ForGood => Err(StoreError::unavailable("test")),
            Fault::Lost | Fault::Late => Err(StoreError::unknown("test")),
            Fault::Corrupt => Err(StoreError::Corrupt),
            Fault::After => work.await.and(Err(StoreError::unknown("test"))),
            Fault::None => work.await,
        };
        if let (Fault::Late, Some(batch)) = (fault, batch) {
            lock(&self.late).push(batch.to_vec());
        }
        let rival = if is_first {
            lock(&self.rival).take()
        } else {
            None
        };
        if let Some(rival) = rival {
            rival.await;
        }
        self.turns().await;
        result
    }
}
