//! Attempts: counted before they are made, given back when they succeed, and waited for while others are in flight.
//!
//! What is in flight counts as made, so that a thousand guesses at once are no more than one after the other. But a right password that waits
//! for its hash is no failure: who finds no attempt left stands in line while one is in flight at the same subject, and nowhere else.

mod line;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::line::Lines;
pub(crate) use self::line::Permit;
use super::{AttemptLimiter, Exhausted, Subject};

/// Counts attempts, and queues callers behind those in flight.
#[derive(Debug)]
pub(crate) struct Gate {
    limiter: Arc<dyn AttemptLimiter>,
    lines: Lines,
}

impl Gate {
    pub(crate) fn new(limiter: Arc<dyn AttemptLimiter>) -> Self {
        Self {
            limiter,
            lines: Lines::default(),
        }
    }

    /// Counts an attempt before it is made, and gives it back unless it failed as a guess does.
    ///
    /// Subjects are taken one after the other, the narrowest first: a token without attempts costs its namespace nothing, and nobody who
    /// holds the wider one waits for a narrower one.
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
        // Dropped before this, an attempt stays counted: nobody knows how it would have ended.
        if !result.as_ref().is_err_and(is_guess) {
            self.give_back(permits).await;
        }
        result
    }

    /// Takes one attempt, in turn. Who holds attempts at several subjects has taken them in the order of subjects: else two could wait for each other.
    pub(crate) async fn take(&self, subject: Subject) -> Result<Permit<'_>, Exhausted> {
        let mut asking = self.lines.ask(subject).await?;
        loop {
            match self.limiter.take(&[subject]).await {
                Ok(()) => return Ok(asking.taken()),
                Err(exhausted) => asking = asking.refused(exhausted).await?,
            }
        }
    }

    /// Counts an attempt that has failed already. It waits for nobody.
    #[cfg(feature = "vault")]
    pub(crate) async fn count(&self, subject: Subject) -> Result<(), Exhausted> {
        self.limiter.take(&[subject]).await
    }

    /// Gives attempts back before those in line are told that they are over.
    pub(crate) async fn give_back(&self, permits: Vec<Permit<'_>>) {
        if permits.is_empty() {
            return;
        }
        let subjects: Vec<Subject> = permits.iter().map(Permit::subject).collect();
        self.limiter.give_back(&subjects).await;
    }
}
