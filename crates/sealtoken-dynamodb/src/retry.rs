//! Trying again, a bounded number of times.
//!
//! The retries of the SDK are off. One of its attempts may go unanswered and the next one be throttled: it tells of the last alone, and a
//! write that may have been done would count as one that was not. Here each attempt is seen.

use std::time::Duration;

use sealtoken_store::StoreError;

use super::fault::Fault;

/// The attempts of one call.
#[derive(Debug)]
pub(super) struct Attempts {
    most: u32,
    made: u32,
    contended: u32,
    /// Whether it changes something.
    writes: bool,
    /// Whether one of them went unanswered.
    doubt: bool,
}

impl Attempts {
    /// How often contention is waited for. It ends by itself: one of those who contend wins.
    const MOST_CONTENDED: u32 = 24;

    pub(super) fn reading(most: u32) -> Self {
        Self {
            most,
            made: 0,
            contended: 0,
            writes: false,
            doubt: false,
        }
    }

    pub(super) fn writing(most: u32) -> Self {
        Self {
            writes: true,
            ..Self::reading(most)
        }
    }

    /// Whether a write may have been done by an attempt that went unanswered.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.writes && self.doubt
    }

    /// Something came of it: what has to be tried from here on is something else.
    pub(super) fn begin_anew(&mut self) {
        self.made = 0;
    }

    /// Waits a while that may be longer each time and is never the same for two, then lets the caller try again.
    ///
    /// # Errors
    ///
    /// The error of the call, where it was tried often enough or cannot be helped.
    pub(super) async fn again(&mut self, fault: Fault) -> Result<(), StoreError> {
        let (count, most, step, longest) = match &fault {
            Fault::Refused(_) => return Err(self.give_up(fault)),
            Fault::Contended(_) => (&mut self.contended, Self::MOST_CONTENDED, 4, 250),
            Fault::Unanswered(_) => {
                self.doubt = true;
                (&mut self.made, self.most, 50, 2_000)
            }
            Fault::Unsent(_) | Fault::Throttled(_) => (&mut self.made, self.most, 50, 2_000),
        };
        *count = count.saturating_add(1);
        if *count >= most {
            return Err(self.give_up(fault));
        }
        let longest = 1_u32
            .checked_shl(count.saturating_sub(1))
            .map_or(longest, |times| longest.min(times.saturating_mul(step)));
        let mut drawn = [0; 2];
        if getrandom::fill(&mut drawn).is_err() {
            return Err(self.give_up(fault));
        }
        let part = f64::from(u16::from_be_bytes(drawn)) / f64::from(u16::MAX);
        tokio::time::sleep(Duration::from_millis(u64::from(longest)).mul_f64(part)).await;
        Ok(())
    }

    /// The error of a call that ends here.
    pub(super) fn give_up(&self, fault: Fault) -> StoreError {
        let unknown = self.writes && (self.doubt || matches!(fault, Fault::Unanswered(_)));
        let reason = fault.into_reason();
        if unknown {
            StoreError::unknown(reason)
        } else {
            StoreError::unavailable(reason)
        }
    }

    /// The error of a read that was to tell what became of a write.
    pub(super) fn not_told(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Unavailable { reason, .. } if self.is_in_doubt() => {
                StoreError::unknown(reason)
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled() -> Fault {
        Fault::Throttled("busy".to_owned())
    }

    fn unanswered() -> Fault {
        Fault::Unanswered("lost".to_owned())
    }

    #[tokio::test]
    async fn attempts_are_bounded_and_tell_of_the_doubt() {
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
    async fn what_is_refused_is_not_tried_again() {
        let refused = Fault::Refused("AccessDeniedException".to_owned());
        let error = StoreError::unavailable("AccessDeniedException");
        assert_eq!(Attempts::writing(9).again(refused).await, Err(error));
    }
}
