//! Guards attempts: counts each before it is made, gives it back when it succeeds, and queues
//! callers behind attempts in flight.
//!
//! An attempt in flight counts as made, so concurrent guesses gain nothing over sequential ones.
//! But an attempt with the right password that still waits for its hash is no failure. So a caller
//! who finds no attempt left waits while one is in flight on the same subject, and is refused
//! otherwise.

mod line;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::line::Lines;
pub(crate) use self::line::Permit;
use super::{AttemptLimiter, Exhausted, Subject};

/// Counts attempts, and queues callers behind those in flight.
#[derive(Debug)]
pub(crate) struct AttemptGuard {
    limiter: Arc<dyn AttemptLimiter>,
    lines: Lines,
}

impl AttemptGuard {
    pub(crate) fn new(limiter: Arc<dyn AttemptLimiter>) -> Self {
        Self {
            limiter,
            lines: Lines::default(),
        }
    }

    /// Counts an attempt before it is made, and gives it back unless it ends in an error that
    /// `is_guess` accepts.
    ///
    /// Subjects are taken one by one, the narrowest first. So a token without attempts left costs
    /// its namespace nothing, and no caller waits for a narrower subject while holding a wider one.
    pub(crate) async fn attempt<T, E: From<Exhausted>>(
        &self,
        subjects: &[Subject],
        is_guess: impl Fn(&E) -> bool + Send,
        work: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let mut permits = Vec::with_capacity(subjects.len());
        for subject in subjects {
            match self.take(*subject).await {
                Ok(permit) => permits.push(permit),
                Err(exhausted) => {
                    self.give_back(permits).await;
                    return Err(exhausted.into());
                }
            }
        }
        let result = work.await;
        // An attempt that is dropped before this line stays counted, since its outcome is unknown.
        if !result.as_ref().is_err_and(is_guess) {
            self.give_back(permits).await;
        }
        result
    }

    /// Takes one attempt, in turn. A caller that takes attempts on several subjects must take them
    /// in the order of subjects, or two callers could deadlock.
    pub(crate) async fn take(&self, subject: Subject) -> Result<Permit<'_>, Exhausted> {
        let mut asking = self.lines.ask(subject).await?;
        loop {
            match self.limiter.take(&[subject]).await {
                Ok(()) => return Ok(asking.taken()),
                Err(exhausted) => asking = asking.refused(exhausted).await?,
            }
        }
    }

    /// Counts an attempt that has already failed, without waiting.
    #[cfg(feature = "vault")]
    pub(crate) async fn count(&self, subject: Subject) -> Result<(), Exhausted> {
        self.limiter.take(&[subject]).await
    }

    /// Gives attempts back before the permits are dropped, which wakes the callers in line.
    pub(crate) async fn give_back(&self, permits: Vec<Permit<'_>>) {
        if permits.is_empty() {
            return;
        }
        let subjects: Vec<Subject> = permits.iter().map(Permit::subject).collect();
        self.limiter.give_back(&subjects).await;
    }
}
