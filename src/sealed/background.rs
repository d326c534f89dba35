//! Best-effort writes in the background, such as the last use of a token. No request waits for
//! them.

#[cfg(test)]
mod tests;

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

use super::error::ServiceError;
use super::retry::{BACKGROUND_DEADLINE, MAX_FAILED_WRITES};

/// Background work of a service: how its notes are merged and written.
pub(crate) trait BackgroundWork: Send + Sync + 'static {
    /// The subject of a note. At most one note is pending per key.
    type Key: Clone + Ord + Send + Sync + 'static;
    type Note: Clone + PartialEq + Send + 'static;

    /// The maximum number of pending notes.
    const MAX_PENDING: usize;
    /// Time limit for one write, and for a flush.
    const DEADLINE: Duration = BACKGROUND_DEADLINE;

    /// Merges a later note about a key into the pending one.
    fn merge(earlier: &mut Self::Note, later: Self::Note);

    /// Whether a full queue may drop this note in favour of one that cannot be dropped.
    fn can_be_dropped(note: &Self::Note) -> bool;

    /// Writes a note, unless changes of requests leave no room for it. Fails if the store did.
    fn write(
        &self,
        key: &Self::Key,
        note: &Self::Note,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// Holds pending notes and writes them one after the other. Stops when dropped.
///
/// A note that cannot be written, or that finds the queue full, is lost: a later request brings it
/// again.
pub(crate) struct BackgroundWriter<W: BackgroundWork> {
    writer: Arc<Writer<W>>,
    task: Mutex<Option<AbortHandle>>,
}

struct Writer<W: BackgroundWork> {
    work: W,
    /// A note stays here until its write has ended, so that later ones about its key merge into it.
    noted: Mutex<BTreeMap<W::Key, W::Note>>,
    /// Held by the task that writes.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<W: BackgroundWork> BackgroundWriter<W> {
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

    #[cfg(test)]
    pub(crate) fn work(&self) -> &W {
        &self.writer.work
    }

    /// Takes a note and starts a writer if none runs. Never waits.
    ///
    /// Outside a tokio runtime the note stays pending until a flush, or until a note arrives inside
    /// one.
    pub(crate) fn note(&self, key: W::Key, note: W::Note) {
        self.writer.note(key, note);
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        // Locked before the turn is taken: if one writer follows another, the later one's handle is
        // stored last.
        let mut task = lock(&self.task);
        if let Some(turn) = self.writer.turn() {
            let writing = Arc::clone(&self.writer).write_all(turn);
            *task = Some(runtime.spawn(writing).abort_handle());
        }
    }

    /// Writes all pending notes, as far as the store answers in time.
    pub(crate) async fn flush(&self) {
        let writer = &self.writer;
        let all = async {
            let turn = Arc::clone(&writer.turn).lock_owned().await;
            Arc::clone(writer).write_all(turn).await;
        };
        within(W::DEADLINE, all).await;
    }
}

impl<W: BackgroundWork> Drop for BackgroundWriter<W> {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

impl<W: BackgroundWork> Writer<W> {
    fn note(&self, key: W::Key, note: W::Note) {
        let mut noted = lock(&self.noted);
        if let Some(earlier) = noted.get_mut(&key) {
            W::merge(earlier, note);
            return;
        }
        if noted.len() >= W::MAX_PENDING {
            let other = noted.iter().find(|(_, other)| W::can_be_dropped(other));
            let other = other.map(|(key, _)| key.clone());
            match other.filter(|_| !W::can_be_dropped(&note)) {
                Some(other) => noted.remove(&other),
                None => return,
            };
        }
        noted.insert(key, note);
    }

    /// The turn to write, if notes are pending and no task writes.
    fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        let turn = || Arc::clone(&self.turn).try_lock_owned().ok();
        (!lock(&self.noted).is_empty()).then(turn).flatten()
    }

    async fn write_all(self: Arc<Self>, turn: OwnedMutexGuard<()>) {
        let mut mine = Some(turn);
        while let Some(turn) = mine {
            let is_away = self.write_noted().await.is_err();
            drop(turn);
            // A note taken just now found the turn taken, so nobody else writes it.
            mine = if is_away { None } else { self.turn() };
        }
    }

    /// Writes until no note is pending; an error if the store seems to be unavailable.
    async fn write_noted(&self) -> Result<(), ()> {
        let (mut last, mut failures) = (None, 0_u32);
        while let Some((key, note)) = self.next(last.as_ref()) {
            let unwinding = Unwinding(self, &key);
            let written = within(W::DEADLINE, self.work.write(&key, &note)).await;
            drop(unwinding);
            let mut noted = lock(&self.noted);
            // A note that changed meanwhile still has to be written.
            if noted.get(&key) == Some(&note) {
                noted.remove(&key);
            }
            drop(noted);
            failures = match written {
                Some(Ok(())) => 0,
                Some(Err(_)) | None => failures.saturating_add(1),
            };
            if failures >= MAX_FAILED_WRITES {
                return Err(());
            }
            last = Some(key);
        }
        Ok(())
    }

    /// The next note in key order after `last`, so that a key noted constantly cannot starve
    /// others.
    fn next(&self, last: Option<&W::Key>) -> Option<(W::Key, W::Note)> {
        let noted = lock(&self.noted);
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut later = noted.range((after, Bound::Unbounded));
        let next = later.next().or_else(|| noted.first_key_value());
        next.map(|(key, note)| (key.clone(), note.clone()))
    }
}

/// Removes a note whose write panics: it would panic again each time and block the notes after it.
/// A note whose write is cancelled stays.
struct Unwinding<'w, W: BackgroundWork>(&'w Writer<W>, &'w W::Key);

impl<W: BackgroundWork> Drop for Unwinding<'_, W> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(&self.0.noted).remove(self.1);
        }
    }
}

/// Runs `work` up to the deadline; `None` if it takes longer.
///
/// A dedicated thread measures the time: the runtime's timer may be disabled, its blocking threads
/// may all be busy, and a flush may run outside any runtime.
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

/// A deadline. Dropping it ends its thread.
struct Timer {
    ended: oneshot::Receiver<()>,
    _running: mpsc::Sender<()>,
}

impl Timer {
    /// `None` if the system has no thread left: the work then has no deadline.
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
