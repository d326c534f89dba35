//! Work that takes long and much memory: off the async threads, only so many at once, and each lane in its turn.

#[cfg(test)]
mod tests;

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
struct Permit(Option<Arc<Mutex<Queue>>>);

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
                return Ok(Permit(Some(Arc::clone(&self.0))));
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
        let Some(all) = self.0.take() else {
            return;
        };
        loop {
            let call = {
                let mut queue = lock(&all);
                let call = queue.next();
                if call.is_none() {
                    queue.free = queue.free.saturating_add(1);
                }
                call
            };
            // Outside of the lock: one who takes it and goes away at once drops it, and that locks again.
            match call.map(|call| call.send(Self(Some(Arc::clone(&all))))) {
                // Nobody is there any more: the next one is called here.
                Some(Err(mut unused)) => unused.0 = None,
                _ => return,
            }
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
