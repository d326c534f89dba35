//! Builders that are awaited, and operations on many records, which report their progress.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use crate::crypto::secret::{DEEP, overwrite_stack};

/// The future of an awaited builder.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Lets a builder be awaited: that calls its `run`.
macro_rules! awaited {
    ($($builder:ty => $output:ty),+ $(,)?) => {$(
        impl<'a> IntoFuture for $builder {
            type Output = $output;
            type IntoFuture = $crate::sealed::BoxFuture<'a, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                $crate::sealed::boxed(move || self.run())
            }
        }
    )+};
}
pub(crate) use awaited;

/// Moves a future to the heap, with nothing of what earlier calls left on the stack.
///
/// A future that has not run is mostly unused bytes, and its move copies what was on the stack.
/// Optimised builds keep secrets off the stack in any case; others do not.
pub(crate) fn boxed<'a, F>(make: impl FnOnce() -> F) -> BoxFuture<'a, F::Output>
where
    F: Future + Send + 'a,
{
    overwrite_stack::<DEEP>();
    on_fresh_stack(make)
}

/// A function of its own, so that its frame lies where the stack was overwritten.
#[inline(never)]
fn on_fresh_stack<'a, F>(make: impl FnOnce() -> F) -> BoxFuture<'a, F::Output>
where
    F: Future + Send + 'a,
{
    Box::pin(make())
}

/// An operation on many records, such as a purge. Awaited, it returns a `T`, or an `E` if it fails.
///
/// ```
/// # use sealtoken::store::MemoryStore;
/// # use sealtoken::vault::{Vault, VaultError};
/// # use sealtoken::{Key, KeyRing};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), VaultError> {
/// # let keys = KeyRing::new(Key::generate());
/// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
/// let purge = vault.purge_expired().progress(|count| println!("{count} so far"));
/// let done = purge.await?;
/// println!("{} removed, {} tampered with", done.count, done.tampered);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is done until this is awaited"]
pub struct Bulk<'a, T, E> {
    work: Work<'a, T, E>,
    progress: Progress<'a>,
}

type Work<'a, T, E> =
    Box<dyn FnOnce(Progress<'a>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'a>;

/// The caller's function that gets the progress. The lock is never contended: it makes the type
/// `Sync`.
pub(crate) struct Progress<'a>(Mutex<Box<dyn FnMut(u64) + Send + 'a>>);

impl<'a, T, E> Bulk<'a, T, E> {
    pub(crate) fn new<F>(work: impl FnOnce(Progress<'a>) -> F + Send + Sync + 'a) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'a,
    {
        Self {
            work: Box::new(|progress| boxed(|| work(progress))),
            progress: Progress::default(),
        }
    }

    /// Reports the number of records done so far, each time it grows; for a rewrap, the number of
    /// keysets examined.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Progress::new(progress);
        self
    }
}

impl<'a> Progress<'a> {
    pub(crate) fn new(report: impl FnMut(u64) + Send + 'a) -> Self {
        Self(Mutex::new(Box::new(report)))
    }

    pub(crate) fn report(&mut self, count: u64) {
        let report = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        report(count);
    }
}

/// Reports nothing.
impl Default for Progress<'_> {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl<'a, T, E> IntoFuture for Bulk<'a, T, E> {
    type Output = Result<T, E>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        (self.work)(self.progress)
    }
}

impl<T, E> fmt::Debug for Bulk<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bulk")
    }
}
