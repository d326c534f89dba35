//! Retries by the policy of [`Backoff`], and not beyond the deadline of the call.

use std::time::Duration;

use sealtoken_store::engine::Backoff;
use tokio::time::Instant;

use super::fault::{Fault, Kind};

/// The attempts of one call.
#[derive(Debug)]
pub(super) struct Attempts {
    pub(super) deadline: Instant,
    backoff: Backoff,
    reconnected: bool,
}

impl Attempts {
    /// The attempts of a call with this timeout.
    pub(super) fn within(timeout: Duration) -> Self {
        let now = Instant::now();
        // A century is longer than any call, and no clock overflows.
        let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Self {
            deadline: now.checked_add(timeout.min(century)).unwrap_or(now),
            backoff: Backoff::contention(),
            reconnected: false,
        }
    }

    /// Lets the caller try again: once on another connection, and after contention, when it has
    /// waited.
    ///
    /// # Errors
    ///
    /// The fault, if a retry cannot help or could do harm, or if no attempt is left.
    pub(super) async fn again(&mut self, fault: Fault) -> Result<(), Fault> {
        match fault.kind {
            Kind::Stale if !self.reconnected => {
                self.reconnected = true;
                return Ok(());
            }
            Kind::Contended => {}
            _ => return Err(fault),
        }
        let Some(pause) = self.backoff.pause() else {
            return Err(fault);
        };
        let waited = tokio::time::timeout_at(self.deadline, tokio::time::sleep(pause)).await;
        waited.map_err(|_| fault)
    }
}
