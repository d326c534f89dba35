//! Operations on all tokens: clean-up, and the last step of a rotation of keys.

use crate::sealed::{Bulk, Rewrapped, ServiceError, Tally};

use super::{KEYSET, PatError, PersonalAccessTokens, names, operation};

/// How many records a purge removes at a time.
const PAGE: u32 = 500;

impl PersonalAccessTokens {
    /// Deletes the tokens that expired longer ago than
    /// [`keep_expired`](super::PatOptions::keep_expired) was when the token was last written, and
    /// the revoked ones whose [`purge_after`](super::Revoke::purge_after) has passed.
    ///
    /// Returns their number as `count`; `tampered` is always 0, because no record is opened. An
    /// engine with a time to live of its own, such as DynamoDB, deletes them by itself.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens) -> Result<(), PatError> {
    /// let done = pats.purge_expired().progress(|count| println!("{count} so far")).await?;
    /// println!("{} were deleted", done.count);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::Service`]. Tokens that were deleted before the error stay deleted.
    pub fn purge_expired(&self) -> Bulk<'_, Tally, PatError> {
        Bulk::new(move |mut progress| async move {
            let observed = self.observe(operation::PURGE_EXPIRED);
            let purge = async {
                let tokens = self.tokens(&observed);
                let now = tokens.now();
                let mut done = Tally::default();
                loop {
                    observed.count(done.count);
                    match tokens.store().purge(&names::TOKENS, now, PAGE).await {
                        // A store may skip rows that others have locked, so a short page is not
                        // the last one. No more records become due meanwhile.
                        Ok(0) => return Ok(done),
                        Ok(removed) => {
                            done.count = done.count.saturating_add(removed.into());
                            progress.report(done.count);
                        }
                        Err(error) => {
                            return Err(ServiceError::from(error).after(done.count).into());
                        }
                    }
                }
            };
            observed.run(purge).await
        })
    }

    /// Seals the keyset again with the ring's current key: the last step of a rotation, before you
    /// remove the retired key from the ring.
    ///
    /// It is one record, and no token changes. [`open`](PersonalAccessTokens::open) tries this,
    /// too, if a retired key sealed the keyset, but reports no failure.
    ///
    /// ```
    /// # use sealtoken::pat::PersonalAccessTokens;
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (old, store) = (Key::generate(), MemoryStore::new());
    /// # PersonalAccessTokens::open(store.clone(), &KeyRing::new(old.clone())).await?;
    /// let rotated = KeyRing::new(Key::generate()).with_retired(old)?;
    /// let pats = PersonalAccessTokens::open(store, &rotated).await?;
    /// assert_eq!(pats.rewrap().await?.failed, 0);
    /// assert!(pats.rewrap().await?.is_done()); // `old` is no longer needed
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::Service`]: keep the retired key. A keyset that cannot be opened is an error, and
    /// not counted as [failed](Rewrapped::failed).
    pub fn rewrap(&self) -> Bulk<'_, Rewrapped, PatError> {
        Bulk::new(move |mut progress| async move {
            let observed = self.observe(operation::REWRAP);
            let rewrap = async {
                observed.count(0);
                let keysets = self.tokens(&observed).keysets();
                let done = keysets.rewrap_known(KEYSET).await?;
                observed.count(done.resealed);
                progress.report(1);
                Ok(done)
            };
            observed.run(rewrap).await
        })
    }
}
