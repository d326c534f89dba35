//! Work that takes long and much memory: off the async threads, only so many at once, and each lane in its turn.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Subject;

/// The most that wait in the lanes of one group.
const MOST_OF_GROUP: usize = 256;
/// The most that wait in all groups together. Each has its share of these places, and each lane its share of its group's: one place at least.
const MOST: usize = 4096;

/// Runs work on the runtime's blocking threads.
///
/// Groups take turns, and within a group its lanes do, one piece of work each: who fills one does not keep the others waiting.
#[derive(Debug, Clone)]
pub(crate) struct AtOnce(Arc<Mutex<Queue>>);

/// Where work waits for its turn. What lanes there are must not be up to a stranger: each has a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) group: Subject,
    pub(crate) within: Subject,
}

/// Whether work can be told to try later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Where too much waits already.
    UpToABound,
    /// Never: for who brings so much only as is done at once.
    #[cfg_attr(not(all(feature = "import", feature = "vault")), allow(dead_code))]
    Endless,
}

/// Why work was not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// Too much waits: in this lane, in its group, or in all.
    Full { retry_after: Duration },
    /// There is no tokio runtime here, or it is ending, or the work panicked.
    Failed,
}

#[derive(Debug)]
struct Queue {
    free: usize,
    groups: Turns<Turns<VecDeque<oneshot::Sender<Permit>>>>,
}

/// Queues that take turns.
#[derive(Debug)]
struct Turns<Q> {
    queues: HashMap<Subject, Q>,
    /// The next one first.
    order: VecDeque<Subject>,
}

/// Leave to run. Dropped, it goes to whoever is next, also where nobody has come to take it.
#[derive(Debug)]
struct Permit(Arc<Mutex<Queue>>);

impl Lane {
    /// A group that has one lane.
    pub(crate) const fn of(group: Subject) -> Self {
        let within = group;
        Self { group, within }
    }
}

impl AtOnce {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue {
            free: most,
            groups: Turns::default(),
        })))
    }

    /// Runs it when its turn comes. The permit goes with the work, so that a caller who goes away frees nothing early.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        lane: Lane,
        patience: Patience,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, NotRun> {
        let permit = self.permit(lane, patience).await?;
        // Outside of a runtime that is an error, and no panic.
        let runtime = Handle::try_current().map_err(|_| NotRun::Failed)?;
        let task = runtime.spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        task.await.map_err(|_| NotRun::Failed)
    }

    async fn permit(&self, lane: Lane, patience: Patience) -> Result<Permit, NotRun> {
        let turn = {
            let mut queue = lock(&self.0);
            if queue.free > 0 {
                queue.free = queue.free.saturating_sub(1);
                return Ok(Permit(Arc::clone(&self.0)));
            }
            queue.wait(lane, patience)?
        };
        turn.await.map_err(|_| NotRun::Failed)
    }
}

impl Queue {
    fn wait(
        &mut self,
        lane: Lane,
        patience: Patience,
    ) -> Result<oneshot::Receiver<Permit>, NotRun> {
        let (groups, lanes) = self.groups.queue(lane.group);
        let (siblings, waiting) = lanes.queue(lane.within);
        waiting.retain(|call| !call.is_closed());
        let of_group = MOST.checked_div(groups).unwrap_or(MOST).min(MOST_OF_GROUP);
        let share = of_group.checked_div(siblings).unwrap_or(of_group).max(1);
        if waiting.len() >= share && patience == Patience::UpToABound {
            return Err(NotRun::Full {
                retry_after: Duration::from_secs(1),
            });
        }
        let (call, turn) = oneshot::channel();
        waiting.push_back(call);
        Ok(turn)
    }

    /// The next to run.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        self.groups.next(|lanes| {
            let call = lanes.next(|waiting| (waiting.pop_front(), waiting.is_empty()));
            (call, lanes.order.is_empty())
        })
    }
}

impl<Q: Default> Turns<Q> {
    /// How many queues there are with this one, and this one, which comes last where it is new.
    fn queue(&mut self, subject: Subject) -> (usize, &mut Q) {
        let order = &mut self.order;
        let queue = self.queues.entry(subject).or_insert_with(|| {
            order.push_back(subject);
            Q::default()
        });
        (self.order.len(), queue)
    }

    /// Takes from the queue whose turn it is, which then comes last, or goes where it is empty.
    fn next<T>(&mut self, take: impl Fn(&mut Q) -> (Option<T>, bool)) -> Option<T> {
        while let Some(subject) = self.order.pop_front() {
            let Some(queue) = self.queues.get_mut(&subject) else {
                continue;
            };
            let (taken, is_empty) = take(queue);
            if is_empty {
                self.queues.remove(&subject);
            } else {
                self.order.push_back(subject);
            }
            if taken.is_some() {
                return taken;
            }
        }
        None
    }
}

impl<Q> Default for Turns<Q> {
    fn default() -> Self {
        Self {
            queues: HashMap::new(),
            order: VecDeque::new(),
        }
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

    const BOUNDED: Patience = Patience::UpToABound;

    fn subject(n: usize) -> Subject {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        Subject::Namespace(id)
    }

    fn lane(group: usize, within: usize) -> Lane {
        Lane {
            group: subject(group),
            within: subject(within),
        }
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
                at_once.run(lane(n % 3, n), BOUNDED, work).await
            });
        }
        let mut most = 0;
        while let Some(result) = tasks.join_next().await {
            most = most.max(result.unwrap().unwrap());
        }
        assert_eq!(most, 2);
    }

    /// Fills the lane, and tells how many found a place.
    fn fill(queue: &mut Queue, group: usize, callers: usize) -> Vec<oneshot::Receiver<Permit>> {
        (0..callers)
            .filter_map(|_| queue.wait(lane(group, 0), BOUNDED).ok())
            .collect()
    }

    #[tokio::test]
    async fn a_full_lane_is_refused_and_the_next_turn_is_anothers() {
        let at_once = AtOnce::new(1);
        let held = at_once.permit(lane(0, 0), BOUNDED).await.unwrap();
        let mut flood = fill(&mut lock(&at_once.0), 1, 1000);
        assert_eq!(flood.len(), MOST_OF_GROUP);
        let full = at_once.run(lane(1, 0), BOUNDED, || ()).await;
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
        let held = at_once.permit(lane(0, 0), BOUNDED).await.unwrap();
        let mut flood = fill(&mut lock(&at_once.0), 1, MOST_OF_GROUP);
        flood.drain(1..MOST_OF_GROUP - 1);
        assert_eq!(
            fill(&mut lock(&at_once.0), 1, 1000).len(),
            MOST_OF_GROUP - 2
        );
        drop(held);
        // Called, and gone before it came.
        drop(flood);
        let next = at_once.run(lane(2, 0), BOUNDED, || 7).await;
        assert_eq!(next, Ok(7));
        assert_eq!(lock(&at_once.0).free, 1);
    }

    fn empty() -> Queue {
        Queue {
            free: 0,
            groups: Turns::default(),
        }
    }

    /// Who waits, in the order of their turns.
    fn turns(queue: &mut Queue, waiting: &mut [oneshot::Receiver<Permit>]) -> Vec<usize> {
        let mut order = Vec::new();
        while let Some(call) = queue.next() {
            drop(call);
            let called = |turn: &mut oneshot::Receiver<Permit>| {
                matches!(turn.try_recv(), Err(oneshot::error::TryRecvError::Closed))
            };
            let new = (0..waiting.len()).find(|n| !order.contains(n) && called(&mut waiting[*n]));
            order.push(new.unwrap());
        }
        order
    }

    #[test]
    fn many_groups_share_the_places_and_each_has_one() {
        let mut queue = empty();
        let mut held = Vec::new();
        for group in 0..10_000 {
            held.extend(fill(&mut queue, group, 1));
        }
        assert_eq!(held.len(), 10_000);
        // And no more, of those that have one.
        assert!(fill(&mut queue, 7, 1).is_empty());
        assert_eq!(queue.groups.order.len(), queue.groups.queues.len());
        while queue.next().is_some() {}
        assert!(queue.groups.queues.is_empty());
    }

    #[test]
    fn a_flood_over_many_lanes_of_a_group_takes_one_turn_of_two() {
        let mut queue = empty();
        let wait = |queue: &mut Queue, lane| queue.wait(lane, BOUNDED).unwrap();
        let mut waiting: Vec<_> = (0..100).map(|n| wait(&mut queue, lane(1, n))).collect();
        waiting.push(wait(&mut queue, lane(2, 0)));
        waiting.push(wait(&mut queue, lane(2, 0)));
        let order = turns(&mut queue, &mut waiting);
        assert_eq!(order[..5], [0, 100, 1, 101, 2]);
        assert_eq!(order.len(), 102);
    }

    #[test]
    fn the_lanes_of_a_group_take_turns_too() {
        let mut queue = empty();
        let lanes = [0, 0, 0, 1, 2, 2].map(|within| lane(1, within));
        let wait = |lane| queue.wait(lane, BOUNDED).unwrap();
        let mut waiting: Vec<_> = lanes.into_iter().map(wait).collect();
        assert_eq!(turns(&mut queue, &mut waiting), [0, 3, 4, 1, 5, 2]);
    }

    #[test]
    fn the_lanes_of_a_group_share_its_places() {
        let mut queue = empty();
        let mut held = Vec::new();
        for within in 0..3 {
            for _ in 0..1000 {
                held.extend(queue.wait(lane(1, within), BOUNDED));
            }
        }
        // All of them, a half and a third.
        assert_eq!(held.len(), 256 + 128 + 85);
        for within in 3..1000 {
            assert!(queue.wait(lane(1, within), BOUNDED).is_ok());
        }
    }

    #[test]
    fn who_is_patient_waits_in_a_full_lane() {
        let mut queue = empty();
        let held = fill(&mut queue, 1, 1000);
        let mut patient = queue.wait(lane(1, 0), Patience::Endless).unwrap();
        for _ in &held {
            drop(queue.next());
            assert!(matches!(
                patient.try_recv(),
                Err(oneshot::error::TryRecvError::Empty)
            ));
        }
        assert!(queue.next().is_some());
    }
}
