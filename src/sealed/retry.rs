//! The retry policy of all services.

use crate::crypto::random;

use super::error::ServiceError;

/// The maximum number of rounds of a change whose record others keep changing.
const MAX_CONFLICTS: u32 = 128;

/// The maximum number of attempts to find out whether a write with a lost reply was done.
pub(super) const MAX_LOST_REPLIES: u32 = 2;

/// Consecutive failures of best-effort writes before the rest waits for the next request.
pub(super) const MAX_FAILED_WRITES: u32 = 3;

/// Counts the rounds of a change that is retried after each conflict.
#[derive(Debug, Default)]
pub(crate) struct Rounds(u32);

impl Rounds {
    /// Begins a round; [`ServiceError::Contended`] after too many.
    pub(crate) async fn next(&mut self) -> Result<(), ServiceError> {
        if self.0 >= MAX_CONFLICTS {
            return Err(ServiceError::Contended);
        }
        // Random turns, so that writers of one record do not keep colliding.
        if self.0 > 0 {
            let mut random = [0; 1];
            random::system(&mut random)?;
            let [random] = random;
            for _ in 0..random & 15 {
                tokio::task::yield_now().await;
            }
        }
        self.0 = self.0.saturating_add(1);
        Ok(())
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
