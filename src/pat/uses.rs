//! What the use of a token changes: noted by requests, written behind them. Nothing waits for it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::Bound;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tokio::task::{AbortHandle, JoinHandle};

use crate::crypto::clock::{ClockSource, UnixTime};
use crate::sealed::Keyset;
use crate::store::{Change, Outcome, Store, StoreError};

use super::options::Settings;
use super::row::{self, Facts, Opened};
use super::{PatId, PersonalAccessTokens, SecretHash};

/// The longest that one write may take, and the longest wait for all of them when a process ends.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often a use is written again where others change the token at the same time. What is lost then, the next use makes good.
const TRIES: u32 = 3;
/// The most tokens whose use is noted at a time. The use of another is noted next time.
const MOST: usize = 1024;
/// How far ahead of this node's clock, in seconds, a last use may lie: as far as the clocks of the nodes may differ. They agree on the later one.
const FUTURE_SKEW: i64 = 60;

impl PersonalAccessTokens {
    /// Writes what verifying has noted and not written yet: last uses, and [upgraded](super::PatOptions::upgrade_hashes) hashes. For the end of a
    /// process; otherwise it happens by itself, in the background.
    ///
    /// It is best effort, as in the background: it ends after five seconds, also where the store does not answer, and what the store refuses is noted
    /// again when the token is used next. What is noted when the last clone of this value is dropped is lost.
    ///
    /// ```
    /// # use sealtoken::pat::PersonalAccessTokens;
    /// # async fn example(pats: PersonalAccessTokens) {
    /// // The server has answered its last request.
    /// pats.flush().await;
    /// # }
    /// ```
    pub async fn flush(&self) {
        self.shared.uses.flush().await;
    }
}

/// What a use of a token changes.
#[derive(Clone)]
pub(super) struct Use {
    /// When it was, where that is to be written.
    pub(super) at: Option<UnixTime>,
    /// The scrypt hash that the secret was found under, and the one of ours that is to replace it.
    pub(super) upgrade: Option<(SecretHash, SecretHash)>,
}

/// Notes uses, and writes them one after the other as long as there are any. Dropped, it stops.
pub(super) struct Uses {
    writer: Arc<Writer>,
    task: Mutex<Option<AbortHandle>>,
}

struct Writer {
    store: Arc<dyn Store>,
    keyset: Arc<Keyset>,
    clock: ClockSource,
    /// How often the last use of a token is written at most, in seconds.
    every: Option<i64>,
    /// In seconds.
    keep_expired: i64,
    /// The longest that one write may take.
    deadline: Duration,
    /// A use stays here until its write has ended: those that come meanwhile are one with it.
    noted: Mutex<BTreeMap<PatId, Use>>,
    /// Held by whoever writes.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Uses {
    pub(super) fn new(store: Arc<dyn Store>, keyset: Arc<Keyset>, settings: &Settings) -> Self {
        Self {
            writer: Arc::new(Writer {
                store,
                keyset,
                clock: settings.clock.clone(),
                every: settings.last_used_every,
                keep_expired: settings.keep_expired,
                deadline: DEADLINE,
                noted: Mutex::default(),
                turn: Arc::default(),
            }),
            task: Mutex::default(),
        }
    }

    /// Whether a use at this moment is to be written, where the last one is this.
    pub(super) fn is_due(&self, last: Option<i64>, at: UnixTime) -> bool {
        self.writer.is_due(last, at, at)
    }

    /// Notes a use, and has it written. It never waits.
    pub(super) fn note(&self, id: PatId, used: Use) {
        self.writer.note(id, used);
        self.start();
    }

    /// Begins to write, unless that is under way. Outside of a runtime what is noted stays so, until a use inside of one or a flush.
    fn start(&self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if let Some(turn) = self.writer.turn() {
            let writing = Arc::clone(&self.writer).write_all(turn);
            let task = runtime.spawn(writing).abort_handle();
            *lock(&self.task) = Some(task);
        }
    }

    async fn flush(&self) {
        let writer = &self.writer;
        let all = async {
            let turn = Arc::clone(&writer.turn).lock_owned().await;
            Arc::clone(writer).write_all(turn).await;
        };
        within(writer.deadline, all).await;
    }
}

impl Drop for Uses {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

impl Writer {
    /// One that lies further in the future than clocks differ was written by one that was wrong.
    fn is_due(&self, last: Option<i64>, at: UnixTime, now: UnixTime) -> bool {
        let latest = now.saturating_add(FUTURE_SKEW).as_secs();
        let ended = |last: i64, every| last.saturating_add(every) <= at.as_secs();
        self.every
            .is_some_and(|every| last.is_none_or(|last| last > latest || ended(last, every)))
    }

    fn note(&self, id: PatId, used: Use) {
        let mut noted = lock(&self.noted);
        if let Some(earlier) = noted.get_mut(&id) {
            earlier.at = used.at.or(earlier.at);
            earlier.upgrade = used.upgrade.or(earlier.upgrade.take());
        } else if noted.len() < MOST {
            noted.insert(id, used);
        }
    }

    /// The turn to write, if there is something to write and nobody does.
    fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        let turn = || Arc::clone(&self.turn).try_lock_owned().ok();
        (!lock(&self.noted).is_empty()).then(turn).flatten()
    }

    async fn write_all(self: Arc<Self>, turn: OwnedMutexGuard<()>) {
        let mut mine = Some(turn);
        let mut last = None;
        while let Some(turn) = mine {
            while let Some((id, used)) = self.next(last) {
                last = Some(id);
                let written = within(self.deadline, self.write(&id, &used)).await;
                let mut noted = lock(&self.noted);
                match written {
                    Some(Ok(())) => drop(noted.remove(&id)),
                    // The store is away, or stuck: each is noted again by its next use.
                    Some(Err(_)) | None => noted.clear(),
                }
            }
            drop(turn);
            // What was noted just now found the turn taken.
            mine = self.turn();
        }
    }

    /// The one whose turn is after this one's, so that a token in constant use holds up no other.
    fn next(&self, last: Option<PatId>) -> Option<(PatId, Use)> {
        let noted = lock(&self.noted);
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut behind = noted.range((after, Bound::Unbounded));
        let next = behind.next().or_else(|| noted.first_key_value());
        next.map(|(id, used)| (*id, used.clone()))
    }

    /// Writes one use. Whoever changes the token at the same moment comes first; an error of the store ends it.
    async fn write(&self, id: &PatId, used: &Use) -> Result<(), StoreError> {
        let key = row::key(&self.keyset, id);
        for _ in 0..TRIES {
            let Some(record) = self.store.get(&key).await? else {
                return Ok(());
            };
            // One that was changed from outside is not this one's business.
            let Ok(row) = Opened::open(&self.keyset, &record).and_then(Opened::read) else {
                return Ok(());
            };
            let facts = self.facts_after(&row.facts, used);
            if facts == *row.facts {
                return Ok(());
            }
            let sealed = row::seal(&self.keyset, key.clone(), &facts, self.keep_expired);
            let Ok(record) = sealed else {
                return Ok(());
            };
            let expected = row.version;
            let replace = Change::Replace { record, expected };
            if let Outcome::Written = self.store.write(&[replace]).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Judged by what is there now: of uses that are written by many, none takes the place of a later one.
    fn facts_after(&self, facts: &Facts, used: &Use) -> Facts {
        let mut facts = facts.clone();
        if let Some(at) = used.at
            && self.is_due(facts.last_used, at, self.clock.now())
        {
            facts.last_used = Some(at.as_secs());
        }
        if let Some((from, to)) = &used.upgrade
            && facts.hash == *from
        {
            facts.hash = to.clone();
        }
        facts
    }
}

/// What the work comes to, unless it takes longer. A blocking thread keeps the time, for the runtime's own timer may be off.
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

/// A deadline. It ends early when this is dropped, and gives its thread back.
struct Timer {
    ended: JoinHandle<()>,
    _running: mpsc::Sender<()>,
}

impl Timer {
    /// None outside of a runtime: there nothing keeps the time.
    fn start(deadline: Duration) -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        let (running, stopped) = mpsc::channel();
        let wait = move || {
            let _ = stopped.recv_timeout(deadline);
        };
        Some(Self {
            ended: runtime.spawn_blocking(wait),
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

    #[tokio::test]
    async fn a_token_in_constant_use_holds_up_no_other() {
        let keys = crate::keys::KeyRing::new(crate::keys::Key::generate());
        let store = crate::store::MemoryStore::new();
        let pats = PersonalAccessTokens::open(store, &keys).await.unwrap();
        let writer = &pats.shared.uses.writer;
        let ids = [PatId::draw().unwrap(), PatId::draw().unwrap()];
        let used = Use {
            at: None,
            upgrade: None,
        };
        for id in ids {
            writer.note(id, used.clone());
        }
        let [(first, _), (second, _)] =
            [None, writer.next(None).map(|(id, _)| id)].map(|last| writer.next(last).unwrap());
        assert_ne!(first, second);
        assert_eq!(writer.next(Some(second)).map(|(id, _)| id), Some(first));
    }

    /// As a use by the secret before, which is no reason to replace a hash, and one that is not to be written.
    #[tokio::test]
    async fn uses_that_are_written_together_take_nothing_from_each_other() {
        let keys = crate::keys::KeyRing::new(crate::keys::Key::generate());
        let store = crate::store::MemoryStore::new();
        let pats = PersonalAccessTokens::open(store, &keys).await.unwrap();
        let writer = &pats.shared.uses.writer;
        let id = PatId::draw().unwrap();
        let hash = |text: &str| pats.shared.hasher.hash(text.as_bytes());
        let (from, to) = (hash("from"), hash("to"));
        let at = |seconds| Some(UnixTime::from_secs(seconds));
        let uses = [
            (at(1), Some((from.clone(), to.clone()))),
            (at(2), None),
            (None, None),
        ];
        for (at, upgrade) in uses {
            writer.note(id, Use { at, upgrade });
        }
        let (_, noted) = writer.next(None).unwrap();
        assert_eq!((noted.at, noted.upgrade), (at(2), Some((from, to))));
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_given_up() {
        let late = within(Duration::from_millis(5), std::future::pending::<()>());
        assert_eq!(late.await, None);
        let polls = AtomicU64::new(0);
        let in_time = within(Duration::from_secs(600), async {
            while polls.fetch_add(1, Ordering::SeqCst) < 3 {
                tokio::task::yield_now().await;
            }
            7
        });
        assert_eq!(in_time.await, Some(7));
    }
}
