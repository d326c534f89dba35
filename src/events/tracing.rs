//! Forwards events to `tracing`.

use super::{Event, EventSink};

/// Forwards events to `tracing`, with the target `sealtoken`: `INFO` for success, `WARN` for an
/// error.
///
/// ```
/// use sealtoken::events::TracingSink;
///
/// let sink = TracingSink;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingSink;

impl EventSink for TracingSink {
    fn record(&self, event: &Event) {
        let operation = event.operation.name();
        let token = event.token.map(tracing::field::display);
        let namespace = event.namespace.as_deref();
        let count = event.count;
        match event.outcome {
            Ok(()) => {
                tracing::info!(target: "sealtoken", operation, token, namespace, count, "done");
            }
            Err(code) => {
                tracing::warn!(
                    target: "sealtoken",
                    operation, token, namespace, count, code, "failed"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Level, Metadata, Subscriber};

    use super::*;
    use crate::crypto::clock::UnixTime;
    use crate::events::{Fingerprint, Operation};

    type Seen = (Level, String, BTreeMap<&'static str, String>);

    /// Keeps every event.
    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<Seen>>>);

    struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

    impl Visit for Fields<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.insert(field.name(), format!("{value:?}"));
        }
    }

    impl Subscriber for Recorder {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &tracing::Event<'_>) {
            let mut fields = BTreeMap::new();
            event.record(&mut Fields(&mut fields));
            let metadata = event.metadata();
            let seen = (*metadata.level(), metadata.target().to_owned(), fields);
            self.0.lock().unwrap().push(seen);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_success_is_info_and_an_error_is_a_warning_with_its_code() {
        let recorder = Recorder::default();
        let done = Event {
            operation: Operation::new("vault.create"),
            outcome: Ok(()),
            token: Some(Fingerprint::new([1; 8])),
            namespace: Some("ada".to_owned()),
            count: Some(3),
            at: UnixTime::from_secs(0),
        };
        let verify = Operation::new("pat.verify");
        let failed = Event::new(verify, Err("invalid_secret"), UnixTime::from_secs(0));
        tracing::subscriber::with_default(recorder.clone(), || {
            TracingSink.record(&done);
            TracingSink.record(&failed);
        });
        let expected = [
            (
                Level::INFO,
                "sealtoken".to_owned(),
                BTreeMap::from([
                    ("message", "done".to_owned()),
                    ("operation", "\"vault.create\"".to_owned()),
                    ("token", "0101010101010101".to_owned()),
                    ("namespace", "\"ada\"".to_owned()),
                    ("count", "3".to_owned()),
                ]),
            ),
            (
                Level::WARN,
                "sealtoken".to_owned(),
                BTreeMap::from([
                    ("message", "failed".to_owned()),
                    ("operation", "\"pat.verify\"".to_owned()),
                    ("code", "\"invalid_secret\"".to_owned()),
                ]),
            ),
        ];
        assert_eq!(*recorder.0.lock().unwrap(), expected);
    }
}
