//! Many attempts at once, also with a limiter that takes its time.

use super::*;

/// A limiter that thinks about it: it yields before it answers, and after it has decided.
#[derive(Debug)]
struct Slow(MemoryLimiter);

#[async_trait]
impl AttemptLimiter for Slow {
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        yields().await;
        let taken = self.0.take(subjects).await;
        yields().await;
        taken
    }

    async fn give_back(&self, subjects: &[Subject]) {
        yields().await;
        self.0.give_back(subjects).await;
    }
}

async fn yields() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn any_number_of_right_ones_pass_a_limiter_that_awaits() {
    let gate = Gate::new(Arc::new(Slow(limiter(10))));
    let right = || async {
        let work = async {
            yields().await;
            Ok::<(), Failure>(())
        };
        gate.attempt(&[ADA, ALL], |_: &Failure| true, work).await
    };
    let mut all: Vec<_> = (0..40).map(|_| Box::pin(right())).collect();
    for attempt in futures(&mut all).await {
        assert_eq!(attempt, Ok(()));
    }
    assert!(gate.lines.is_empty());
}

/// Polls them side by side until all have ended.
async fn futures<F: Future + Unpin>(all: &mut [F]) -> Vec<F::Output> {
    let mut ended: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, ended) in all.iter_mut().zip(&mut ended) {
            if ended.is_none()
                && let Poll::Ready(output) = Pin::new(future).poll(context)
            {
                *ended = Some(output);
            }
        }
        if ended.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    ended.into_iter().flatten().collect()
}

#[tokio::test]
async fn guesses_at_once_are_no_more_than_the_attempts_with_a_limiter_that_awaits() {
    let gate = Gate::new(Arc::new(Slow(limiter(10))));
    let wrong = || async {
        let work = async {
            yields().await;
            Err::<(), Failure>(Failure::Wrong)
        };
        gate.attempt(&[ADA], |_: &Failure| true, work).await
    };
    let mut all: Vec<_> = (0..40).map(|_| Box::pin(wrong())).collect();
    let all = futures(&mut all).await;
    let judged = all
        .iter()
        .filter(|end| **end == Err(Failure::Wrong))
        .count();
    assert_eq!(judged, 10);
    assert!(gate.lines.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn none_of_thirty_two_thousand_right_reads_is_refused() {
    let gate = Arc::new(Gate::new(Arc::new(limiter(2))));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let gate = Arc::clone(&gate);
        tasks.spawn(async move {
            for _ in 0..1000 {
                let work = async {
                    tokio::task::yield_now().await;
                    Ok::<(), Failure>(())
                };
                let read = gate.attempt(&[ADA, ALL], |_: &Failure| true, work).await;
                assert_eq!(read, Ok(()));
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}
