//! Refusals that are long on their way: what they say may be over when they arrive.

use tokio::sync::Semaphore;

use super::*;

/// A limiter that decides at once, and holds each refusal until it is let through.
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
            // A permit lets one of them through, and closing it lets all.
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

fn held(burst: u32) -> (Arc<Held>, Gate) {
    let held = Arc::new(Held {
        limiter: limiter(burst),
        opened: Semaphore::new(0),
    });
    (held.clone(), Gate::new(held))
}

#[test]
fn a_refusal_that_arrives_after_the_attempt_came_back_refuses_nobody() {
    for right in [true, false] {
        let (held, gate) = held(1);
        let wakeups = Arc::default();
        let (tell, mut first) = attempt(&gate, &[ADA]);
        let (tell_second, mut second) = attempt(&gate, &[ADA]);
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
        assert!(gate.lines.is_empty());
    }
}

#[test]
fn a_refusal_that_arrives_after_the_attempt_came_back_waits_for_nobody_else() {
    let (held, gate) = held(2);
    let wakeups = Arc::default();
    let (tell, mut all): (Vec<_>, Vec<_>) = (0..3).map(|_| attempt(&gate, &[ADA])).unzip();
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
    assert!(gate.lines.is_empty());
}

#[test]
fn who_was_called_and_is_refused_late_asks_again_too() {
    let (held, gate) = held(2);
    let wakeups = Arc::default();
    let (tell, mut all): (Vec<_>, Vec<_>) = (0..3).map(|_| attempt(&gate, &[ADA])).unzip();
    held.opened.add_permits(1);
    for attempt in &mut all {
        assert_eq!(poll(attempt, &wakeups), None);
    }
    // The third is in line, and called by the first, which failed. Its second refusal is held.
    for (n, tell) in tell.into_iter().enumerate() {
        tell.send(n > 0).unwrap();
    }
    assert_eq!(poll(&mut all[0], &wakeups), Some(Err(Failure::Wrong)));
    assert_eq!(poll(&mut all[2], &wakeups), None);
    assert_eq!(poll(&mut all[1], &wakeups), Some(Ok(())));
    held.opened.close();
    assert_eq!(poll(&mut all[2], &wakeups), Some(Ok(())));
    assert!(gate.lines.is_empty());
}
