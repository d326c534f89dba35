//! Connections that are lent out, and work that leaves the async threads.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::error::StoreError;

/// Connections, each lent to one job at a time, in the order in which they were asked for.
pub(super) struct Pool {
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(connections.len())),
            free: Mutex::new(connections),
        })
    }

    pub(super) async fn take(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let closed = || StoreError::unavailable("closed");
        let permits = self.permits.clone();
        let permit = match permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => permits.acquire_owned().await.map_err(|_| closed())?,
        };
        let free = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        Ok(Lease {
            connection: Some(free.ok_or_else(closed)?),
            pool: self.clone(),
            _permit: permit,
        })
    }
}

/// A connection on loan. It goes back when this is dropped, with no transaction open.
pub(super) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
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
