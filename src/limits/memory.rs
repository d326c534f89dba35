//! Attempts counted in one process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{AttemptLimiter, Exhausted, Subject};

/// How many attempts there are, and how fast they come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// So many at once.
    pub burst: u32,
    /// One comes back after this long; zero is no limit.
    pub every: Duration,
}

/// Attempts counted in one process, in memory that does not grow beyond a bound.
///
/// By default ten for a token, of which one comes back each minute, and ten thousand for a namespace, of which a hundred come back each second.
/// It keeps at most 65,536 tokens and as many namespaces; beyond that it forgets those whose attempts come back first. So that a flood of
/// made-up tokens cannot push a real one out unseen, the count of the namespace stays.
///
/// # Security
///
/// Whoever can make attempts can use them up: those of a token, for who knows the token; those of a namespace, for anyone who sends more failures
/// than come back. Limit strangers by their address before you ask the vault, and give each tenant a namespace.
///
/// ```
/// use std::time::Duration;
///
/// use sealtoken::limits::{Allowance, MemoryLimiter};
///
/// let strict = MemoryLimiter::new(
///     Allowance { burst: 3, every: Duration::from_secs(600) },
///     Allowance { burst: 100, every: Duration::from_secs(1) },
/// );
/// ```
pub struct MemoryLimiter {
    token: Allowance,
    namespace: Allowance,
    clock: fn() -> Instant,
    spent: Mutex<[HashMap<Subject, Instant>; 2]>,
}

/// The most tokens, and the most namespaces, of which attempts are kept.
const KEPT: usize = 65_536;

/// The longest time for one attempt to come back, some 31 years: no moment that is reckoned with it leaves the clock's range.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

impl MemoryLimiter {
    /// A limiter with these allowances.
    ///
    /// Time is the machine's monotonic clock: one that stands still, as in a frozen process, brings attempts back later and never sooner.
    #[must_use]
    pub fn new(token: Allowance, namespace: Allowance) -> Self {
        Self {
            token,
            namespace,
            clock: Instant::now,
            spent: Mutex::default(),
        }
    }

    fn allowance(&self, subject: &Subject) -> (usize, Allowance) {
        let (kind, Allowance { burst, every }) = match subject {
            Subject::Token(_) => (0, self.token),
            Subject::Namespace(_) => (1, self.namespace),
        };
        let every = every.min(LONGEST);
        (kind, Allowance { burst, every })
    }
}

impl Default for MemoryLimiter {
    fn default() -> Self {
        Self::new(
            Allowance {
                burst: 10,
                every: Duration::from_secs(60),
            },
            Allowance {
                burst: 10_000,
                every: Duration::from_millis(10),
            },
        )
    }
}

/// For each subject the moment is kept at which all its attempts will be back: taking one moves it by `every`. That is the
/// generic cell rate algorithm, which needs no counter and no timer.
#[async_trait]
impl AttemptLimiter for MemoryLimiter {
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        let now = (self.clock)();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects {
            let (kind, allowance) = self.allowance(subject);
            let full = spent.get(kind).and_then(|map| map.get(subject)).copied();
            let owed = full.map_or(Duration::ZERO, |full| full.saturating_duration_since(now));
            let whole = allowance.every.saturating_mul(allowance.burst);
            let left = whole.saturating_sub(owed);
            if left < allowance.every || allowance.burst == 0 {
                let retry_after = allowance.every.saturating_sub(left);
                return Err(Exhausted { retry_after });
            }
        }
        for subject in subjects {
            let (kind, allowance) = self.allowance(subject);
            let Some(map) = spent.get_mut(kind) else {
                continue;
            };
            if map.len() >= KEPT && !map.contains_key(subject) {
                forget(map, now);
            }
            let full = map.entry(*subject).or_insert(now);
            let moved = (*full).max(now).checked_add(allowance.every);
            *full = moved.unwrap_or(*full);
        }
        Ok(())
    }

    async fn give_back(&self, subjects: &[Subject]) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects {
            let (kind, allowance) = self.allowance(subject);
            let Some(map) = spent.get_mut(kind) else {
                continue;
            };
            let Some(full) = map.get_mut(subject) else {
                continue;
            };
            match full.checked_sub(allowance.every) {
                Some(earlier) if earlier > (self.clock)() => *full = earlier,
                _ => {
                    map.remove(subject);
                }
            }
        }
    }
}

/// Makes room: first what has all its attempts back, then the half that has most of them back.
fn forget(map: &mut HashMap<Subject, Instant>, now: Instant) {
    map.retain(|_, full| *full > now);
    if map.len() < KEPT {
        return;
    }
    let mut moments: Vec<Instant> = map.values().copied().collect();
    let middle = moments.len() / 2;
    let (_, median, _) = moments.select_nth_unstable(middle);
    let median = *median;
    // If all share one moment, none is better than another, and none is kept.
    map.retain(|_, full| *full > median);
}

impl fmt::Debug for MemoryLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLimiter")
            .field("token", &self.token)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now<F: Future>(future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => output,
            std::task::Poll::Pending => unreachable!("nothing here waits"),
        }
    }

    fn limiter(burst: u32) -> MemoryLimiter {
        let every = Duration::from_secs(60);
        let token = Allowance { burst, every };
        MemoryLimiter::new(
            token,
            Allowance {
                burst: 1_000_000,
                every,
            },
        )
    }

    const ADA: Subject = Subject::Token([1; 16]);
    const BOB: Subject = Subject::Token([2; 16]);
    const ALL: Subject = Subject::Namespace([0; 16]);

    #[test]
    fn after_so_many_failures_there_are_no_more_attempts_for_this_token() {
        let limiter = limiter(3);
        for _ in 0..3 {
            assert_eq!(now(limiter.take(&[ADA, ALL])), Ok(()));
        }
        let Err(Exhausted { retry_after }) = now(limiter.take(&[ADA, ALL])) else {
            panic!("a fourth attempt");
        };
        assert!(retry_after > Duration::from_secs(50) && retry_after <= Duration::from_secs(60));
        assert_eq!(now(limiter.take(&[BOB, ALL])), Ok(()));
    }

    #[test]
    fn what_succeeds_uses_nothing_up() {
        let limiter = limiter(2);
        for _ in 0..100 {
            assert_eq!(now(limiter.take(&[ADA, ALL])), Ok(()));
            now(limiter.give_back(&[ADA, ALL]));
        }
        let held = limiter.spent.lock().unwrap();
        assert!(held[0].is_empty() && held[1].is_empty());
    }

    #[test]
    fn a_refused_attempt_takes_nothing_from_anyone() {
        let limiter = limiter(1);
        assert_eq!(now(limiter.take(&[BOB])), Ok(()));
        assert!(now(limiter.take(&[ADA, BOB])).is_err());
        assert_eq!(now(limiter.take(&[ADA])), Ok(()));
    }

    #[test]
    fn attempts_come_back_with_time() {
        thread_local! {
            static NOW: std::cell::Cell<Option<Instant>> = const { std::cell::Cell::new(None) };
        }
        let begun = Instant::now();
        let mut limiter = limiter(1);
        limiter.clock = || NOW.get().unwrap();
        for seconds in [0, 60, 121] {
            NOW.set(Some(begun + Duration::from_secs(seconds)));
            assert_eq!(now(limiter.take(&[ADA])), Ok(()), "{seconds}");
            for early in [0, 59] {
                NOW.set(Some(begun + Duration::from_secs(seconds + early)));
                assert!(now(limiter.take(&[ADA])).is_err(), "{seconds} {early}");
            }
        }
    }

    #[test]
    fn memory_is_bounded_and_the_most_tried_are_kept() {
        let limiter = limiter(10);
        for _ in 0..10 {
            assert_eq!(now(limiter.take(&[ADA])), Ok(()));
        }
        for n in 0..150_000_u32 {
            let mut id = [9; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            assert_eq!(now(limiter.take(&[Subject::Token(id), ALL])), Ok(()));
        }
        assert!(limiter.spent.lock().unwrap()[0].len() <= KEPT);
        assert!(now(limiter.take(&[ADA])).is_err());
    }

    #[test]
    fn memory_is_bounded_where_all_were_tried_at_one_moment() {
        thread_local! {
            static BEGUN: Instant = Instant::now();
        }
        let mut limiter = limiter(1);
        limiter.clock = || BEGUN.with(|begun| *begun);
        for n in 0..=KEPT as u128 {
            let token = Subject::Token(n.to_be_bytes());
            assert_eq!(now(limiter.take(&[token])), Ok(()));
        }
        assert_eq!(limiter.spent.lock().unwrap()[0].len(), 1);
    }

    #[test]
    fn one_success_gives_one_attempt_back() {
        let limiter = limiter(3);
        for _ in 0..3 {
            assert_eq!(now(limiter.take(&[ADA])), Ok(()));
        }
        now(limiter.give_back(&[ADA]));
        assert_eq!(now(limiter.take(&[ADA])), Ok(()));
        assert!(now(limiter.take(&[ADA])).is_err());
    }

    #[test]
    fn attempts_that_never_come_back_are_limited_too() {
        let every = Duration::MAX;
        let never = Allowance { burst: 2, every };
        let limiter = MemoryLimiter::new(never, never);
        for _ in 0..2 {
            assert_eq!(now(limiter.take(&[ADA])), Ok(()));
        }
        assert!(now(limiter.take(&[ADA])).is_err());
    }

    #[test]
    fn an_allowance_of_nothing_allows_nothing() {
        assert!(now(limiter(0).take(&[ADA])).is_err());
    }

    #[test]
    fn by_default_a_token_has_ten_attempts_and_one_more_each_minute() {
        thread_local! {
            static BEGUN: Instant = Instant::now();
        }
        let limiter = MemoryLimiter {
            clock: || BEGUN.with(|begun| *begun),
            ..MemoryLimiter::default()
        };
        for (subject, burst, every) in [
            (ADA, 10, Duration::from_secs(60)),
            (ALL, 10_000, Duration::from_millis(10)),
        ] {
            for _ in 0..burst {
                assert_eq!(now(limiter.take(&[subject])), Ok(()));
            }
            let exhausted = Exhausted { retry_after: every };
            assert_eq!(now(limiter.take(&[subject])), Err(exhausted));
        }
    }
}
