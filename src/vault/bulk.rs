//! Operations on all records at once, and how far they have come.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::sealed::{BoxFuture, Rewrapped, boxed};

use super::{Vault, VaultError, operation};

/// An operation on many records. Awaited, it gives a `T`.
///
/// See [`Vault::soft_delete_expired`], [`Vault::purge_expired`], [`Vault::purge_deleted`] and
/// [`Vault::rewrap`].
#[must_use = "nothing is done until this is awaited"]
pub struct Bulk<'a, T> {
    work: Work<'a, T>,
    progress: Progress<'a>,
}

type Work<'a, T> =
    Box<dyn FnOnce(Progress<'a>) -> BoxFuture<'a, Result<T, VaultError>> + Send + Sync + 'a>;

/// The caller's function that counts along. The lock is never contended: it makes the type `Sync`.
pub(super) struct Progress<'a>(Mutex<Box<dyn FnMut(u64) + Send + 'a>>);

impl<'a, T> Bulk<'a, T> {
    pub(super) fn new<F>(work: impl FnOnce(Progress<'a>) -> F + Send + Sync + 'a) -> Self
    where
        F: Future<Output = Result<T, VaultError>> + Send + 'a,
    {
        Self {
            work: Box::new(|progress| boxed(|| work(progress))),
            progress: Progress::new(|_| {}),
        }
    }

    /// Reports, again and again, how many records are done.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Progress::new(progress);
        self
    }
}

impl<'a> Progress<'a> {
    pub(super) fn new(report: impl FnMut(u64) + Send + 'a) -> Self {
        Self(Mutex::new(Box::new(report)))
    }

    pub(super) fn report(&mut self, count: u64) {
        let report = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        report(count);
    }
}

impl Vault {
    /// Seals the keysets of *all* namespaces again that the ring's current key did not seal. After
    /// that the retired key can leave the ring, and everything still opens.
    ///
    /// Values are not touched. You can stop and repeat it at any time. A keyset that was changed
    /// from outside, or that no key of the ring opens, is counted as [failed](Rewrapped::failed)
    /// and keeps no other from being sealed. Repeat until it [is done](Rewrapped::is_done), and
    /// keep the retired key until then.
    ///
    /// # Errors
    ///
    /// [`VaultError::Service`]. Keysets that were sealed again before the error stay so.
    pub fn rewrap(&self) -> Bulk<'_, Rewrapped> {
        Bulk::new(move |mut progress| async move {
            let observed = self.observe(operation::REWRAP);
            let work = async {
                let mut done = Rewrapped::default();
                let keysets = self.keysets(&observed);
                let report = |count| progress.report(count);
                keysets.rewrap(&observed, &mut done, report).await?;
                Ok(done)
            };
            observed.run(work).await
        })
    }
}

impl<'a, T> IntoFuture for Bulk<'a, T> {
    type Output = Result<T, VaultError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        (self.work)(self.progress)
    }
}

impl<T> fmt::Debug for Bulk<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bulk")
    }
}
