//! Runs the operations of a service and reports the outcome of each.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::crypto::clock::ClockSource;

use super::{Event, EventSink, Fingerprint, Operation};

/// Reports the operations of one service. Without a sink it costs nothing.
#[derive(Clone)]
pub(crate) struct Observer {
    sink: Option<Arc<dyn EventSink>>,
    clock: ClockSource,
}

/// An operation in progress and the details of its event.
///
/// A service reaches its records only through this, so no operation goes unreported.
#[derive(Debug)]
#[must_use = "an operation is reported by `run`"]
pub struct Observed<'a> {
    observer: &'a Observer,
    operation: Operation,
    namespace: Option<&'a str>,
    token: OnceLock<Fingerprint>,
    /// [`UNSET`] until it is known.
    count: AtomicU64,
    is_replaced: OnceLock<()>,
}

/// No number of records is this large.
const UNSET: u64 = u64::MAX;

/// An error with a stable name.
pub trait ErrorCode {
    /// Its name.
    fn code(&self) -> &'static str;
}

impl Observer {
    pub(crate) fn new(sink: Option<Arc<dyn EventSink>>, clock: ClockSource) -> Self {
        Self { sink, clock }
    }

    /// Begins an operation.
    pub(crate) fn observe<'a>(
        &'a self,
        operation: Operation,
        namespace: Option<&'a str>,
    ) -> Observed<'a> {
        Observed {
            observer: self,
            operation,
            namespace,
            token: OnceLock::new(),
            count: AtomicU64::new(UNSET),
            is_replaced: OnceLock::new(),
        }
    }
}

impl Observed<'_> {
    /// Names the token of the operation. The name is computed only if there is a sink.
    pub(crate) fn token(&self, name: impl FnOnce() -> Fingerprint) {
        if self.observer.sink.is_some() {
            self.token.get_or_init(name);
        }
    }

    /// Sets the number of records of the operation. Long work says again and again how far it has
    /// come, so that its event is right if it is cancelled.
    pub(crate) fn count(&self, count: u64) {
        self.count.store(count, Ordering::Relaxed);
    }

    /// Another operation does the work, and reports it: this one goes unreported.
    #[cfg(any(test, feature = "vault"))]
    pub(crate) fn replaced(&self) {
        self.is_replaced.get_or_init(|| ());
    }

    /// Runs the operation, and reports how it ended. One that is dropped half way is reported as
    /// `cancelled`: nobody knows how far it came.
    pub(crate) async fn run<T, E: ErrorCode>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut ending = ReportOnDrop {
            observed: self,
            outcome: Err("cancelled"),
        };
        let result = work.await;
        ending.outcome = result.as_ref().map(|_| ()).map_err(ErrorCode::code);
        result
    }

    fn report(&self, outcome: Result<(), &'static str>) {
        let Some(sink) = &self.observer.sink else {
            return;
        };
        if self.is_replaced.get().is_some() {
            return;
        }
        sink.record(&Event {
            operation: self.operation,
            outcome,
            token: self.token.get().copied(),
            namespace: self.namespace.map(Into::into),
            count: Some(self.count.load(Ordering::Relaxed)).filter(|count| *count != UNSET),
            at: self.observer.clock.now(),
        });
    }
}

/// Reports the operation when dropped, so a cancelled one is reported too.
struct ReportOnDrop<'a> {
    observed: &'a Observed<'a>,
    outcome: Result<(), &'static str>,
}

impl Drop for ReportOnDrop<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A second panic, one of the sink, would abort the process.
            let report = AssertUnwindSafe(|| self.observed.report(Err("panicked")));
            let _ = catch_unwind(report);
            return;
        }
        self.observed.report(self.outcome);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const READ: Operation = Operation::new("service.read");

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<Event>>);

    impl EventSink for Kept {
        fn record(&self, event: &Event) {
            self.0.lock().unwrap().push(event.clone());
        }
    }

    #[derive(Debug)]
    struct Refused;

    impl ErrorCode for Refused {
        fn code(&self) -> &'static str {
            "refused"
        }
    }

    fn observer() -> (Arc<Kept>, Observer) {
        let kept = Arc::new(Kept::default());
        let sink: Arc<dyn EventSink> = kept.clone();
        (kept, Observer::new(Some(sink), ClockSource::default()))
    }

    #[tokio::test]
    async fn an_operation_is_reported_once_with_all_its_details() {
        let (kept, observer) = observer();
        let observed = observer.observe(READ, Some("ada"));
        let done = observed.run(async {
            observed.token(|| Fingerprint::new([7; 8]));
            observed.count(3);
            Ok::<_, Refused>(5)
        });
        assert!(matches!(done.await, Ok(5)));
        let observed = observer.observe(READ, None);
        assert!(observed.run(async { Err::<(), _>(Refused) }).await.is_err());
        let events = kept.0.lock().unwrap();
        let said: Vec<_> = events
            .iter()
            .map(|event| {
                (
                    event.outcome,
                    event.token,
                    event.namespace.as_deref(),
                    event.count,
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                (Ok(()), Some(Fingerprint::new([7; 8])), Some("ada"), Some(3)),
                (Err("refused"), None, None, None),
            ]
        );
    }

    #[tokio::test]
    async fn an_operation_dropped_before_its_end_is_reported_as_cancelled() {
        let (kept, observer) = observer();
        let observed = observer.observe(READ, None);
        {
            let work = observed.run(std::future::pending::<Result<(), Refused>>());
            let mut work = std::pin::pin!(work);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(work.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(kept.0.lock().unwrap()[0].outcome, Err("cancelled"));
    }

    #[tokio::test]
    async fn an_operation_that_another_one_replaces_is_not_reported() {
        let (kept, observer) = observer();
        let observed = observer.observe(READ, None);
        let work = observed.run(async {
            observed.replaced();
            Ok::<_, Refused>(())
        });
        assert!(work.await.is_ok());
        assert!(kept.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn where_nobody_listens_no_name_is_made() {
        let observer = Observer::new(None, ClockSource::default());
        let observed = observer.observe(READ, None);
        let done = observed.run(async {
            observed.token(|| unreachable!("there is no sink"));
            Ok::<_, Refused>(())
        });
        assert!(done.await.is_ok());
    }
}
