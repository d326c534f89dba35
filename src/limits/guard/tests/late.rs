//! Refusals that arrive late, when they may no longer be true.

use tokio::sync::{Semaphore, oneshot};

use super::*;

/// A limiter that decides at once but holds each refusal back until released.
#[derive(Debug)]
struct Held {
    limiter: MemoryLimiter,
    opened: Semaphore,
}

#[async_trait]
impl AttemptLimiter for Held {
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        let taken = self.limiter.take(subjects).await;
        if taken.is_err() {
            // A permit releases one refusal, closing the semaphore all.
            if let Ok(one) = self.opened.acquire().await {
                one.forget();
            }
        }
        taken
    }

    async fn give_back(&self, subjects: &[Subject]) {
        self.limiter.give_back(subjects).await;
    }
}

fn held(burst: u32) -> (Arc<Held>, AttemptGuard) {
    let held = Arc::new(Held {
        limiter: limiter(burst),
        opened: Semaphore::new(0),
    });
    (held.clone(), AttemptGuard::new(held))
}

/// Asserts that the attempts succeed one after the other, in this order: that of the line.
fn pass_in_turn(all: Vec<(oneshot::Sender<bool>, Attempt<'_>)>, wakeups: &Arc<Wakeups>) {
    for (n, (tell, mut next)) in all.into_iter().enumerate() {
        tell.send(true).unwrap();
        assert_eq!(poll(&mut next, wakeups), Some(Ok(())), "{n}");
    }
}

#[test]
fn a_refusal_that_arrives_after_an_attempt_came_back_refuses_nobody() {
    for right in [true, false] {
        let (held, guard) = held(1);
        let wakeups = Arc::default();
        let (tell, mut first) = attempt(&guard, &[ADA]);
        let (tell_second, mut second) = attempt(&guard, &[ADA]);
        assert_eq!(poll(&mut first, &wakeups), None);
        assert_eq!(poll(&mut second, &wakeups), None);
        tell.send(right).unwrap();
        assert!(poll(&mut first, &wakeups).is_some());
        tell_second.send(true).unwrap();
        held.opened.close();
        let second = poll(&mut second, &wakeups);
        if right {
            assert_eq!(second, Some(Ok(())));
        } else {
            assert!(is_exhausted(second), "{second:?}");
        }
        assert!(guard.lines.is_empty());
    }
}

#[test]
fn a_refusal_that_arrives_after_an_attempt_came_back_waits_for_nobody_else() {
    let (held, guard) = held(2);
    let wakeups = Arc::default();
    let (tell, mut all): (Vec<_>, Vec<_>) = (0..3).map(|_| attempt(&guard, &[ADA])).unzip();
    for attempt in &mut all {
        assert_eq!(poll(attempt, &wakeups), None);
    }
    for tell in tell {
        tell.send(true).unwrap();
    }
    assert_eq!(poll(&mut all[0], &wakeups), Some(Ok(())));
    held.opened.close();
    assert_eq!(poll(&mut all[2], &wakeups), Some(Ok(())));
    assert_eq!(poll(&mut all[1], &wakeups), Some(Ok(())));
    assert!(guard.lines.is_empty());
}

#[test]
fn a_called_caller_that_is_refused_late_asks_again_too() {
    let (held, guard) = held(2);
    let wakeups = Arc::default();
    let (tell, mut all): (Vec<_>, Vec<_>) = (0..3).map(|_| attempt(&guard, &[ADA])).unzip();
    held.opened.add_permits(1);
    for attempt in &mut all {
        assert_eq!(poll(attempt, &wakeups), None);
    }
    // The third is in line; the first fails and calls it. Its second refusal is held back.
    for (n, tell) in tell.into_iter().enumerate() {
        tell.send(n > 0).unwrap();
    }
    assert_eq!(poll(&mut all[0], &wakeups), Some(Err(Failure::Wrong)));
    assert_eq!(poll(&mut all[2], &wakeups), None);
    assert_eq!(poll(&mut all[1], &wakeups), Some(Ok(())));
    held.opened.close();
    assert_eq!(poll(&mut all[2], &wakeups), Some(Ok(())));
    assert!(guard.lines.is_empty());
}

#[test]
fn callers_whose_first_answer_is_late_are_bounded_and_stay_in_order() {
    let (held, guard) = held(1);
    let wakeups = Arc::default();
    let (tell, mut first) = attempt(&guard, &[ADA]);
    assert_eq!(poll(&mut first, &wakeups), None);
    let mut all: Vec<_> = (0..2000).map(|_| attempt(&guard, &[ADA])).collect();
    for (_, asking) in &mut all {
        assert_eq!(poll(asking, &wakeups), None);
    }
    held.opened.close();
    let refused = all.split_off(MAX_IN_LINE);
    for (_, waiting) in &mut all {
        assert_eq!(poll(waiting, &wakeups), None);
    }
    for (_, mut refused) in refused {
        assert!(is_exhausted(poll(&mut refused, &wakeups)));
    }
    tell.send(true).unwrap();
    assert_eq!(poll(&mut first, &wakeups), Some(Ok(())));
    pass_in_turn(all, &wakeups);
    assert!(guard.lines.is_empty());
}

/// Answers may overtake each other: the order of arrival counts, not the order of answers.
#[test]
fn a_full_line_refuses_the_last_to_arrive() {
    let (held, guard) = held(1);
    let wakeups = Arc::default();
    let (tell, mut first) = attempt(&guard, &[ADA]);
    assert_eq!(poll(&mut first, &wakeups), None);
    let count = MAX_IN_LINE + 1;
    let mut all: Vec<_> = (0..count).map(|_| attempt(&guard, &[ADA])).collect();
    for (_, asking) in &mut all {
        assert_eq!(poll(asking, &wakeups), None);
    }
    held.opened.close();
    for (_, waiting) in all.iter_mut().rev() {
        assert_eq!(poll(waiting, &wakeups), None);
    }
    let (_, mut last) = all.pop().unwrap();
    assert!(is_exhausted(poll(&mut last, &wakeups)));
    tell.send(true).unwrap();
    assert_eq!(poll(&mut first, &wakeups), Some(Ok(())));
    pass_in_turn(all, &wakeups);
    assert!(guard.lines.is_empty());
}

#[test]
fn a_caller_called_from_a_full_line_and_refused_keeps_its_place() {
    let guard = AttemptGuard::new(Arc::new(limiter(2)));
    let wakeups = Arc::default();
    let (tell, mut held): (Vec<_>, Vec<_>) = (0..2).map(|_| attempt(&guard, &[ADA])).unzip();
    for held in &mut held {
        assert_eq!(poll(held, &wakeups), None);
    }
    let mut all: Vec<_> = (0..MAX_IN_LINE).map(|_| attempt(&guard, &[ADA])).collect();
    for (_, waiting) in &mut all {
        assert_eq!(poll(waiting, &wakeups), None);
    }
    for (n, tell) in tell.into_iter().enumerate() {
        tell.send(n > 0).unwrap();
    }
    assert_eq!(poll(&mut held[0], &wakeups), Some(Err(Failure::Wrong)));
    // The first was called, so there is room for one more until it returns.
    let (_, mut newcomer) = attempt(&guard, &[ADA]);
    assert_eq!(poll(&mut newcomer, &wakeups), None);
    assert_eq!(poll(&mut all[0].1, &wakeups), None);
    assert!(is_exhausted(poll(&mut newcomer, &wakeups)));
    assert_eq!(poll(&mut held[1], &wakeups), Some(Ok(())));
    pass_in_turn(all, &wakeups);
    assert!(guard.lines.is_empty());
}
