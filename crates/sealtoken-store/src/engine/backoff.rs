//! How long to wait between attempts.

use std::time::Duration;

/// A bounded number of attempts with random pauses in between.
///
/// The upper bound of the pauses doubles from `first` to `longest`. Each pause is drawn from zero
/// up to it, so that contending callers do not meet again.
///
/// ```
/// use std::time::Duration;
///
/// use sealtoken_store::engine::Backoff;
///
/// let (first, longest) = (Duration::from_millis(2), Duration::from_millis(64));
/// let mut backoff = Backoff::new(3, first, longest);
/// assert!(backoff.pause().is_some_and(|pause| pause <= first));
/// assert!(backoff.pause().is_some_and(|pause| pause <= first * 2));
/// assert_eq!(backoff.pause(), None, "three attempts, two pauses");
/// ```
#[derive(Debug, Clone)]
pub struct Backoff {
    attempts: u32,
    bound: Duration,
    longest: Duration,
}

impl Backoff {
    /// At most this many attempts, including the first.
    #[must_use]
    pub fn new(attempts: u32, first: Duration, longest: Duration) -> Self {
        Self {
            attempts,
            bound: first.min(longest),
            longest,
        }
    }

    /// The pause before the next attempt; `None` if no attempt is left, or if the operating system
    /// gives no random bytes.
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
        self.bound = self.bound.saturating_mul(2).min(self.longest);
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
        let mut longest = [Duration::ZERO; 4];
        let mut distinct = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let mut backoff = Backoff::new(5, millis(4), millis(10));
            for longest in &mut longest {
                let pause = backoff.pause().unwrap();
                *longest = pause.max(*longest);
                distinct.insert(pause);
            }
            assert_eq!((backoff.pause(), backoff.pause()), (None, None));
        }
        // Of 200 draws one is in the upper half, but for one run in 2^200.
        for (longest, bound) in longest.into_iter().zip([4, 8, 10, 10]) {
            assert!(longest <= millis(bound) && longest > millis(bound) / 2);
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
}
