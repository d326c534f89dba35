//! Counts attempts within one process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{AttemptLimiter, Exhausted, Subject};

/// How many attempts a subject has, and how fast they come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// The maximum number of attempts at once.
    pub burst: u32,
    /// The time after which one attempt comes back; zero means no limit.
    pub every: Duration,
}

impl Allowance {
    /// This many attempts at once, of which one comes back after each interval. An interval of zero
    /// means no limit.
    #[must_use]
    pub const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every }
    }
}

/// Counts attempts within one process, in bounded memory.
///
/// By default a single thing, such as a token, has ten attempts, and one comes back each minute. A
/// scope, such as a namespace, has ten thousand, and a hundred come back each second. The limiter
/// remembers at most 65,536 things and as many scopes. Beyond that it forgets those whose attempts
/// come back first. The scope still counts every attempt, so a flood of made-up tokens cannot evict
/// a real one unnoticed.
///
/// # Security
///
/// Anyone who can make attempts can use them up. A caller who knows a token can exhaust its
/// attempts. A caller who fails faster than attempts come back can exhaust those of the scope.
/// Limit callers by address before they reach the service, and give each tenant a namespace of its
/// own.
///
/// ```
/// use std::time::Duration;
///
/// use sealtoken::limits::{Allowance, MemoryLimiter};
///
/// let strict = MemoryLimiter::new(
///     Allowance::new(3, Duration::from_secs(600)),
///     Allowance::new(100, Duration::from_secs(1)),
/// );
/// ```
pub struct MemoryLimiter {
    one: Allowance,
    scope: Allowance,
    clock: fn() -> Instant,
    spent: Mutex<[HashMap<Subject, Instant>; 2]>,
}

/// The maximum number of things to remember, and of scopes.
const MAX_SUBJECTS: usize = 65_536;

/// The longest time for one attempt to come back, about 31 years: sums with it stay within the
/// clock's range.
const MAX_INTERVAL: Duration = Duration::from_secs(1_000_000_000);

impl MemoryLimiter {
    /// A limiter with these allowances.
    ///
    /// `one` applies to subjects that stand for one thing, `scope` to those that stand for
    /// everything in a scope. Time comes from the machine's monotonic clock: while that stands
    /// still, as in a suspended machine, attempts come back later, never sooner.
    #[must_use]
    pub fn new(one: Allowance, scope: Allowance) -> Self {
        Self {
            one,
            scope,
            clock: Instant::now,
            spent: Mutex::default(),
        }
    }

    fn allowance(&self, subject: &Subject) -> (usize, Allowance) {
        let (kind, Allowance { burst, every }) = if subject.kind().is_scope() {
            (1, self.scope)
        } else {
            (0, self.one)
        };
        let every = every.min(MAX_INTERVAL);
        (kind, Allowance { burst, every })
    }
}

impl Default for MemoryLimiter {
    fn default() -> Self {
        Self::new(
            Allowance::new(10, Duration::from_secs(60)),
            Allowance::new(10_000, Duration::from_millis(10)),
        )
    }
}

/// Stores for each subject the time at which all its attempts will be back; each attempt moves it
/// by `every`. This is the generic cell rate algorithm, which needs neither a counter nor a timer.
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
            if map.len() >= MAX_SUBJECTS && !map.contains_key(subject) {
                evict(map, now);
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

/// Makes room: drops subjects with all attempts back, then the half whose attempts come back first.
fn evict(map: &mut HashMap<Subject, Instant>, now: Instant) {
    map.retain(|_, full| *full > now);
    if map.len() < MAX_SUBJECTS {
        return;
    }
    let mut moments: Vec<Instant> = map.values().copied().collect();
    let middle = moments.len() / 2;
    let (_, median, _) = moments.select_nth_unstable(middle);
    let median = *median;
    // If all subjects share one time, none can be preferred, and all are dropped.
    map.retain(|_, full| *full > median);
}

impl fmt::Debug for MemoryLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLimiter")
            .field("one", &self.one)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SubjectKind;

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
        MemoryLimiter::new(token, Allowance::new(1_000_000, every))
    }

    const TOKEN: SubjectKind = SubjectKind::one("test.token");
    const ADA: Subject = Subject::new(TOKEN, [1; 16]);
    const BOB: Subject = Subject::new(TOKEN, [2; 16]);
    const ALL: Subject = Subject::new(SubjectKind::scope("test.scope"), [0; 16]);

    #[test]
    fn after_enough_failures_a_token_has_no_attempts_left() {
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
    fn a_success_uses_no_attempt() {
        let limiter = limiter(2);
        for _ in 0..100 {
            assert_eq!(now(limiter.take(&[ADA, ALL])), Ok(()));
            now(limiter.give_back(&[ADA, ALL]));
        }
        let held = limiter.spent.lock().unwrap();
        assert!(held[0].is_empty() && held[1].is_empty());
    }

    #[test]
    fn a_refused_attempt_takes_none_from_any_subject() {
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
    fn memory_is_bounded_and_the_most_tried_subjects_are_kept() {
        let limiter = limiter(10);
        for _ in 0..10 {
            assert_eq!(now(limiter.take(&[ADA])), Ok(()));
        }
        for n in 0..150_000_u32 {
            let mut id = [9; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            assert_eq!(now(limiter.take(&[Subject::new(TOKEN, id), ALL])), Ok(()));
        }
        assert!(limiter.spent.lock().unwrap()[0].len() <= MAX_SUBJECTS);
        assert!(now(limiter.take(&[ADA])).is_err());
    }

    #[test]
    fn memory_is_bounded_if_all_subjects_were_tried_at_the_same_time() {
        thread_local! {
            static BEGUN: Instant = Instant::now();
        }
        let mut limiter = limiter(1);
        limiter.clock = || BEGUN.with(|begun| *begun);
        for n in 0..=MAX_SUBJECTS as u128 {
            let token = Subject::new(TOKEN, n.to_be_bytes());
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
    fn attempts_that_never_come_back_run_out() {
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
    fn by_default_a_token_has_ten_attempts_and_regains_one_each_minute() {
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
