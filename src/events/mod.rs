//! Reports each operation of a service to a sink of yours: a log, an audit table, a counter. Events
//! hold no secrets.

mod observer;
#[cfg(feature = "tracing")]
mod tracing;

use std::fmt;

use crate::crypto::clock::UnixTime;

pub(crate) use self::observer::drop_quietly;
pub(crate) use self::observer::{ErrorCode, Observed, Observer};
#[cfg(feature = "tracing")]
pub use self::tracing::TracingSink;

/// One operation of a service: its subject and its outcome.
///
/// It holds no token, password or value. A token is named by its [`Fingerprint`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The operation.
    pub operation: Operation,
    /// The outcome: `Ok`, the stable code of the error, `cancelled` if the future was dropped
    /// before it ended, or `panicked`.
    pub outcome: Result<(), &'static str>,
    /// The token concerned; `None` for an operation on several or on none, and if it is not yet
    /// known.
    pub token: Option<Fingerprint>,
    /// The namespace, under the name that the caller used.
    pub namespace: Option<String>,
    /// The number of records concerned, for operations on several. If the outcome is an error,
    /// `cancelled` or `panicked`, it counts those that were done before.
    pub count: Option<u64>,
    /// When the operation ended, by the service's clock.
    pub at: UnixTime,
}

impl Event {
    /// An event without token, namespace or count, for testing a sink.
    #[must_use]
    pub const fn new(
        operation: Operation,
        outcome: Result<(), &'static str>,
        at: UnixTime,
    ) -> Self {
        Self {
            operation,
            outcome,
            token: None,
            namespace: None,
            count: None,
            at,
        }
    }
}

/// An operation of a service, by its stable name. Each service declares its own, such as
/// [`vault::operation::CREATE`](crate::vault::operation::CREATE).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(&'static str);

impl Operation {
    /// An operation with this name: the service, a dot and a verb.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The stable name, such as `vault.create`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a token in logs: eight bytes of a keyed hash. It is always the same for a token, and
/// does not reveal it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    pub(crate) const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Receives events, for a log, an audit table or a counter.
///
/// It is called at the end of each operation, on the task that runs it. Hand slow work over to
/// another task. A panic in it is caught, and does not change the result of the operation.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use sealtoken::events::{Event, EventSink};
///
/// #[derive(Debug, Default)]
/// struct Failures(AtomicU64);
///
/// impl EventSink for Failures {
///     fn record(&self, event: &Event) {
///         if event.outcome.is_err() {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait EventSink: fmt::Debug + Send + Sync + 'static {
    /// Records an event.
    fn record(&self, event: &Event);
}

/// Discards all events.
impl EventSink for () {
    fn record(&self, _: &Event) {}
}

impl<S: EventSink + ?Sized> EventSink for std::sync::Arc<S> {
    fn record(&self, event: &Event) {
        (**self).record(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_behind_an_arc_receives_events() {
        #[derive(Debug, Default)]
        struct Counter(std::sync::atomic::AtomicU64);

        impl EventSink for Counter {
            fn record(&self, _: &Event) {
                self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        }

        let counter = std::sync::Arc::new(Counter::default());
        EventSink::record(
            &counter,
            &Event::new(
                Operation::new("service.read"),
                Ok(()),
                UnixTime::from_secs(0),
            ),
        );
        assert_eq!(counter.0.load(std::sync::atomic::Ordering::SeqCst), 1);
    }

    #[test]
    fn a_fingerprint_has_sixteen_digits() {
        let name = Fingerprint::new([0, 1, 0x23, 0, 0, 0, 0, 0xf]);
        assert_eq!(name.to_string(), "000123000000000f");
        assert_eq!(format!("{name:?}"), "Fingerprint(000123000000000f)");
    }
}
