//! Sealing all keysets again with the ring's current key.

use crate::sealed::{Bulk, Rewrapped};

use super::{Vault, VaultError, operation};

impl Vault {
    /// Seals the keysets of *all* namespaces again that the ring's current key did not seal. After
    /// that you can remove the retired key from the ring, and everything still opens.
    ///
    /// Values are not touched. You can stop and repeat it at any time. A keyset that is damaged or
    /// tampered with, or that no key of the ring opens, is counted as [failed](Rewrapped::failed)
    /// and does not stop the others. Repeat until it [is done](Rewrapped::is_done), and keep the
    /// retired key until then.
    ///
    /// ```
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::vault::Vault;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (old, store) = (Key::generate(), MemoryStore::new());
    /// # Vault::open(store.clone(), &KeyRing::new(old.clone())).await?.create("v").await?;
    /// let rotated = KeyRing::new(Key::generate()).with_retired(old)?;
    /// let vault = Vault::open(store, &rotated).await?;
    /// let done = vault.rewrap().await?;
    /// assert_eq!((done.resealed, done.failed), (2, 0)); // the vault's keyset, and a namespace's
    /// assert!(vault.rewrap().await?.is_done()); // `old` is no longer needed
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::Service`]. Keysets that were sealed again before the error keep their new
    /// seal.
    pub fn rewrap(&self) -> Bulk<'_, Rewrapped, VaultError> {
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
