//! Runs slow, memory-hungry work on blocking threads: a bounded number at once, with fair turns
//! between queues.

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

/// The maximum number of waiting jobs in all queues of one group.
const MAX_WAITING_PER_GROUP: usize = 256;
/// The maximum number of waiting jobs in all groups. Groups share these places, and the queues of
/// a group share the group's; each queue has at least one.
const MAX_WAITING: usize = 4096;

/// Runs jobs on the runtime's blocking threads.
///
/// Groups take turns, and queues take turns within their group, one job at a time: a caller that
/// fills its queue does not delay the others.
#[derive(Debug, Clone)]
pub(crate) struct BlockingPool(Arc<Mutex<State>>);

/// The queue in which a job waits. Callers must not be able to create queues at will: each has a
/// place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueId {
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
    /// The queue has no place left.
    Full { retry_after: Duration },
    /// There is no tokio runtime here, it is shutting down, or the job panicked.
    Failed,
}

#[derive(Debug)]
struct State {
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
struct Permit(Option<Arc<Mutex<State>>>);

impl QueueId {
    /// The only queue of a group.
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
        Self(Arc::new(Mutex::new(State {
            free: max_concurrent,
            groups: Turns::default(),
        })))
    }

    /// Runs `work` when its turn comes. The permit moves into the job, so a cancelled caller does
    /// not free it early.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        id: QueueId,
        when_full: WhenFull,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, PoolError> {
        let permit = self.permit(id, when_full).await?;
        // Outside a runtime, `spawn_blocking` would panic.
        let runtime = Handle::try_current().map_err(|_| PoolError::Failed)?;
        let task = runtime.spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        task.await.map_err(|_| PoolError::Failed)
    }

    async fn permit(&self, id: QueueId, when_full: WhenFull) -> Result<Permit, PoolError> {
        let turn = {
            let mut state = lock(&self.0);
            if state.free > 0 {
                state.free = state.free.saturating_sub(1);
                return Ok(Permit(Some(Arc::clone(&self.0))));
            }
            state.wait(id, when_full)?
        };
        turn.await.map_err(|_| PoolError::Failed)
    }
}

impl State {
    fn wait(
        &mut self,
        id: QueueId,
        when_full: WhenFull,
    ) -> Result<oneshot::Receiver<Permit>, PoolError> {
        let (groups, queues) = self.groups.queue(id.group);
        let (siblings, waiting) = queues.queue(id.within);
        waiting.retain(|call| !call.is_closed());
        let of_group = MAX_WAITING
            .checked_div(groups)
            .unwrap_or(MAX_WAITING)
            .min(MAX_WAITING_PER_GROUP);
        let share = of_group.checked_div(siblings).unwrap_or(of_group).max(1);
        if waiting.len() >= share && when_full == WhenFull::Refuse {
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
        self.groups.next(|queues| {
            let call = queues.next(|waiting| (waiting.pop_front(), waiting.is_empty()));
            (call, queues.order.is_empty())
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
                let mut state = lock(&all);
                let call = state.next();
                if call.is_none() {
                    state.free = state.free.saturating_add(1);
                }
                call
            };
            // Outside the lock: a receiver that drops the permit at once locks the state again.
            match call.map(|call| call.send(Self(Some(Arc::clone(&all))))) {
                // The caller is gone: call the next one.
                Some(Err(mut unused)) => unused.0 = None,
                _ => return,
            }
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
