//! Attempts: counted before they are made, given back when they succeed, and waited for while others are in flight.
//!
//! What is in flight counts as made, so that a thousand guesses at once are no more than one after the other. But a right password that waits
//! for its hash is no failure: who comes behind it waits for its end instead of being refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::{AttemptLimiter, Exhausted, Subject};

/// The attempts of this process that have not ended.
#[derive(Debug, Default)]
struct InFlight {
    subjects: Mutex<HashMap<Subject, Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    count: usize,
    ended: Arc<Notify>,
}

impl InFlight {
    fn begin(&self, subjects: &[Subject]) {
        let mut all = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects {
            let waiting = all.entry(*subject).or_default();
            waiting.count = waiting.count.saturating_add(1);
        }
    }

    fn end(&self, subjects: &[Subject]) {
        let mut all = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects {
            let Some(waiting) = all.get_mut(subject) else {
                continue;
            };
            waiting.count = waiting.count.saturating_sub(1);
            waiting.ended.notify_waiters();
            if waiting.count == 0 {
                all.remove(subject);
            }
        }
    }

    /// What tells when one of the attempts at these subjects ends; none where none is under way.
    fn any(&self, subjects: &[Subject]) -> Option<Arc<Notify>> {
        let all = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = subjects.iter().find_map(|subject| all.get(subject));
        waiting.map(|waiting| Arc::clone(&waiting.ended))
    }
}

/// An attempt under way. Dropped before its end, it stays counted: nobody knows how it would have ended.
struct Permit<'a> {
    in_flight: &'a InFlight,
    subjects: &'a [Subject],
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.in_flight.end(self.subjects);
    }
}

/// What attempts go through.
#[derive(Debug)]
pub(crate) struct Gate {
    limiter: Arc<dyn AttemptLimiter>,
    in_flight: InFlight,
}

impl Gate {
    pub(crate) fn new(limiter: Arc<dyn AttemptLimiter>) -> Self {
        Self {
            limiter,
            in_flight: InFlight::default(),
        }
    }

    /// Counts an attempt before it is made, and gives it back unless it failed as a guess does.
    pub(crate) async fn attempt<T, E: From<Exhausted>>(
        &self,
        subjects: &[Subject],
        is_guess: impl Fn(&E) -> bool + Send,
        work: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let permit = self.permit(subjects).await?;
        let result = work.await;
        if !result.as_ref().is_err_and(is_guess) {
            self.limiter.give_back(subjects).await;
        }
        drop(permit);
        result
    }

    async fn permit<'a>(&'a self, subjects: &'a [Subject]) -> Result<Permit<'a>, Exhausted> {
        let in_flight = &self.in_flight;
        loop {
            // Asked before the attempt is taken: an end in between is not missed.
            let ended = in_flight.any(subjects);
            let ended = ended.as_deref().map(Notify::notified);
            let mut ended = std::pin::pin!(ended);
            if let Some(ended) = ended.as_mut().as_pin_mut() {
                ended.enable();
            }
            match self.limiter.take(subjects).await {
                Ok(()) => {
                    in_flight.begin(subjects);
                    return Ok(Permit {
                        in_flight,
                        subjects,
                    });
                }
                Err(exhausted) => match ended.as_pin_mut() {
                    Some(ended) => ended.await,
                    None => return Err(exhausted),
                },
            }
        }
    }
}
