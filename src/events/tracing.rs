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
