//! Deadlines for waiting calls, kept by a thread: the tokio runtime may have no timer.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use sealtoken_store::StoreError;

/// Wakes calls at their deadlines. Its thread ends when it is dropped.
pub(super) struct Alarm {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    closed: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    /// Which call to wake when. The number tells apart calls with the same deadline.
    calls: BTreeMap<(Instant, u64), Waker>,
    number: u64,
    /// When the thread wakes next; `None` if it sleeps until it is unparked.
    wakes: Option<Instant>,
}

impl Alarm {
    pub(super) fn new() -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::default());
        let ours = shared.clone();
        let thread = thread::Builder::new().name("sealtoken-sqlite".to_owned());
        let thread = thread.spawn(move || ours.run());
        let thread = thread.map_err(|error| {
            let reason = format!("no thread can be started ({})", error.kind());
            StoreError::configuration(reason).with_source(error)
        })?;
        Ok(Self {
            shared,
            thread: thread.thread().clone(),
        })
    }

    /// The output of a future, unless the deadline comes first.
    pub(super) async fn before<F: Future>(
        &self,
        deadline: Instant,
        future: F,
    ) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut entry = None;
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            if deadline <= Instant::now() {
                return Poll::Ready(None);
            }
            entry
                .get_or_insert_with(|| self.enter(deadline))
                .wakes(context.waker());
            Poll::Pending
        })
        .await
    }

    fn enter(&self, deadline: Instant) -> Entry<'_> {
        let mut waiting = self.shared.lock();
        waiting.number = waiting.number.wrapping_add(1);
        Entry {
            alarm: self,
            key: (deadline, waiting.number),
        }
    }
}

impl Drop for Alarm {
    // Takes no lock: at a fork, a thread of the parent may have held it.
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A waiting call. Dropping this removes it.
struct Entry<'a> {
    alarm: &'a Alarm,
    key: (Instant, u64),
}

impl Entry<'_> {
    fn wakes(&self, waker: &Waker) {
        let mut waiting = self.alarm.shared.lock();
        waiting.calls.insert(self.key, waker.clone());
        if waiting.wakes.is_none_or(|wakes| self.key.0 < wakes) {
            waiting.wakes = Some(self.key.0);
            self.alarm.thread.unpark();
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.alarm.shared.lock().calls.remove(&self.key);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while !self.closed.load(Ordering::Acquire) {
            let (due, wakes) = self.lock().take_due(Instant::now());
            due.into_values().for_each(Waker::wake);
            match wakes {
                Some(next) => thread::park_timeout(next.saturating_duration_since(Instant::now())),
                None => thread::park(),
            }
        }
    }
}

impl Waiting {
    /// Removes the calls that are due, and returns them with the next deadline.
    fn take_due(&mut self, now: Instant) -> (BTreeMap<(Instant, u64), Waker>, Option<Instant>) {
        let later = self.calls.split_off(&(now, u64::MAX));
        let due = mem::replace(&mut self.calls, later);
        self.wakes = self.calls.keys().next().map(|(deadline, _)| *deadline);
        (due, self.wakes)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::mpsc;
    use std::task::{Context, Wake};
    use std::time::Duration;

    use super::*;

    #[test]
    fn calls_that_are_due_come_with_the_next_deadline() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut waiting = Waiting::default();
        for key in [(now, 1), (now, 2), (later, 3)] {
            waiting.calls.insert(key, Waker::noop().clone());
        }
        let (due, wakes) = waiting.take_due(now);
        assert_eq!(due.len(), 2);
        assert_eq!((wakes, waiting.wakes), (Some(later), Some(later)));
        let (due, wakes) = waiting.take_due(later);
        assert_eq!(due.len(), 1);
        assert_eq!((wakes, waiting.wakes), (None, None));
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_is_forgotten() {
        let alarm = Alarm::new().unwrap();
        let hour = Instant::now() + Duration::from_secs(3600);
        let mut call = Box::pin(alarm.before(hour, pending::<()>()));
        assert!(poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await);
        assert_eq!(alarm.shared.lock().calls.len(), 1);
        drop(call);
        assert!(alarm.shared.lock().calls.is_empty());
    }

    struct Reports(mpsc::Sender<()>);

    impl Wake for Reports {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }

    /// The second time, the thread sleeps until it is unparked.
    #[test]
    fn a_waiting_call_is_woken_at_its_deadline() {
        let alarm = Alarm::new().unwrap();
        for _ in 0..2 {
            let (wakes, woken) = mpsc::channel();
            let waker = Waker::from(Arc::new(Reports(wakes)));
            let soon = Instant::now() + Duration::from_millis(100);
            let mut call = pin!(alarm.before(soon, pending::<()>()));
            let mut context = Context::from_waker(&waker);
            assert!(call.as_mut().poll(&mut context).is_pending());
            woken.recv_timeout(Duration::from_secs(20)).unwrap();
        }
    }

    #[test]
    fn its_thread_ends_with_it() {
        let alarm = Alarm::new().unwrap();
        let shared = Arc::downgrade(&alarm.shared);
        drop(alarm);
        let latest = Instant::now() + Duration::from_secs(20);
        while shared.strong_count() > 0 {
            assert!(Instant::now() < latest);
            thread::yield_now();
        }
    }
}
