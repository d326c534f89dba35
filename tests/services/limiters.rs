//! Tools for tests of attempts and turns: slow limiters, and a sink that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealtoken::events::{Event, EventSink};
use sealtoken::limits::{Allowance, AttemptLimiter, Exhausted, MemoryLimiter, Subject};
use tokio::sync::Notify;

/// Longer than any call that finishes.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// A limiter with `burst` attempts for each token, and practically no limit for a namespace.
pub(crate) fn attempts_for_a_token(burst: u32) -> MemoryLimiter {
    let every = Duration::from_secs(60);
    MemoryLimiter::new(
        Allowance::new(burst, every),
        Allowance::new(1_000_000, every),
    )
}

/// A limiter as slow as one over a network: other tasks get many turns before it decides and before
/// it answers.
#[derive(Debug)]
pub(crate) struct Awaiting(pub(crate) MemoryLimiter);

async fn turns() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl AttemptLimiter for Awaiting {
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        turns().await;
        let taken = self.0.take(subjects).await;
        turns().await;
        taken
    }

    async fn give_back(&self, subjects: &[Subject]) {
        turns().await;
        self.0.give_back(subjects).await;
    }
}

/// A limiter that can keep an attempt in flight: if `hold` is set, it signals `holds` when the next
/// attempt is given back, then waits for `go_on`.
#[derive(Debug)]
pub(crate) struct Holding {
    limiter: MemoryLimiter,
    pub(crate) hold: AtomicBool,
    pub(crate) holds: Notify,
    pub(crate) go_on: Notify,
}

impl Holding {
    pub(crate) fn over(limiter: MemoryLimiter) -> Arc<Self> {
        Arc::new(Self {
            limiter,
            hold: AtomicBool::new(false),
            holds: Notify::new(),
            go_on: Notify::new(),
        })
    }
}

#[async_trait]
impl AttemptLimiter for Holding {
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        self.limiter.take(subjects).await
    }

    async fn give_back(&self, subjects: &[Subject]) {
        if self.hold.swap(false, Ordering::SeqCst) {
            self.holds.notify_one();
            self.go_on.notified().await;
        }
        self.limiter.give_back(subjects).await;
    }
}

/// Counts failed operations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals(Arc<AtomicUsize>);

impl Refusals {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl EventSink for Refusals {
    fn record(&self, event: &Event) {
        let refused = usize::from(event.outcome.is_err());
        self.0.fetch_add(refused, Ordering::SeqCst);
    }
}

/// Lets every spawned task run until it waits. Requires a single-threaded runtime.
pub(crate) async fn all_wait() {
    for _ in 0..20 {
        turns().await;
    }
}
