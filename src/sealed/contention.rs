//! Beginning again because others changed the same record.

use crate::crypto::random;
use crate::store::StoreError;

use super::error::SealedError;

/// How often an operation begins again because someone else changed the record meanwhile.
const ROUNDS: u32 = 128;

/// Counts the rounds of an operation that begins again after a conflict.
#[derive(Debug, Default)]
pub(crate) struct Rounds(u32);

impl Rounds {
    /// Begins a round; an error when there have been too many.
    pub(crate) async fn next(&mut self) -> Result<(), SealedError> {
        if self.0 >= ROUNDS {
            return Err(contended());
        }
        // Some of the writers at one record let others go first.
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

/// Others changed the same record again and again.
pub(crate) fn contended() -> SealedError {
    SealedError::Store(StoreError::unavailable("contention"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rounds_have_an_end_which_says_that_nothing_was_done() {
        let mut rounds = Rounds::default();
        for _ in 0..ROUNDS {
            assert_eq!(rounds.next().await, Ok(()));
        }
        let away = SealedError::Store(StoreError::unavailable("contention"));
        assert_eq!(rounds.next().await, Err(away));
    }
}
