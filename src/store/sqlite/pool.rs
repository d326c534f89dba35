//! Connections that are lent out, and work that leaves the async threads.

use std::ops::Deref;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::error::StoreError;

use super::fault::Fault;

/// Connections, each lent to one job at a time, in the order in which they were asked for.
pub(super) struct Pool {
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    /// The process that opened them.
    process: u32,
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(connections.len())),
            free: Mutex::new(connections),
            process: process::id(),
        })
    }

    /// A connection, for a call that may wait until this moment.
    pub(super) async fn take(self: &Arc<Self>, until: Instant) -> Result<Lease, StoreError> {
        // The locks of a file stay with the parent.
        if self.process != process::id() {
            let what = "it was opened before a fork: drop it, and open it again";
            return Err(StoreError::Configuration(what.into()));
        }
        let closed = || StoreError::unavailable("closed");
        let permits = self.permits.clone();
        let permit = if let Ok(permit) = permits.clone().try_acquire_owned() {
            permit
        } else {
            let permit = permits.acquire_owned().await.map_err(|_| closed())?;
            // No timer is needed: those in front came earlier, so that none of them waits for others beyond this moment.
            if until <= Instant::now() {
                return Err(StoreError::unavailable("all connections are in use"));
            }
            permit
        };
        let free = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        Ok(Lease {
            connection: Some(free.ok_or_else(closed)?),
            pool: self.clone(),
            until,
            _permit: permit,
        })
    }
}

/// A connection on loan. It goes back when this is dropped, with no transaction open.
pub(super) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    until: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// Runs a job off the async threads. Where others lock the file, it waits until the lease's moment.
    pub(super) async fn run<T: Send + 'static>(
        self,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        off_thread(move || {
            let result = wait_until(&self, self.until).and_then(|()| job(&self));
            result.map_err(|fault| fault.told(&self))
        })
        .await
    }
}

/// Has the next statement wait no longer than until this moment.
pub(super) fn wait_until(connection: &Connection, until: Instant) -> Result<(), Fault> {
    Ok(connection.busy_timeout(until.saturating_duration_since(Instant::now()))?)
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

/// Runs a job on a thread that may wait. Once begun it runs to its end, also when no one waits for it any more.
pub(super) async fn off_thread<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let runtime = Handle::try_current().map_err(|_| {
        StoreError::Configuration(
            "the store works inside a tokio runtime, and there is none".into(),
        )
    })?;
    match runtime.spawn_blocking(job).await {
        Ok(result) => result,
        // The runtime ended before the job began.
        Err(error) if error.is_cancelled() => Err(StoreError::unavailable("shutdown")),
        Err(_) => Err(StoreError::unknown("panic")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What was waited in the queue is waited no more: each job sets the rest of its own time.
    #[tokio::test]
    async fn a_job_waits_for_other_processes_as_long_as_its_call_may() {
        let connection = Connection::open_in_memory().unwrap();
        let pool = Pool::new(vec![connection]);
        for (hours, least) in [(1, 3_500_000), (0, 0), (2, 7_100_000)] {
            let longest = Duration::from_secs(hours * 3600);
            let until = Instant::now() + longest;
            let lease = pool.take(until).await.unwrap();
            let ask = |connection: &Connection| {
                let row = connection.query_row("PRAGMA busy_timeout", [], |row| row.get(0));
                Ok::<i64, Fault>(row?)
            };
            let waits = lease.run(ask).await.unwrap();
            let most = i64::try_from(longest.as_millis()).unwrap();
            assert!((least..=most).contains(&waits), "{waits}");
        }
    }
}
