mod late;
mod many;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::limits::{Allowance, MemoryLimiter, SubjectKind};

const ADA: Subject = Subject::new(SubjectKind::one("test.token"), [1; 16]);
const BOB: Subject = Subject::new(SubjectKind::one("test.token"), [2; 16]);
const ALL: Subject = Subject::new(SubjectKind::scope("test.scope"), [0; 16]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Wrong,
    Exhausted(Duration),
}

impl From<Exhausted> for Failure {
    fn from(Exhausted { retry_after }: Exhausted) -> Self {
        Self::Exhausted(retry_after)
    }
}

fn limiter(burst: u32) -> MemoryLimiter {
    let every = Duration::from_secs(60);
    let many = Allowance {
        burst: 1_000_000,
        every,
    };
    MemoryLimiter::new(Allowance { burst, every }, many)
}

#[derive(Default)]
struct Wakeups(AtomicU64);

impl Wake for Wakeups {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

type Attempt<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// An attempt that ends with the result that is sent to it.
fn attempt<'a>(
    guard: &'a AttemptGuard,
    subjects: &'a [Subject],
) -> (tokio::sync::oneshot::Sender<bool>, Attempt<'a>) {
    let (tell, told) = tokio::sync::oneshot::channel();
    let work = async {
        told.await
            .unwrap_or(false)
            .then_some(())
            .ok_or(Failure::Wrong)
    };
    let is_guess = |failure: &Failure| *failure == Failure::Wrong;
    (tell, Box::pin(guard.attempt(subjects, is_guess, work)))
}

fn poll(attempt: &mut Attempt<'_>, wakeups: &Arc<Wakeups>) -> Option<Result<(), Failure>> {
    let waker = Waker::from(Arc::clone(wakeups));
    match attempt.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

fn is_exhausted(result: Option<Result<(), Failure>>) -> bool {
    matches!(result, Some(Err(Failure::Exhausted(_))))
}

#[test]
fn an_exhausted_token_is_refused_at_once_while_others_in_its_namespace_read() {
    let guard = AttemptGuard::new(Arc::new(limiter(1)));
    let wakeups = Arc::default();
    let (_, mut wrong) = attempt(&guard, &[ADA, ALL]);
    assert_eq!(poll(&mut wrong, &wakeups), Some(Err(Failure::Wrong)));
    let (tell, mut other) = attempt(&guard, &[BOB, ALL]);
    assert_eq!(poll(&mut other, &wakeups), None);
    let (_, mut refused) = attempt(&guard, &[ADA, ALL]);
    let Some(Err(Failure::Exhausted(moment))) = poll(&mut refused, &wakeups) else {
        panic!("it must not wait");
    };
    assert!(moment > Duration::from_secs(50) && moment <= Duration::from_secs(60));
    tell.send(true).unwrap();
    assert_eq!(poll(&mut other, &wakeups), Some(Ok(())));
}

#[test]
fn a_caller_waiting_for_the_last_attempt_gets_it_or_is_refused_if_it_fails() {
    for right in [true, false] {
        let guard = AttemptGuard::new(Arc::new(limiter(1)));
        let wakeups = Arc::default();
        let (tell, mut first) = attempt(&guard, &[ADA, ALL]);
        assert_eq!(poll(&mut first, &wakeups), None);
        let (tell_second, mut second) = attempt(&guard, &[ADA, ALL]);
        assert_eq!(poll(&mut second, &wakeups), None);
        tell_second.send(true).unwrap();
        tell.send(right).unwrap();
        assert!(poll(&mut first, &wakeups).is_some());
        let second = poll(&mut second, &wakeups);
        if right {
            assert_eq!(second, Some(Ok(())));
        } else {
            assert!(is_exhausted(second), "{second:?}");
        }
    }
}

/// Attempts on other subjects wake nobody, and the end of one attempt wakes one caller in line.
#[test]
fn two_thousand_callers_in_line_do_not_slow_other_subjects() {
    let guard = AttemptGuard::new(Arc::new(limiter(1)));
    let wakeups: Arc<Wakeups> = Arc::default();
    let (tell, mut held) = attempt(&guard, &[ADA, ALL]);
    assert_eq!(poll(&mut held, &Arc::default()), None);
    let mut line: Vec<_> = (0..2000).map(|_| attempt(&guard, &[ADA, ALL])).collect();
    let refused = line
        .iter_mut()
        .filter_map(|(_, waiting)| poll(waiting, &wakeups))
        .inspect(|result| assert!(is_exhausted(Some(*result))))
        .count();
    assert_eq!(refused, 2000 - MAX_IN_LINE);
    for _ in 0..1000 {
        let (tell, mut other) = attempt(&guard, &[BOB, ALL]);
        assert_eq!(poll(&mut other, &Arc::default()), None);
        tell.send(true).unwrap();
        assert_eq!(poll(&mut other, &Arc::default()), Some(Ok(())));
    }
    assert_eq!(wakeups.0.load(Ordering::SeqCst), 0);
    tell.send(true).unwrap();
    assert_eq!(poll(&mut held, &Arc::default()), Some(Ok(())));
    assert_eq!(wakeups.0.load(Ordering::SeqCst), 1);
}

#[test]
fn a_caller_that_leaves_the_line_passes_its_turn_on() {
    let guard = AttemptGuard::new(Arc::new(limiter(1)));
    let wakeups = Arc::default();
    let (tell, mut held) = attempt(&guard, &[ADA]);
    assert_eq!(poll(&mut held, &wakeups), None);
    let (_, mut called) = attempt(&guard, &[ADA]);
    let (_, mut gone) = attempt(&guard, &[ADA]);
    let (tell_last, mut last) = attempt(&guard, &[ADA]);
    for waiting in [&mut called, &mut gone, &mut last] {
        assert_eq!(poll(waiting, &wakeups), None);
    }
    drop(gone);
    tell.send(true).unwrap();
    assert_eq!(poll(&mut held, &wakeups), Some(Ok(())));
    // It was called, and is dropped before it asks.
    drop(called);
    tell_last.send(true).unwrap();
    assert_eq!(poll(&mut last, &wakeups), Some(Ok(())));
    drop(last);
    assert!(guard.lines.is_empty());
}

#[test]
fn a_caller_refused_while_others_are_in_flight_stays_first_in_line() {
    let guard = AttemptGuard::new(Arc::new(limiter(2)));
    let wakeups = Arc::default();
    let (tell, mut all): (Vec<_>, Vec<_>) = (0..4).map(|_| attempt(&guard, &[ADA])).unzip();
    for attempt in &mut all {
        assert_eq!(poll(attempt, &wakeups), None);
    }
    for (n, tell) in tell.into_iter().enumerate() {
        tell.send(n > 0).unwrap();
    }
    assert_eq!(poll(&mut all[0], &wakeups), Some(Err(Failure::Wrong)));
    // The third is refused again, and waits for the second.
    assert_eq!(poll(&mut all[2], &wakeups), None);
    assert_eq!(poll(&mut all[1], &wakeups), Some(Ok(())));
    assert_eq!(poll(&mut all[3], &wakeups), None);
    assert_eq!(poll(&mut all[2], &wakeups), Some(Ok(())));
    assert_eq!(poll(&mut all[3], &wakeups), Some(Ok(())));
    assert!(guard.lines.is_empty());
}

#[test]
fn a_refusal_by_the_wider_subject_uses_no_attempt_of_the_narrower() {
    let every = Duration::from_secs(60);
    let once = Allowance { burst: 1, every };
    let guard = AttemptGuard::new(Arc::new(MemoryLimiter::new(once, once)));
    let wakeups = Arc::default();
    let (_, mut wrong) = attempt(&guard, &[ALL]);
    assert_eq!(poll(&mut wrong, &wakeups), Some(Err(Failure::Wrong)));
    let (_, mut refused) = attempt(&guard, &[ADA, ALL]);
    assert!(is_exhausted(poll(&mut refused, &wakeups)));
    let (tell, mut right) = attempt(&guard, &[ADA]);
    tell.send(true).unwrap();
    assert_eq!(poll(&mut right, &wakeups), Some(Ok(())));
}

/// Counts the attempts left; only the test adds new ones.
#[derive(Debug)]
struct Left(AtomicU64);

#[async_trait]
impl AttemptLimiter for Left {
    async fn take(&self, _: &[Subject]) -> Result<(), Exhausted> {
        let less = |left: u64| left.checked_sub(1);
        let taken = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        let retry_after = Duration::from_secs(60);
        taken.map(|_| ()).map_err(|_| Exhausted { retry_after })
    }

    async fn give_back(&self, _: &[Subject]) {}
}

#[test]
fn attempts_regained_over_time_go_to_all_callers_in_line_at_once() {
    let left = Arc::new(Left(AtomicU64::new(1)));
    let guard = AttemptGuard::new(left.clone());
    let wakeups = Arc::default();
    let mut all: Vec<_> = (0..4).map(|_| attempt(&guard, &[ADA])).collect();
    for (_, attempt) in &mut all {
        assert_eq!(poll(attempt, &wakeups), None);
    }
    left.0.store(3, Ordering::SeqCst);
    let (tell, mut first) = all.remove(0);
    tell.send(true).unwrap();
    assert_eq!(poll(&mut first, &wakeups), Some(Ok(())));
    // The last one does not wait for the ones before it to end.
    for (_, attempt) in &mut all {
        assert_eq!(poll(attempt, &wakeups), None);
    }
    let (tell, mut last) = all.pop().unwrap();
    tell.send(true).unwrap();
    assert_eq!(poll(&mut last, &wakeups), Some(Ok(())));
}

/// A limiter that gives attempts back only when notified.
#[derive(Debug)]
struct Late {
    limiter: MemoryLimiter,
    go_on: tokio::sync::Notify,
}

#[async_trait]
impl AttemptLimiter for Late {
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        self.limiter.take(subjects).await
    }

    async fn give_back(&self, subjects: &[Subject]) {
        self.go_on.notified().await;
        self.limiter.give_back(subjects).await;
    }
}

#[test]
fn a_caller_in_line_is_called_only_after_the_attempt_is_given_back() {
    let late = Arc::new(Late {
        limiter: limiter(1),
        go_on: tokio::sync::Notify::new(),
    });
    let guard = AttemptGuard::new(late.clone());
    let wakeups = Arc::default();
    let (tell, mut first) = attempt(&guard, &[ADA]);
    assert_eq!(poll(&mut first, &wakeups), None);
    let (tell_second, mut second) = attempt(&guard, &[ADA]);
    assert_eq!(poll(&mut second, &wakeups), None);
    tell.send(true).unwrap();
    tell_second.send(true).unwrap();
    assert_eq!(poll(&mut first, &wakeups), None);
    assert_eq!(poll(&mut second, &wakeups), None);
    for waiting in [&mut first, &mut second] {
        late.go_on.notify_one();
        assert_eq!(poll(waiting, &wakeups), Some(Ok(())));
    }
    assert!(guard.lines.is_empty());
}
