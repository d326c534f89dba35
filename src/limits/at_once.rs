//! Work that takes long and much memory: off the async threads, and only so many at once.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Runs work on the runtime's blocking threads.
#[derive(Debug, Clone)]
pub(crate) struct AtOnce(Arc<Semaphore>);

/// There is no tokio runtime here, or it is ending, or the work panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotRun;

impl AtOnce {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// Runs it when its turn comes. The permit goes with the work, so that a caller who goes away frees nothing early.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, NotRun> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        let permit = permit.map_err(|_| NotRun)?;
        // Outside of a runtime that is an error, and no panic.
        let runtime = Handle::try_current().map_err(|_| NotRun)?;
        let task = runtime.spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        task.await.map_err(|_| NotRun)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn no_more_work_is_done_at_once_than_is_set() {
        let at_once = AtOnce::new(2);
        let running = Arc::new(AtomicU64::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (at_once, running) = (at_once.clone(), Arc::clone(&running));
            tasks.spawn(async move {
                let work = move || {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    std::thread::sleep(std::time::Duration::from_millis(2));
                    running.fetch_sub(1, Ordering::SeqCst);
                    now
                };
                at_once.run(work).await
            });
        }
        let mut most = 0;
        while let Some(result) = tasks.join_next().await {
            most = most.max(result.unwrap().unwrap());
        }
        assert_eq!(most, 2);
    }
}
