//! Sending statements without waiting for each answer.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// A statement that is being sent.
pub(super) type Sending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub(super) fn boxed<'a, T>(sending: impl Future<Output = T> + Send + 'a) -> Sending<'a, T> {
    Box::pin(sending)
}

/// Sends all statements in order, then waits for each answer: the server answers in the same order.
pub(super) async fn in_order<T>(sending: Vec<Sending<'_, T>>) -> Vec<T> {
    enum Stage<'a, T> {
        Sent(Sending<'a, T>),
        Answered(T),
    }
    let mut stages = Vec::with_capacity(sending.len());
    for mut sending in sending {
        // The driver sends a statement when it is first polled.
        let first = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await;
        stages.push(match first {
            Poll::Ready(answer) => Stage::Answered(answer),
            Poll::Pending => Stage::Sent(sending),
        });
    }
    let mut answers = Vec::with_capacity(stages.len());
    for stage in stages {
        answers.push(match stage {
            Stage::Answered(answer) => answer,
            Stage::Sent(sending) => sending.await,
        });
    }
    answers
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn all_begin_before_any_is_waited_for() {
        let log = Mutex::new(Vec::new());
        let log = &log;
        let sending = (0..3).map(|n| {
            boxed(async move {
                log.lock().unwrap().push((n, "begins"));
                if n != 1 {
                    tokio::task::yield_now().await;
                }
                log.lock().unwrap().push((n, "ends"));
                n
            })
        });
        assert_eq!(in_order(sending.collect()).await, [0, 1, 2]);
        let seen = log.lock().unwrap().clone();
        let (first, rest) = seen.split_at(4);
        assert_eq!(
            first,
            [(0, "begins"), (1, "begins"), (1, "ends"), (2, "begins")]
        );
        assert_eq!(rest, [(0, "ends"), (2, "ends")]);
    }
}
