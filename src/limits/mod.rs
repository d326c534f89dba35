//! Layer 3: how often a secret may be tried.
//!
//! An attempt is counted *before* it is made, and given back when it succeeds: a thousand guesses at once are a
//! thousand attempts, and one that is cut off counts.

mod at_once;
mod gate;
mod memory;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub(crate) use at_once::{AtOnce, Lane, NotRun, Patience};
pub(crate) use gate::Gate;
#[cfg(feature = "vault")]
pub(crate) use gate::Permit;
pub use memory::{Allowance, MemoryLimiter};

/// What attempts are counted for. It holds hashes, no token and no name. The narrower comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// One token.
    Token([u8; 16]),
    /// Everything in one namespace.
    Namespace([u8; 16]),
}

/// The attempts are used up for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// After this long there will be another one.
    pub retry_after: Duration,
}

/// Counts failed attempts. [`MemoryLimiter`] does so in one process; one over a shared cache does so for all servers.
#[async_trait]
pub trait AttemptLimiter: fmt::Debug + Send + Sync + 'static {
    /// Takes one attempt from each of the subjects, or none from any.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when one of them has none left.
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted>;

    /// Gives the attempts back, after one that succeeded.
    async fn give_back(&self, subjects: &[Subject]);
}

/// No limit: for those who limit before they call.
#[async_trait]
impl AttemptLimiter for () {
    async fn take(&self, _: &[Subject]) -> Result<(), Exhausted> {
        Ok(())
    }

    async fn give_back(&self, _: &[Subject]) {}
}

#[async_trait]
impl<L: AttemptLimiter + ?Sized> AttemptLimiter for std::sync::Arc<L> {
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        (**self).take(subjects).await
    }

    async fn give_back(&self, subjects: &[Subject]) {
        (**self).give_back(subjects).await;
    }
}
