//! Events for those who use `tracing`.

use super::{Event, EventSink};

/// Events as `tracing` events of the target `sealtoken`: `INFO` for what was done, `WARN` for what was refused.
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
                tracing::warn!(target: "sealtoken", operation, token, namespace, count, code, "refused");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use ::tracing::field::{Field, Visit};
    use ::tracing::span::{Attributes, Id, Record};
    use ::tracing::{Level, Metadata, Subscriber};

    use super::*;
    use crate::crypto::clock::UnixTime;
    use crate::events::{Fingerprint, Operation};

    /// Level, target and fields of each event.
    type Seen = (Level, String, Vec<String>);

    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<Seen>>>);

    struct Fields(Vec<String>);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.0.push(format!("{field}={value:?}"));
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

        fn event(&self, event: &::tracing::Event<'_>) {
            let mut fields = Fields(Vec::new());
            event.record(&mut fields);
            let metadata = event.metadata();
            let seen = (*metadata.level(), metadata.target().into(), fields.0);
            self.0.lock().unwrap().push(seen);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn what_was_done_is_info_and_what_was_refused_a_warning_with_its_code() {
        let recorder = Recorder::default();
        let event = |outcome| Event {
            operation: Operation::VaultRead,
            outcome,
            token: Some(Fingerprint::new([1; 8])),
            namespace: Some("ada".into()),
            count: Some(7),
            at: UnixTime::from_secs(0),
        };
        ::tracing::subscriber::with_default(recorder.clone(), || {
            TracingSink.record(&event(Ok(())));
            TracingSink.record(&event(Err("not_found")));
        });
        let seen = recorder.0.lock().unwrap();
        for ((level, target, fields), expected, more) in [
            (&seen[0], Level::INFO, &["message=done"][..]),
            (
                &seen[1],
                Level::WARN,
                &["message=refused", "code=\"not_found\""],
            ),
        ] {
            assert_eq!((*level, target.as_str()), (expected, "sealtoken"));
            let known = [
                "operation=\"vault.read\"",
                "token=0101010101010101",
                "namespace=\"ada\"",
                "count=7",
            ];
            for field in known.iter().chain(more) {
                assert!(fields.contains(&(*field).to_owned()), "{fields:?}");
            }
            assert_eq!(fields.len(), 4 + more.len());
        }
        assert_eq!(seen.len(), 2);
    }
}
