//! Best effort, written behind the requests that bring it. Nothing waits for it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::Bound;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::task::AbortHandle;

use crate::store::StoreError;

/// The longest that one write may take, and the longest that a flush does.
const DEADLINE: Duration = Duration::from_secs(5);
/// So many failures in a row are the store's, and not those of single notes: the rest waits for the next one.
const FAILURES: u32 = 3;

/// What a service writes behind its requests.
pub(crate) trait Work: Send + Sync + 'static {
    /// What a note is about. There is one note about each.
    type Key: Clone + Ord + Send + 'static;
    type Note: Clone + PartialEq + Send + 'static;

    /// The most notes at a time.
    const MOST: usize;

    /// Makes one note of two about the same key.
    fn merge(earlier: &mut Self::Note, later: Self::Note);

    /// Whether it gives way to one that does not, where there are too many.
    fn gives_way(note: &Self::Note) -> bool;

    /// Writes a note; an error where the store did not do it.
    fn write(
        &self,
        key: &Self::Key,
        note: &Self::Note,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Keeps notes, and writes one after the other as long as there are any. Dropped, it stops.
///
/// What cannot be written, or finds no room, is dropped alone: whoever brought it brings it again.
pub(crate) struct Behind<W: Work> {
    writer: Arc<Writer<W>>,
    task: Mutex<Option<AbortHandle>>,
}

struct Writer<W: Work> {
    work: W,
    /// A note stays here until its write has ended: those that come meanwhile are one with it.
    noted: Mutex<BTreeMap<W::Key, W::Note>>,
    /// Held by whoever writes.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<W: Work> Behind<W> {
    pub(crate) fn new(work: W) -> Self {
        Self {
            writer: Arc::new(Writer {
                work,
                noted: Mutex::default(),
                turn: Arc::default(),
            }),
            task: Mutex::default(),
        }
    }

    pub(crate) fn work(&self) -> &W {
        &self.writer.work
    }

    /// Takes a note, and has it written. It never waits.
    ///
    /// Outside of a runtime it only keeps the note, until one comes inside of a runtime, or a flush.
    pub(crate) fn note(&self, key: W::Key, note: W::Note) {
        self.writer.note(key, note);
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if let Some(turn) = self.writer.turn() {
            let writing = Arc::clone(&self.writer).write_all(turn);
            let task = runtime.spawn(writing).abort_handle();
            *lock(&self.task) = Some(task);
        }
    }

    /// Writes what is noted, as far as the store answers in time.
    pub(crate) async fn flush(&self) {
        let writer = &self.writer;
        let all = async {
            let turn = Arc::clone(&writer.turn).lock_owned().await;
            Arc::clone(writer).write_all(turn).await;
        };
        within(DEADLINE, all).await;
    }
}

impl<W: Work> Drop for Behind<W> {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

impl<W: Work> Writer<W> {
    fn note(&self, key: W::Key, note: W::Note) {
        let mut noted = lock(&self.noted);
        if let Some(earlier) = noted.get_mut(&key) {
            W::merge(earlier, note);
            return;
        }
        if noted.len() >= W::MOST {
            let other = noted.iter().find(|(_, other)| W::gives_way(other));
            let other = other.map(|(key, _)| key.clone());
            match other.filter(|_| !W::gives_way(&note)) {
                Some(other) => noted.remove(&other),
                None => return,
            };
        }
        noted.insert(key, note);
    }

    /// The turn to write, if there is something to write and nobody does.
    fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        let turn = || Arc::clone(&self.turn).try_lock_owned().ok();
        (!lock(&self.noted).is_empty()).then(turn).flatten()
    }

    async fn write_all(self: Arc<Self>, turn: OwnedMutexGuard<()>) {
        let mut mine = Some(turn);
        while let Some(turn) = mine {
            let is_away = self.write_noted().await.is_err();
            drop(turn);
            // What was noted just now found the turn taken.
            mine = if is_away { None } else { self.turn() };
        }
    }

    /// Writes until nothing is noted; an error where the store seems to be away.
    async fn write_noted(&self) -> Result<(), ()> {
        let (mut last, mut failures) = (None, 0_u32);
        while let Some((key, note)) = self.next(last.as_ref()) {
            let written = within(DEADLINE, self.work.write(&key, &note)).await;
            let mut noted = lock(&self.noted);
            // One that has changed since is not written yet.
            if noted.get(&key) == Some(&note) {
                noted.remove(&key);
            }
            drop(noted);
            failures = match written {
                Some(Ok(())) => 0,
                Some(Err(_)) | None => failures.saturating_add(1),
            };
            if failures >= FAILURES {
                return Err(());
            }
            last = Some(key);
        }
        Ok(())
    }

    /// The one whose turn is after this one's, so that what is noted all the time holds up no other.
    fn next(&self, last: Option<&W::Key>) -> Option<(W::Key, W::Note)> {
        let noted = lock(&self.noted);
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut behind = noted.range((after, Bound::Unbounded));
        let next = behind.next().or_else(|| noted.first_key_value());
        next.map(|(key, note)| (key.clone(), note.clone()))
    }
}

/// What the work comes to, unless it takes longer.
///
/// A thread of its own keeps the time: the runtime's timer may be off, its blocking threads all in use, and a flush may be outside of any.
async fn within<T>(deadline: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut timer = None;
    poll_fn(|context| {
        if let Poll::Ready(result) = work.as_mut().poll(context) {
            return Poll::Ready(Some(result));
        }
        if timer.is_none() {
            timer = Timer::start(deadline);
        }
        match &mut timer {
            Some(timer) => Pin::new(&mut timer.ended).poll(context).map(|_| None),
            None => Poll::Pending,
        }
    })
    .await
}

/// A deadline. Dropped, it gives its thread back.
struct Timer {
    ended: oneshot::Receiver<()>,
    _running: mpsc::Sender<()>,
}

impl Timer {
    /// None where the system has no thread left: then nothing keeps the time.
    fn start(deadline: Duration) -> Option<Self> {
        let (running, stopped) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let wait = move || {
            let _ = stopped.recv_timeout(deadline);
            let _ = end.send(());
        };
        let thread = thread::Builder::new().name("sealtoken-deadline".into());
        thread.spawn(wait).ok()?;
        Some(Self {
            ended,
            _running: running,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Numbers under keys; those above 99 give way to nobody.
    #[derive(Default)]
    struct Written {
        all: Mutex<Vec<(u32, u32)>>,
        /// The keys that cannot be written.
        broken: Vec<u32>,
        tried: AtomicU64,
        /// A write waits for this, where it is set.
        gate: Option<tokio::sync::Semaphore>,
    }

    impl Work for Written {
        type Key = u32;
        type Note = u32;
        const MOST: usize = 8;

        fn merge(earlier: &mut u32, later: u32) {
            *earlier = later.max(*earlier);
        }

        fn gives_way(note: &u32) -> bool {
            *note < 100
        }

        async fn write(&self, key: &u32, note: &u32) -> Result<(), StoreError> {
            self.tried.fetch_add(1, Ordering::SeqCst);
            if let Some(gate) = &self.gate {
                gate.acquire().await.unwrap().forget();
            }
            if self.broken.contains(key) {
                return Err(StoreError::unavailable("test"));
            }
            lock(&self.all).push((*key, *note));
            Ok(())
        }
    }

    /// Notes taken outside of a runtime, so that a flush writes them all at once.
    fn noted(work: Written, notes: &[(u32, u32)]) -> Behind<Written> {
        let behind = Behind::new(work);
        for (key, note) in notes {
            behind.writer.note(*key, *note);
        }
        behind
    }

    fn written(behind: &Behind<Written>) -> Vec<(u32, u32)> {
        std::mem::take(&mut lock(&behind.work().all))
    }

    #[tokio::test]
    async fn each_key_is_written_once_with_its_latest_note() {
        let behind = noted(Written::default(), &[(1, 1), (2, 7), (1, 3), (1, 2)]);
        behind.flush().await;
        assert_eq!(written(&behind), [(1, 3), (2, 7)]);
        behind.flush().await;
        assert_eq!(written(&behind), []);
    }

    #[tokio::test]
    async fn one_that_cannot_be_written_costs_no_other_its_own() {
        let work = Written {
            broken: vec![2, 4, 5],
            ..Written::default()
        };
        let behind = noted(work, &[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)]);
        behind.flush().await;
        assert_eq!(written(&behind), [(1, 1), (3, 1), (6, 1)]);
        behind.flush().await;
        assert_eq!(behind.work().tried.load(Ordering::SeqCst), 6);
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_asked_three_times_and_the_rest_is_kept() {
        let work = Written {
            broken: vec![1, 2, 3],
            ..Written::default()
        };
        let behind = noted(work, &[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]);
        behind.flush().await;
        assert_eq!(behind.work().tried.load(Ordering::SeqCst), 3);
        assert_eq!(written(&behind), []);
        behind.flush().await;
        assert_eq!(written(&behind), [(4, 1), (5, 1)]);
    }

    #[tokio::test]
    async fn what_comes_again_by_itself_gives_way_to_what_does_not() {
        let full: Vec<_> = (0..8).map(|key| (key, key)).collect();
        let behind = noted(Written::default(), &full);
        behind.writer.note(8, 1);
        assert!(!lock(&behind.writer.noted).contains_key(&8));
        for key in 10..20 {
            behind.writer.note(key, 100);
        }
        behind.flush().await;
        let expected: Vec<_> = (10..18).map(|key| (key, 100)).collect();
        assert_eq!(written(&behind), expected);
    }

    #[tokio::test]
    async fn what_is_noted_during_its_write_is_written_after_it() {
        let work = Written {
            gate: Some(tokio::sync::Semaphore::new(0)),
            ..Written::default()
        };
        let behind = noted(work, &[]);
        let tried = |count| {
            let tried = &behind.work().tried;
            async move {
                while tried.load(Ordering::SeqCst) < count {
                    tokio::task::yield_now().await;
                }
            }
        };
        behind.note(1, 1);
        tried(1).await;
        behind.note(1, 2);
        behind.note(1, 3);
        behind.work().gate.as_ref().unwrap().add_permits(9);
        behind.flush().await;
        assert_eq!(written(&behind), [(1, 1), (1, 3)]);
    }

    #[tokio::test]
    async fn one_that_is_noted_all_the_time_holds_up_no_other() {
        let behind = noted(Written::default(), &[(1, 0), (2, 0)]);
        let writer = &behind.writer;
        let next = |last: Option<u32>| writer.next(last.as_ref()).map(|(key, _)| key);
        assert_eq!(next(None), Some(1));
        assert_eq!(next(Some(1)), Some(2));
        assert_eq!(next(Some(2)), Some(1));
    }

    /// Also where the only thread for blocking work is in use.
    #[test]
    fn work_that_takes_too_long_is_given_up() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let (done, working) = mpsc::channel::<()>();
            let blocking = tokio::task::spawn_blocking(move || working.recv().is_ok());
            let late = within(Duration::from_millis(5), std::future::pending::<()>());
            assert_eq!(late.await, None);
            drop(done);
            assert!(!blocking.await.unwrap());
            let polls = AtomicU64::new(0);
            let in_time = within(Duration::from_secs(600), async {
                while polls.fetch_add(1, Ordering::SeqCst) < 3 {
                    tokio::task::yield_now().await;
                }
                7
            });
            assert_eq!(in_time.await, Some(7));
        });
    }
}
