//! Work that takes long and much memory: off the async threads, only so many at once, and each lane in its turn.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Subject;

/// The most that wait in one lane.
const MOST_IN_LANE: usize = 256;
/// The most that wait in all lanes together: each has its share of these places.
const MOST: usize = 4096;

/// Runs work on the runtime's blocking threads.
///
/// Lanes take turns, one piece of work each: who fills one lane does not keep the others waiting.
#[derive(Debug, Clone)]
pub(crate) struct AtOnce(Arc<Mutex<Queue>>);

/// Why work was not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// Too much waits in this lane.
    Full { retry_after: Duration },
    /// There is no tokio runtime here, or it is ending, or the work panicked.
    Failed,
}

#[derive(Debug)]
struct Queue {
    free: usize,
    lanes: HashMap<Subject, VecDeque<oneshot::Sender<Permit>>>,
    /// The lanes in which somebody waits, the next one first.
    turns: VecDeque<Subject>,
}

/// Leave to run. Dropped, it goes to whoever is next, also where nobody has come to take it.
#[derive(Debug)]
struct Permit(Arc<Mutex<Queue>>);

impl AtOnce {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue {
            free: most,
            lanes: HashMap::new(),
            turns: VecDeque::new(),
        })))
    }

    /// Runs it when its turn comes. The permit goes with the work, so that a caller who goes away frees nothing early.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        lane: Subject,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, NotRun> {
        let permit = self.permit(lane).await?;
        // Outside of a runtime that is an error, and no panic.
        let runtime = Handle::try_current().map_err(|_| NotRun::Failed)?;
        let task = runtime.spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        task.await.map_err(|_| NotRun::Failed)
    }

    async fn permit(&self, lane: Subject) -> Result<Permit, NotRun> {
        let turn = {
            let mut queue = lock(&self.0);
            if queue.free > 0 {
                queue.free = queue.free.saturating_sub(1);
                return Ok(Permit(Arc::clone(&self.0)));
            }
            queue.wait(lane)?
        };
        turn.await.map_err(|_| NotRun::Failed)
    }
}

impl Queue {
    fn wait(&mut self, lane: Subject) -> Result<oneshot::Receiver<Permit>, NotRun> {
        let lanes = self.lanes.len();
        let is_new = !self.lanes.contains_key(&lane);
        let share = MOST.checked_div(lanes.saturating_add(usize::from(is_new)));
        let share = share.unwrap_or(MOST).min(MOST_IN_LANE);
        let waiting = self.lanes.entry(lane).or_default();
        waiting.retain(|call| !call.is_closed());
        if waiting.len() >= share {
            if is_new {
                self.lanes.remove(&lane);
            }
            return Err(NotRun::Full {
                retry_after: Duration::from_secs(1),
            });
        }
        let (call, turn) = oneshot::channel();
        waiting.push_back(call);
        if is_new {
            self.turns.push_back(lane);
        }
        Ok(turn)
    }

    /// The next to run: the first of the lane whose turn it is, which then comes last.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        while let Some(lane) = self.turns.pop_front() {
            let Some(waiting) = self.lanes.get_mut(&lane) else {
                continue;
            };
            let call = waiting.pop_front();
            if waiting.is_empty() {
                self.lanes.remove(&lane);
            } else {
                self.turns.push_back(lane);
            }
            if call.is_some() {
                return call;
            }
        }
        None
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        loop {
            let call = {
                let mut queue = lock(&self.0);
                let call = queue.next();
                if call.is_none() {
                    queue.free = queue.free.saturating_add(1);
                }
                call
            };
            // Outside of the lock: a permit that nobody takes is dropped there, and would lock again.
            match call.map(|call| call.send(Self(Arc::clone(&self.0)))) {
                Some(Err(unused)) => std::mem::forget(unused),
                _ => return,
            }
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn lane(n: u8) -> Subject {
        Subject::Namespace([n; 16])
    }

    #[tokio::test]
    async fn no_more_work_is_done_at_once_than_is_set() {
        let at_once = AtOnce::new(2);
        let running = Arc::new(AtomicU64::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..12 {
            let (at_once, running) = (at_once.clone(), Arc::clone(&running));
            tasks.spawn(async move {
                let work = move || {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    std::thread::sleep(std::time::Duration::from_millis(2));
                    running.fetch_sub(1, Ordering::SeqCst);
                    now
                };
                at_once.run(lane(n % 3), work).await
            });
        }
        let mut most = 0;
        while let Some(result) = tasks.join_next().await {
            most = most.max(result.unwrap().unwrap());
        }
        assert_eq!(most, 2);
    }

    /// Fills the lane, and tells how many found a place.
    fn fill(queue: &mut Queue, n: u8, callers: usize) -> Vec<oneshot::Receiver<Permit>> {
        (0..callers)
            .filter_map(|_| queue.wait(lane(n)).ok())
            .collect()
    }

    #[tokio::test]
    async fn a_full_lane_is_refused_and_the_next_turn_is_anothers() {
        let at_once = AtOnce::new(1);
        let held = at_once.permit(lane(0)).await.unwrap();
        let mut flood = fill(&mut lock(&at_once.0), 1, 1000);
        assert_eq!(flood.len(), MOST_IN_LANE);
        let full = at_once.run(lane(1), || ()).await;
        let retry_after = Duration::from_secs(1);
        assert_eq!(full, Err(NotRun::Full { retry_after }));
        let mut other = fill(&mut lock(&at_once.0), 2, 1).remove(0);
        drop(held);
        let first = flood[0].try_recv().unwrap();
        drop(first);
        assert!(other.try_recv().is_ok());
    }

    #[tokio::test]
    async fn who_goes_away_frees_the_place_and_passes_the_turn_on() {
        let at_once = AtOnce::new(1);
        let held = at_once.permit(lane(0)).await.unwrap();
        let mut flood = fill(&mut lock(&at_once.0), 1, MOST_IN_LANE);
        flood.drain(1..MOST_IN_LANE - 1);
        assert_eq!(fill(&mut lock(&at_once.0), 1, 1000).len(), MOST_IN_LANE - 2);
        drop(held);
        // Called, and gone before it came.
        drop(flood);
        let next = at_once.run(lane(2), || 7).await;
        assert_eq!(next, Ok(7));
        assert_eq!(lock(&at_once.0).free, 1);
    }

    #[test]
    fn many_lanes_share_the_places() {
        let mut queue = Queue {
            free: 0,
            lanes: HashMap::new(),
            turns: VecDeque::new(),
        };
        let mut held = Vec::new();
        let mut lanes = 0;
        for n in 0..10_000_u32 {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            if let Ok(turn) = queue.wait(Subject::Namespace(id)) {
                held.push(turn);
                lanes += 1;
            }
        }
        assert_eq!(lanes, MOST);
        assert_eq!(queue.turns.len(), queue.lanes.len());
    }
}
