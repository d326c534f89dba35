//! Retries by the policy of [`Backoff`].
//!
//! The retries of the SDK are off. If one of its attempts goes unanswered and the next is
//! throttled, it reports only the last: a write that may have been made would count as one that was
//! not. Here, each attempt is seen.

use sealtoken_store::StoreError;
use sealtoken_store::engine::Backoff;

use super::fault::{Fault, Kind};

/// The attempts of one call.
#[derive(Debug)]
pub(super) struct Attempts {
    max_requests: u32,
    requests: Backoff,
    contention: Backoff,
    /// Whether the call changes something.
    writes: bool,
    /// Whether an attempt went unanswered.
    unanswered: bool,
}

impl Attempts {
    /// The attempts of a call that changes nothing.
    pub(super) fn reading(max_requests: u32) -> Self {
        Self {
            max_requests,
            requests: Backoff::outage(max_requests),
            contention: Backoff::contention(),
            writes: false,
            unanswered: false,
        }
    }

    pub(super) fn writing(max_requests: u32) -> Self {
        Self {
            writes: true,
            ..Self::reading(max_requests)
        }
    }

    /// Whether an unanswered attempt may have made a change.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.writes && self.unanswered
    }

    /// Starts counting again, after an attempt has made progress.
    pub(super) fn restart(&mut self) {
        self.requests = Backoff::outage(self.max_requests);
    }

    /// Waits, then lets the caller try again.
    ///
    /// # Errors
    ///
    /// The error of the call, if a retry cannot help or no attempt is left.
    pub(super) async fn again(&mut self, fault: Fault) -> Result<(), StoreError> {
        let backoff = match fault.kind {
            Kind::Refused => return Err(fault.error.maybe_done(self.is_in_doubt())),
            Kind::Contended => &mut self.contention,
            Kind::Unanswered => {
                self.unanswered = true;
                &mut self.requests
            }
            Kind::Unsent | Kind::Throttled => &mut self.requests,
        };
        let Some(pause) = backoff.pause() else {
            return Err(fault.error.maybe_done(self.is_in_doubt()));
        };
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled() -> Fault {
        Fault::new(Kind::Throttled, "busy")
    }

    fn unanswered() -> Fault {
        Fault::new(Kind::Unanswered, "lost")
    }

    #[tokio::test]
    async fn attempts_are_bounded_and_report_the_doubt() {
        let mut attempts = Attempts::writing(3);
        assert_eq!(attempts.again(throttled()).await, Ok(()));
        assert_eq!(attempts.again(throttled()).await, Ok(()));
        let busy = StoreError::unavailable("busy");
        assert_eq!(attempts.again(throttled()).await, Err(busy.clone()));

        let mut attempts = Attempts::writing(3);
        assert_eq!(attempts.again(unanswered()).await, Ok(()));
        assert_eq!(attempts.again(throttled()).await, Ok(()));
        let unknown = StoreError::unknown("busy");
        assert_eq!(attempts.again(throttled()).await, Err(unknown));

        let mut attempts = Attempts::reading(2);
        assert_eq!(attempts.again(unanswered()).await, Ok(()));
        assert_eq!(attempts.again(throttled()).await, Err(busy));
    }

    #[tokio::test]
    async fn a_refused_request_is_not_retried() {
        let refused = Fault::new(Kind::Refused, "AccessDeniedException");
        let error = StoreError::unavailable("AccessDeniedException");
        assert_eq!(Attempts::writing(9).again(refused).await, Err(error));
    }

    #[tokio::test]
    async fn a_restart_counts_anew_and_keeps_the_doubt() {
        let mut attempts = Attempts::writing(2);
        assert_eq!(attempts.again(unanswered()).await, Ok(()));
        attempts.restart();
        assert_eq!(attempts.again(throttled()).await, Ok(()));
        let unknown = StoreError::unknown("busy");
        assert_eq!(attempts.again(throttled()).await, Err(unknown));
    }
}
