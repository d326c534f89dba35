//! Many concurrent attempts, with fast and slow limiters.

use super::*;

/// A slow limiter: it yields before it decides and before it answers.
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
async fn any_number_of_right_attempts_pass_a_slow_limiter() {
    let guard = AttemptGuard::new(Arc::new(Slow(limiter(10))));
    let right = || async {
        let work = async {
            yields().await;
            Ok::<(), Failure>(())
        };
        guard.attempt(&[ADA, ALL], |_: &Failure| true, work).await
    };
    let mut all: Vec<_> = (0..40).map(|_| Box::pin(right())).collect();
    for attempt in futures(&mut all).await {
        assert_eq!(attempt, Ok(()));
    }
    assert!(guard.lines.is_empty());
}

/// Polls the futures side by side until all have ended.
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
async fn concurrent_guesses_never_exceed_the_attempts_of_a_slow_limiter() {
    let guard = AttemptGuard::new(Arc::new(Slow(limiter(10))));
    let wrong = || async {
        let work = async {
            yields().await;
            Err::<(), Failure>(Failure::Wrong)
        };
        guard.attempt(&[ADA], |_: &Failure| true, work).await
    };
    let mut all: Vec<_> = (0..40).map(|_| Box::pin(wrong())).collect();
    let all = futures(&mut all).await;
    let judged = all
        .iter()
        .filter(|end| **end == Err(Failure::Wrong))
        .count();
    assert_eq!(judged, 10);
    assert!(guard.lines.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn none_of_32_000_concurrent_right_reads_is_refused() {
    let guard = Arc::new(AttemptGuard::new(Arc::new(limiter(2))));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let guard = Arc::clone(&guard);
        tasks.spawn(async move {
            for _ in 0..1000 {
                let work = async {
                    tokio::task::yield_now().await;
                    Ok::<(), Failure>(())
                };
                let read = guard.attempt(&[ADA, ALL], |_: &Failure| true, work).await;
                assert_eq!(read, Ok(()));
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}
