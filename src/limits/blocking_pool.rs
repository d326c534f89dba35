//! Runs slow, memory-hungry work on blocking threads: a bounded number at once, with fair turns
//! between lanes.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Subject;

/// The maximum number of waiting jobs in all lanes of one group.
const MAX_WAITING_PER_GROUP: usize = 256;
/// The maximum number of waiting jobs in all groups. Groups share these places, and the lanes of a
/// group share the group's; each lane has at least one.
const MAX_WAITING: usize = 4096;

/// Runs jobs on the runtime's blocking threads.
///
/// Groups take turns, and lanes take turns within their group, one job at a time: a caller that
/// fills its lane does not delay the others.
#[derive(Debug, Clone)]
pub(crate) struct BlockingPool(Arc<Mutex<Queue>>);

/// The queue in which a job waits. Callers must not be able to create lanes at will: each lane has
/// a place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) group: Subject,
    pub(crate) within: Subject,
}

/// Whether a job may be refused when too many are waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// It is refused.
    Refuse,
    /// It always waits: for callers that never submit more jobs than run at once.
    Wait,
}

/// Why a job was not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PoolError {
    /// The lane has no waiting place left.
    Full { retry_after: Duration },
    /// There is no tokio runtime here, it is shutting down, or the job panicked.
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

/// Permission to run one job. Dropping it passes it on to the next in line, even if it was never
/// used.
#[derive(Debug)]
struct Permit(Option<Arc<Mutex<Queue>>>);

impl Lane {
    /// The only lane of a group.
    pub(crate) const fn of(group: Subject) -> Self {
        let within = group;
        Self { group, within }
    }
}

impl BlockingPool {
    /// One job per core, but at most four: each takes memory, too.
    pub(crate) fn default_size() -> usize {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        cores.min(4)
    }

    pub(crate) fn new(max_concurrent: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue {
            free: max_concurrent,
            groups: Turns::default(),
        })))
    }

    /// Runs `work` when its turn comes. The permit moves into the job, so a cancelled caller does
    /// not free it early.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        lane: Lane,
        patience: WhenFull,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, PoolError> {
        let permit = self.permit(lane, patience).await?;
        // Outside a runtime, `spawn_blocking` would panic.
        let runtime = Handle::try_current().map_err(|_| PoolError::Failed)?;
        let task = runtime.spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        task.await.map_err(|_| PoolError::Failed)
    }

    async fn permit(&self, lane: Lane, patience: WhenFull) -> Result<Permit, PoolError> {
        let turn = {
            let mut queue = lock(&self.0);
            if queue.free > 0 {
                queue.free = queue.free.saturating_sub(1);
                return Ok(Permit(Some(Arc::clone(&self.0))));
            }
            queue.wait(lane, patience)?
        };
        turn.await.map_err(|_| PoolError::Failed)
    }
}

impl Queue {
    fn wait(
        &mut self,
        lane: Lane,
        patience: WhenFull,
    ) -> Result<oneshot::Receiver<Permit>, PoolError> {
        let (groups, lanes) = self.groups.queue(lane.group);
        let (siblings, waiting) = lanes.queue(lane.within);
        waiting.retain(|call| !call.is_closed());
        let of_group = MAX_WAITING
            .checked_div(groups)
            .unwrap_or(MAX_WAITING)
            .min(MAX_WAITING_PER_GROUP);
        let share = of_group.checked_div(siblings).unwrap_or(of_group).max(1);
        if waiting.len() >= share && patience == WhenFull::Refuse {
            return Err(PoolError::Full {
                retry_after: Duration::from_secs(1),
            });
        }
        let (call, turn) = oneshot::channel();
        waiting.push_back(call);
        Ok(turn)
    }

    /// The next job to run.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        self.groups.next(|lanes| {
            let call = lanes.next(|waiting| (waiting.pop_front(), waiting.is_empty()));
            (call, lanes.order.is_empty())
        })
    }
}

impl<Q: Default> Turns<Q> {
    /// The queue of this subject, which comes last if it is new, and the number of queues.
    fn queue(&mut self, subject: Subject) -> (usize, &mut Q) {
        let order = &mut self.order;
        let queue = self.queues.entry(subject).or_insert_with(|| {
            order.push_back(subject);
            Q::default()
        });
        (self.order.len(), queue)
    }

    /// Takes from the queue whose turn it is. That queue then moves to the end, or is removed if it
    /// is empty.
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
            // Outside the lock: a receiver that drops the permit at once locks the queue again.
            match call.map(|call| call.send(Self(Some(Arc::clone(&all))))) {
                // The caller is gone: call the next one.
                Some(Err(mut unused)) => unused.0 = None,
                _ => return,
            }
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
