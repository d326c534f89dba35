//! Best effort, written behind the requests that bring it. Nothing waits for it.

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

use crate::store::StoreError;

/// So many failures in a row are the store's, and not those of single notes: the rest waits for the next one.
const FAILURES: u32 = 3;

/// What a service writes behind its requests.
pub(crate) trait Work: Send + Sync + 'static {
    /// What a note is about. There is one note about each.
    type Key: Clone + Ord + Send + Sync + 'static;
    type Note: Clone + PartialEq + Send + 'static;

    /// The most notes at a time.
    const MOST: usize;
    /// The longest that one write may take, and the longest that a flush does.
    const DEADLINE: Duration = Duration::from_secs(5);

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
        // Taken before the turn, so that of two writers in a row the later one's handle stays.
        let mut task = lock(&self.task);
        if let Some(turn) = self.writer.turn() {
            let writing = Arc::clone(&self.writer).write_all(turn);
            *task = Some(runtime.spawn(writing).abort_handle());
        }
    }

    /// Writes what is noted, as far as the store answers in time.
    pub(crate) async fn flush(&self) {
        let writer = &self.writer;
        let all = async {
            let turn = Arc::clone(&writer.turn).lock_owned().await;
            Arc::clone(writer).write_all(turn).await;
        };
        within(W::DEADLINE, all).await;
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
            let unwinding = Unwinding(self, &key);
            let written = within(W::DEADLINE, self.work.write(&key, &note)).await;
            drop(unwinding);
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

/// Takes the note away whose write panics: it would do so again each time, before those behind it.
/// One whose write is cut off stays.
struct Unwinding<'w, W: Work>(&'w Writer<W>, &'w W::Key);

impl<W: Work> Drop for Unwinding<'_, W> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(&self.0.noted).remove(self.1);
        }
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
