//! The retry policy of engines.

use std::time::Duration;

/// The retry policy of engines: a bounded number of attempts, and random pauses in between.
///
/// A call is tried again for one of two reasons. Each has a budget of its own:
///
/// | budget | attempts | first pause | longest pause | all pauses |
/// |---|---|---|---|---|
/// | [`contention`](Self::contention) | 24 | 2 ms | 250 ms | 4.3 s |
/// | [`outage`](Self::outage) | an option of the engine | 50 ms | 2 s | 1.6 s for 6 attempts |
///
/// The times are upper bounds. Each pause is drawn from zero up to its bound, so that callers that
/// collided do not meet again. The bound doubles with each pause.
///
/// What the drivers force to differ:
///
/// - SQLite itself waits for locks, up to a deadline, so its engine does not retry a statement.
/// - PostgreSQL reports a serialisation failure or a deadlock: contention. A call without a
///   connection waits for one in the pool, up to a deadline, instead of retrying. A connection that
///   turns out to be dead is replaced at once, and once a call.
/// - DynamoDB throttles single requests and has no connection to wait for, so a request that was
///   throttled, not sent or not answered is sent again. The number of requests in a call depends on
///   its data, so each has a timeout, and the call has no deadline.
///
/// ```
/// use std::time::Duration;
///
/// use sealtoken_store::engine::Backoff;
///
/// let mut backoff = Backoff::outage(3);
/// assert!(backoff.pause().is_some_and(|pause| pause <= Duration::from_millis(50)));
/// assert!(backoff.pause().is_some_and(|pause| pause <= Duration::from_millis(100)));
/// assert_eq!(backoff.pause(), None, "three attempts, two pauses");
/// ```
#[derive(Debug, Clone)]
pub struct Backoff {
    attempts: u32,
    bound: Duration,
    max: Duration,
}

impl Backoff {
    /// For a call that failed because others changed the same records.
    ///
    /// One of the contending callers always wins, so each round leaves fewer of them: 24 attempts
    /// let dozens through. A write takes about as long as the first pause. Beyond the longest, a
    /// pause no longer separates callers, but only delays them.
    #[must_use]
    pub fn contention() -> Self {
        Self::new(24, Duration::from_millis(2), Duration::from_millis(250))
    }

    /// For a request that was throttled, could not be sent or was not answered, with at most this
    /// many attempts, including the first.
    ///
    /// An overloaded server needs longer to recover than a write takes, so the first pause is
    /// longer too. No single pause is longer than a caller can be expected to wait.
    #[must_use]
    pub fn outage(attempts: u32) -> Self {
        Self::new(attempts, Duration::from_millis(50), Duration::from_secs(2))
    }

    fn new(attempts: u32, first: Duration, max: Duration) -> Self {
        Self {
            attempts,
            bound: first.min(max),
            max,
        }
    }

    /// The pause before the next attempt; `None` if no attempt is left, or if the operating system
    /// cannot provide random bytes.
    pub fn pause(&mut self) -> Option<Duration> {
        self.attempts = self.attempts.saturating_sub(1);
        if self.attempts == 0 {
            return None;
        }
        let mut drawn = [0; 2];
        getrandom::fill(&mut drawn).ok()?;
        let part = f64::from(u16::from_be_bytes(drawn)) / f64::from(u16::MAX);
        let pause = Duration::try_from_secs_f64(self.bound.as_secs_f64() * part);
        let pause = pause.unwrap_or(self.bound);
        self.bound = self.bound.saturating_mul(2).min(self.max);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_of_any_length_overflows_nothing() {
        let mut backoff = Backoff::new(100, Duration::MAX, Duration::MAX);
        while let Some(pause) = backoff.pause() {
            assert!(pause <= Duration::MAX);
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_drawn() {
        let millis = Duration::from_millis;
        let mut maxima = [Duration::ZERO; 4];
        let mut distinct = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let mut backoff = Backoff::new(5, millis(4), millis(10));
            for max in &mut maxima {
                let pause = backoff.pause().unwrap();
                *max = pause.max(*max);
                distinct.insert(pause);
            }
            assert_eq!((backoff.pause(), backoff.pause()), (None, None));
        }
        // Of 200 draws one is in the upper half, but for one run in 2^200.
        for (max, bound) in maxima.into_iter().zip([4, 8, 10, 10]) {
            assert!(max <= millis(bound) && max > millis(bound) / 2);
        }
        assert!(distinct.len() > 100);
    }

    #[test]
    fn one_attempt_or_none_has_no_pause() {
        for attempts in [0, 1] {
            let mut backoff = Backoff::new(attempts, Duration::ZERO, Duration::ZERO);
            assert_eq!(backoff.pause(), None);
        }
    }

    /// The sums that the table in the documentation gives.
    #[test]
    fn the_pauses_of_a_call_are_bounded() {
        for (mut backoff, pauses, millis) in [
            (Backoff::contention(), 23, 4_300),
            (Backoff::outage(6), 5, 1_600),
        ] {
            let (mut count, mut bounds) = (0, Duration::ZERO);
            loop {
                let bound = backoff.bound;
                let Some(pause) = backoff.pause() else {
                    break;
                };
                assert!(pause <= bound);
                count += 1;
                bounds += bound;
            }
            assert_eq!(count, pauses);
            let total = Duration::from_millis(millis);
            assert!(bounds <= total && bounds > total * 9 / 10, "{bounds:?}");
        }
    }
}
