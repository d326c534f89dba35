//! Lending connections to jobs that run off the async threads.

use std::ops::Deref;
use std::pin::pin;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sealtoken_store::StoreError;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::alarm::Alarm;
use super::fault::Fault;
use super::schema;

/// How long a job may wait for a thread, however short the timeout of its call.
const HANDOVER: Duration = Duration::from_secs(1);

/// Connections, each lent to one job at a time. Callers get them in the order they asked.
pub(super) struct Pool {
    alarm: Arc<Alarm>,
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    /// The process that opened the connections.
    process: u32,
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>, alarm: &Arc<Alarm>) -> Arc<Self> {
        Arc::new(Self {
            alarm: alarm.clone(),
            permits: Arc::new(Semaphore::new(connections.len())),
            free: Mutex::new(connections),
            process: process::id(),
        })
    }

    /// A connection, for a call with this deadline.
    pub(super) async fn take(self: &Arc<Self>, deadline: Instant) -> Result<Lease, StoreError> {
        // After a fork, the parent keeps the locks of the file.
        if self.process != process::id() {
            let reason = "the store was opened before a fork: drop it, and open it again";
            return Err(StoreError::configuration(reason));
        }
        let closed = || StoreError::unavailable("closed");
        let permits = self.permits.clone();
        let permit = if let Ok(permit) = permits.clone().try_acquire_owned() {
            permit
        } else {
            let permit = self.alarm.before(deadline, permits.acquire_owned()).await;
            let in_use = || StoreError::unavailable("all connections are in use");
            permit.ok_or_else(in_use)?.map_err(|_| closed())?
        };
        let free = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        Ok(Lease {
            connection: Some(free.ok_or_else(closed)?),
            pool: self.clone(),
            deadline,
            _permit: permit,
        })
    }
}

/// A borrowed connection. It goes back when this is dropped, with no transaction open.
pub(super) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    deadline: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// Runs a job off the async threads. While others lock the file, or no thread is free, it waits
    /// until the deadline. A job that is given up before it begins never begins.
    pub(super) async fn run<T: Send + 'static>(
        self,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (pool, deadline) = (self.pool.clone(), self.deadline);
        let no_thread = || StoreError::unavailable("no thread is free");
        // Set first either by the thread that begins the job, or by the call that gives it up.
        let decided = Arc::new(AtomicBool::new(false));
        let begins = decided.clone();
        let mut result = pin!(off_thread(move || {
            if begins.swap(true, Ordering::AcqRel) {
                return Err(no_thread());
            }
            let result = wait_until(&self, deadline).and_then(|()| job(&self));
            result.map_err(|fault| schema::explain(fault, &self))
        }));
        // Handing a job over takes a moment even if no other call is waiting.
        let handed = Instant::now().checked_add(HANDOVER).unwrap_or(deadline);
        match pool
            .alarm
            .before(deadline.max(handed), result.as_mut())
            .await
        {
            Some(result) => result,
            None if decided.swap(true, Ordering::AcqRel) => result.await,
            None => Err(no_thread()),
        }
    }
}

/// Lets the next statement wait for locks until the deadline.
pub(super) fn wait_until(connection: &Connection, deadline: Instant) -> Result<(), Fault> {
    Ok(connection.busy_timeout(deadline.saturating_duration_since(Instant::now()))?)
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("a lease has its connection until it is dropped"),
        }
    }
}

impl Drop for Lease {
    // The connection is free before the permit is, which is a field.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let free = &self.pool.free;
            free.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}

/// Runs a job on a thread that may block. Once begun, it runs to its end, even if its caller is
/// gone.
pub(super) async fn off_thread<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let runtime = Handle::try_current().map_err(|error| {
        StoreError::configuration("there is no tokio runtime: call the store inside one")
            .with_source(error)
    })?;
    match runtime.spawn_blocking(job).await {
        Ok(result) => result,
        // The runtime ended before the job began.
        Err(error) if error.is_cancelled() => {
            Err(StoreError::unavailable("shutdown").with_source(error))
        }
        Err(_) => Err(StoreError::unknown("panic")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use tokio::runtime::{Builder, Runtime};
    use tokio::task::JoinHandle;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    /// The end of a job that nobody releases: then the test fails.
    const LONG: Duration = Duration::from_secs(20);

    fn pool() -> Arc<Pool> {
        let alarm = Arc::new(Alarm::new().unwrap());
        Pool::new(vec![Connection::open_in_memory().unwrap()], &alarm)
    }

    /// A runtime without a timer, with this many threads for jobs.
    fn runtime(threads: usize) -> Runtime {
        let mut runtime = Builder::new_current_thread();
        runtime.max_blocking_threads(threads).build().unwrap()
    }

    /// Starts a job that waits until it is released; it returns whether it was.
    async fn blocked(pool: &Arc<Pool>) -> (Sender<()>, JoinHandle<Result<bool, StoreError>>) {
        let lease = pool.take(Instant::now() + LONG).await.unwrap();
        let (release, released) = channel();
        let job = move |_: &Connection| Ok(released.recv_timeout(LONG).is_ok());
        let job = tokio::spawn(lease.run(job));
        tokio::task::yield_now().await;
        (release, job)
    }

    #[test]
    fn a_call_behind_a_job_that_does_not_end_fails_at_its_deadline() {
        runtime(1).block_on(async {
            let pool = pool();
            let (release, job) = blocked(&pool).await;
            // Later calls do not wait for earlier ones either.
            let late = [LONG / 2, SHORT, SHORT * 2].map(|wait| {
                let pool = pool.clone();
                tokio::spawn(async move { pool.take(Instant::now() + wait).await.map(drop) })
            });
            let [patient, second, third] = late;
            let in_use = Err(StoreError::unavailable("all connections are in use"));
            assert_eq!(second.await.unwrap(), in_use);
            assert_eq!(third.await.unwrap(), in_use);
            release.send(()).unwrap();
            assert_eq!(job.await.unwrap(), Ok(true));
            assert_eq!(patient.await.unwrap(), Ok(()));
        });
    }

    #[test]
    fn a_job_that_no_thread_begins_in_time_fails_and_never_runs() {
        runtime(1).block_on(async {
            let (busy, pool) = (pool(), pool());
            let (release, job) = blocked(&busy).await;
            let lease = pool.take(Instant::now() + SHORT).await.unwrap();
            let (ran, runs) = channel();
            let late = lease.run(move |_| Ok(ran.send(())));
            let no_thread = StoreError::unavailable("no thread is free");
            assert_eq!(late.await.err(), Some(no_thread));
            release.send(()).unwrap();
            assert_eq!(job.await.unwrap(), Ok(true));
            // Once its connection is back, it is certain that it did not run.
            let lease = pool.take(Instant::now() + LONG).await.unwrap();
            assert_eq!(lease.run(|_| Ok(())).await, Ok(()));
            assert!(runs.try_recv().is_err());
        });
    }

    #[test]
    fn a_job_that_has_begun_is_waited_for() {
        runtime(1).block_on(async {
            let pool = pool();
            let lease = pool.take(Instant::now() + SHORT).await.unwrap();
            let job = lease.run(|_| {
                std::thread::sleep(SHORT * 3);
                Ok("done")
            });
            assert_eq!(job.await, Ok("done"));
        });
    }

    /// Time spent in the queue counts: each job waits for what is left of its own time.
    #[tokio::test]
    async fn a_job_waits_for_other_processes_as_long_as_its_call_may() {
        let pool = pool();
        for (hours, min) in [(1, 3_500_000), (0, 0), (2, 7_100_000)] {
            let longest = Duration::from_secs(hours * 3600);
            let deadline = Instant::now() + longest;
            let lease = pool.take(deadline).await.unwrap();
            let ask = |connection: &Connection| {
                let row = connection.query_row("PRAGMA busy_timeout", [], |row| row.get(0));
                Ok::<i64, Fault>(row?)
            };
            let waits = lease.run(ask).await.unwrap();
            let max = i64::try_from(longest.as_millis()).unwrap();
            assert!((min..=max).contains(&waits), "{waits}");
        }
    }
}
