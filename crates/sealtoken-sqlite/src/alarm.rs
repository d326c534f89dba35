//! Deadlines of calls that wait: a runtime need not have a timer, so this is a thread of the store's own.

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

/// Wakes calls at their deadlines. Its thread ends with it.
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
    /// Whom to wake, and when. The number tells apart those of one moment.
    calls: BTreeMap<(Instant, u64), Waker>,
    number: u64,
    /// When the thread looks next; never where nobody waited when it looked last.
    looks: Option<Instant>,
}

impl Alarm {
    pub(super) fn new() -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::default());
        let ours = shared.clone();
        let thread = thread::Builder::new().name("sealtoken-sqlite".to_owned());
        let thread = thread.spawn(move || ours.run());
        let thread = thread.map_err(|error| {
            StoreError::Configuration(format!("no thread can be started ({})", error.kind()))
        })?;
        Ok(Self {
            shared,
            thread: thread.thread().clone(),
        })
    }

    /// What the future gives, unless the moment comes first.
    pub(super) async fn before<F: Future>(&self, moment: Instant, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut entry = None;
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            if moment <= Instant::now() {
                return Poll::Ready(None);
            }
            entry
                .get_or_insert_with(|| self.enter(moment))
                .wakes(context.waker());
            Poll::Pending
        })
        .await
    }

    fn enter(&self, moment: Instant) -> Entry<'_> {
        let mut waiting = self.shared.lock();
        waiting.number = waiting.number.wrapping_add(1);
        Entry {
            alarm: self,
            place: (moment, waiting.number),
        }
    }
}

impl Drop for Alarm {
    // Without a lock, which the thread of a parent may have had at a fork.
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A call that waits, until this is dropped.
struct Entry<'a> {
    alarm: &'a Alarm,
    place: (Instant, u64),
}

impl Entry<'_> {
    fn wakes(&self, waker: &Waker) {
        let mut waiting = self.alarm.shared.lock();
        waiting.calls.insert(self.place, waker.clone());
        if waiting.looks.is_none_or(|looks| self.place.0 < looks) {
            waiting.looks = Some(self.place.0);
            self.alarm.thread.unpark();
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.alarm.shared.lock().calls.remove(&self.place);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while !self.closed.load(Ordering::Acquire) {
            let (due, looks) = self.lock().look(Instant::now());
            due.into_values().for_each(Waker::wake);
            match looks {
                Some(next) => thread::park_timeout(next.saturating_duration_since(Instant::now())),
                None => thread::park(),
            }
        }
    }
}

impl Waiting {
    /// Takes out those whose moment has come, and tells when the next one does.
    fn look(&mut self, now: Instant) -> (BTreeMap<(Instant, u64), Waker>, Option<Instant>) {
        let later = self.calls.split_off(&(now, u64::MAX));
        let due = mem::replace(&mut self.calls, later);
        self.looks = self.calls.keys().next().map(|(moment, _)| *moment);
        (due, self.looks)
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
    fn a_look_takes_out_what_is_due_and_tells_when_the_next_is() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut waiting = Waiting::default();
        for place in [(now, 1), (now, 2), (later, 3)] {
            waiting.calls.insert(place, Waker::noop().clone());
        }
        let (due, looks) = waiting.look(now);
        assert_eq!(due.len(), 2);
        assert_eq!((looks, waiting.looks), (Some(later), Some(later)));
        let (due, looks) = waiting.look(later);
        assert_eq!(due.len(), 1);
        assert_eq!((looks, waiting.looks), (None, None));
    }

    #[tokio::test]
    async fn who_goes_away_is_forgotten() {
        let alarm = Alarm::new().unwrap();
        let hour = Instant::now() + Duration::from_secs(3600);
        let mut call = Box::pin(alarm.before(hour, pending::<()>()));
        assert!(poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await);
        assert_eq!(alarm.shared.lock().calls.len(), 1);
        drop(call);
        assert!(alarm.shared.lock().calls.is_empty());
    }

    struct Told(mpsc::Sender<()>);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }

    /// Also where the thread has looked, and sleeps until it is told of a call.
    #[test]
    fn who_waits_is_woken_at_the_deadline() {
        let alarm = Alarm::new().unwrap();
        for _ in 0..2 {
            let (told, woken) = mpsc::channel();
            let waker = Waker::from(Arc::new(Told(told)));
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
