//! Runs the operations of a service and reports the outcome of each.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crate::crypto::clock::ClockSource;

use super::{Event, EventSink, Fingerprint, Operation};

/// Reports the operations of one service. Without a sink it costs nothing.
#[derive(Clone)]
pub(crate) struct Observer {
    sink: Option<Arc<dyn EventSink>>,
    clock: ClockSource,
}

/// An operation in progress and the details of its event, which is reported when this is dropped.
///
/// A service reaches its records only through this, so no operation goes unreported.
#[derive(Debug)]
#[must_use = "an operation is reported when this is dropped"]
pub struct Observed<'a> {
    observer: &'a Observer,
    operation: Operation,
    namespace: Option<&'a str>,
    details: Mutex<Details>,
}

/// What is known so far about an operation in progress.
#[derive(Debug, Default)]
struct Details {
    /// How [`Observed::run`] ended, once it has.
    outcome: Option<Result<(), &'static str>>,
    token: Option<Fingerprint>,
    count: Option<u64>,
    is_replaced: bool,
}

/// An error with a stable name for its event.
pub trait ErrorCode {
    /// The stable name, such as `not_found`.
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
            details: Mutex::default(),
        }
    }
}

impl Observed<'_> {
    /// Names the token of the operation, as soon as it is known: then a cancelled operation names
    /// it, too. A later name replaces an earlier one. The name is computed only if there is a sink.
    pub(crate) fn token(&self, name: impl FnOnce() -> Fingerprint) {
        self.note(|details| details.token = Some(name()));
    }

    /// Sets the number of records of the operation. Long work updates it as it goes, so that its
    /// event is right if it is cancelled or fails.
    pub(crate) fn count(&self, count: u64) {
        self.note(|details| details.count = Some(count));
    }

    /// Another operation does the work, and reports it: this one goes unreported.
    pub(crate) fn replaced(&self) {
        self.note(|details| details.is_replaced = true);
    }

    fn note(&self, note: impl FnOnce(&mut Details)) {
        if self.observer.sink.is_some() {
            note(&mut self.details.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Runs the operation. If the future is dropped before it ends, the outcome is `cancelled`.
    pub(crate) async fn run<T, E: ErrorCode>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let result = work.await;
        let outcome = result.as_ref().map(|_| ()).map_err(ErrorCode::code);
        self.note(|details| details.outcome = Some(outcome));
        result
    }

    fn report(&self) {
        let Some(sink) = &self.observer.sink else {
            return;
        };
        let details = self.details.lock();
        let details = std::mem::take(&mut *details.unwrap_or_else(PoisonError::into_inner));
        if details.is_replaced {
            return;
        }
        let unfinished = if std::thread::panicking() {
            "panicked"
        } else {
            "cancelled"
        };
        sink.record(&Event {
            operation: self.operation,
            outcome: details.outcome.unwrap_or(Err(unfinished)),
            token: details.token,
            namespace: self.namespace.map(Into::into),
            count: details.count,
            at: self.observer.clock.now(),
        });
    }
}

/// Reports the operation, even if it was cancelled or never run.
impl Drop for Observed<'_> {
    fn drop(&mut self) {
        // A sink that panics must not hide what the operation did. During another panic, it would
        // abort the process.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.report())) {
            drop_quietly(payload);
        }
    }
}

/// Drops the payload of a panic in a caller's code. That may panic, too.
pub(crate) fn drop_quietly(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
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
    struct Recorder(Mutex<Vec<Event>>);

    impl EventSink for Recorder {
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

    fn observer() -> (Arc<Recorder>, Observer) {
        let recorder = Arc::new(Recorder::default());
        let sink: Arc<dyn EventSink> = recorder.clone();
        (recorder, Observer::new(Some(sink), ClockSource::default()))
    }

    #[tokio::test]
    async fn an_operation_is_reported_once_with_all_its_details() {
        let (recorder, observer) = observer();
        let observed = observer.observe(READ, Some("ada"));
        let done = observed.run(async {
            observed.token(|| Fingerprint::new([7; 8]));
            observed.count(3);
            Ok::<_, Refused>(5)
        });
        assert!(matches!(done.await, Ok(5)));
        drop(observed);
        let observed = observer.observe(READ, None);
        assert!(observed.run(async { Err::<(), _>(Refused) }).await.is_err());
        drop(observed);
        let events = recorder.0.lock().unwrap();
        let reported: Vec<_> = events
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
            reported,
            [
                (Ok(()), Some(Fingerprint::new([7; 8])), Some("ada"), Some(3)),
                (Err("refused"), None, None, None),
            ]
        );
    }

    #[tokio::test]
    async fn an_operation_dropped_before_its_end_is_reported_as_cancelled() {
        let (recorder, observer) = observer();
        let observed = observer.observe(READ, None);
        {
            let work = observed.run(std::future::pending::<Result<(), Refused>>());
            let mut work = std::pin::pin!(work);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(work.as_mut().poll(&mut context).is_pending());
        }
        drop(observed);
        assert_eq!(recorder.0.lock().unwrap()[0].outcome, Err("cancelled"));
    }

    #[test]
    fn an_operation_that_is_never_run_is_reported() {
        let (recorder, observer) = observer();
        drop(observer.observe(READ, None));
        assert_eq!(recorder.0.lock().unwrap()[0].outcome, Err("cancelled"));
    }

    /// Runs an operation when dropped, as a guard does that cleans up.
    struct CleaningUp<'a>(&'a Observer);

    impl Drop for CleaningUp<'_> {
        fn drop(&mut self) {
            let observed = self.0.observe(READ, None);
            let work = std::pin::pin!(observed.run(std::future::ready(Ok::<_, Refused>(()))));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(work.poll(&mut context).is_ready());
        }
    }

    #[test]
    fn an_operation_that_ended_during_a_panic_has_its_own_outcome() {
        let (recorder, observer) = observer();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _cleaning_up = CleaningUp(&observer);
            let _unfinished = observer.observe(READ, None);
            panic!("of the caller");
        }));
        assert!(panicked.is_err());
        let events = recorder.0.lock().unwrap();
        let outcomes: Vec<_> = events.iter().map(|event| event.outcome).collect();
        assert_eq!(outcomes, [Err("panicked"), Ok(())]);
    }

    #[derive(Debug)]
    struct Panicking;

    impl EventSink for Panicking {
        fn record(&self, _: &Event) {
            std::panic::panic_any(Bomb);
        }
    }

    /// What a panic may carry.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[tokio::test]
    async fn a_sink_that_panics_does_not_change_the_result_of_an_operation() {
        let observer = Observer::new(Some(Arc::new(Panicking)), ClockSource::default());
        let observed = observer.observe(READ, None);
        let done = observed.run(async { Ok::<_, Refused>(5) }).await;
        drop(observed);
        assert!(matches!(done, Ok(5)));
    }

    #[tokio::test]
    async fn an_operation_that_draws_another_token_names_that_one() {
        let (recorder, observer) = observer();
        let observed = observer.observe(READ, None);
        let work = observed.run(async {
            observed.token(|| Fingerprint::new([1; 8]));
            observed.token(|| Fingerprint::new([2; 8]));
            Ok::<_, Refused>(())
        });
        assert!(work.await.is_ok());
        drop(observed);
        let token = recorder.0.lock().unwrap()[0].token;
        assert_eq!(token, Some(Fingerprint::new([2; 8])));
    }

    #[tokio::test]
    async fn an_operation_that_another_one_replaces_is_not_reported() {
        let (recorder, observer) = observer();
        let observed = observer.observe(READ, None);
        let work = observed.run(async {
            observed.replaced();
            Ok::<_, Refused>(())
        });
        assert!(work.await.is_ok());
        drop(observed);
        assert!(recorder.0.lock().unwrap().is_empty());
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
