//! Limits how often a secret may be guessed.
//!
//! An attempt is counted *before* it is made and given back when it succeeds. So a thousand
//! concurrent guesses are a thousand attempts, and an attempt that is cancelled counts. Keyed
//! hashes of personal access tokens are the exception: they count only failures, afterwards.

mod blocking_pool;
mod guard;
mod memory;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub(crate) use blocking_pool::{BlockingPool, PoolError, QueueId, WhenFull};
pub(crate) use guard::{AttemptGuard, Permit};
pub use memory::{Allowance, MemoryLimiter};

/// The subject that attempts are counted for: a kind and a keyed hash. It reveals no token.
///
/// Subjects are ordered: a single thing comes before everything in a scope.
///
/// ```
/// use sealtoken::limits::{Subject, SubjectKind};
///
/// const ADDRESS: SubjectKind = SubjectKind::one("app.address");
/// let subject = Subject::new(ADDRESS, [7; 16]); // 16 bytes of a keyed hash
/// assert_eq!(subject.to_string(), format!("app.address:{}", "07".repeat(16)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    kind: SubjectKind,
    id: [u8; 16],
}

/// The kind of a subject, by its stable name. Each service declares its own, such as
/// [`vault::subject::TOKEN`](crate::vault::subject::TOKEN).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectKind {
    is_scope: bool,
    name: &'static str,
}

impl SubjectKind {
    /// A kind that stands for one thing: a token, a client, an address.
    #[must_use]
    pub const fn one(name: &'static str) -> Self {
        Self {
            is_scope: false,
            name,
        }
    }

    /// A kind that stands for everything in a scope: a namespace, a service.
    #[must_use]
    pub const fn scope(name: &'static str) -> Self {
        Self {
            is_scope: true,
            name,
        }
    }

    /// Whether the kind stands for everything in a scope.
    #[must_use]
    pub const fn is_scope(self) -> bool {
        self.is_scope
    }
}

impl Subject {
    /// A subject of this kind. The id must be a keyed hash, so that it reveals nothing.
    #[must_use]
    pub const fn new(kind: SubjectKind, id: [u8; 16]) -> Self {
        Self { kind, id }
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        self.kind
    }
}

impl fmt::Display for Subject {
    /// Writes the kind and the hash, for the key of an external counter: `vault.token:0f3a…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u128::from_be_bytes(self.id);
        write!(f, "{}:{id:032x}", self.kind.name)
    }
}

/// No attempt is left for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exhausted {
    /// How long until the next attempt is available.
    pub retry_after: Duration,
}

impl Exhausted {
    /// No attempt is left for this long.
    #[must_use]
    pub const fn new(retry_after: Duration) -> Self {
        Self { retry_after }
    }
}

/// Counts failed attempts. [`MemoryLimiter`] counts within one process; an implementation over a
/// shared cache counts across servers.
///
/// ```
/// use sealtoken::limits::{AttemptLimiter, Exhausted, MemoryLimiter, Subject};
///
/// #[derive(Debug, Default)]
/// struct Logged(MemoryLimiter);
///
/// #[async_trait::async_trait]
/// impl AttemptLimiter for Logged {
///     async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
///         let taken = self.0.take(subjects).await;
///         taken.inspect_err(|error| eprintln!("{subjects:?}: {error:?}"))
///     }
///
///     async fn give_back(&self, subjects: &[Subject]) {
///         self.0.give_back(subjects).await;
///     }
/// }
/// ```
#[async_trait]
pub trait AttemptLimiter: fmt::Debug + Send + Sync + 'static {
    /// Takes one attempt from each subject, or from none of them.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if any subject has no attempt left.
    async fn take(&self, subjects: &[Subject]) -> Result<(), Exhausted>;

    /// Gives one attempt back to each subject, because it was no failed guess: it succeeded, or
    /// could not be judged. Never reset the count here.
    async fn give_back(&self, subjects: &[Subject]);
}

/// No limit, for applications that limit attempts themselves.
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
