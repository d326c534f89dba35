//! The retry policy of all services.

use std::time::Duration;

use crate::crypto::random;

use super::error::ServiceError;

/// The maximum number of rounds of a change whose record others keep changing.
const MAX_CONFLICTS: u32 = 128;

/// The same for a best-effort change in the background. A change of a request takes precedence, and
/// the next use of the record brings a lost one again.
const MAX_BACKGROUND_CONFLICTS: u32 = 3;

/// The maximum number of attempts to find out whether a write with a lost reply was done.
pub(super) const MAX_LOST_REPLIES: u32 = 2;

/// The same for a best-effort change that costs nothing to repeat: a store that may be unavailable
/// gets no more work.
const MAX_BACKGROUND_LOST_REPLIES: u32 = 0;

/// Consecutive failures of best-effort writes before the rest waits for the next request.
pub(super) const MAX_FAILED_WRITES: u32 = 3;

/// Time limit for one best-effort write, and for a flush: a program that exits waits no longer for
/// a store that does not answer.
pub(super) const BACKGROUND_DEADLINE: Duration = Duration::from_secs(5);

/// Counts the rounds of a change that is retried after each conflict.
#[derive(Debug)]
pub(crate) struct Rounds {
    begun: u32,
    max: u32,
    pub(super) max_lost_replies: u32,
}

impl Rounds {
    /// The rounds of a best-effort change.
    pub(crate) const fn in_background() -> Self {
        Self {
            begun: 0,
            max: MAX_BACKGROUND_CONFLICTS,
            max_lost_replies: MAX_BACKGROUND_LOST_REPLIES,
        }
    }

    /// Begins a round; [`ServiceError::Contended`] after too many.
    pub(crate) async fn next(&mut self) -> Result<(), ServiceError> {
        if self.begun >= self.max {
            return Err(ServiceError::Contended);
        }
        // Random turns, so that writers of one record do not keep colliding.
        if self.begun > 0 {
            let mut random = [0; 1];
            random::system(&mut random)?;
            let [random] = random;
            for _ in 0..random & 15 {
                tokio::task::yield_now().await;
            }
        }
        self.begun = self.begun.saturating_add(1);
        Ok(())
    }
}

impl Default for Rounds {
    fn default() -> Self {
        Self {
            begun: 0,
            max: MAX_CONFLICTS,
            max_lost_replies: MAX_LOST_REPLIES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rounds_end_with_contended() {
        let mut rounds = Rounds::default();
        for _ in 0..MAX_CONFLICTS {
            assert_eq!(rounds.next().await, Ok(()));
        }
        assert_eq!(rounds.next().await, Err(ServiceError::Contended));
    }
}
