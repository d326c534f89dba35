//! The life of a token: revoked, restored, given another secret, removed.

use std::time::Duration;

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::events::Operation;
use crate::sealed::{Committed, End, Rounds, commit, expectable};
use crate::store::Change;
use crate::token::Lifetime;

use super::issue::{Generated, Issued};
use super::owned::Target;
use super::record::Origin;
use super::row::{Before, Facts};
use super::{PatError, PatId, PatRecord, PersonalAccessTokens, SecretHash, names};

/// How many records a purge removes at once.
const PAGE: u32 = 500;

impl PersonalAccessTokens {
    /// Revokes a token: it is refused from now on, and stays in the store. One that is revoked stays as it is. Its end is not touched.
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Tampered`], [`PatError::Store`].
    pub async fn revoke(&self, id: &PatId) -> Result<PatRecord, PatError> {
        self.revoke_any(id.into(), None).await
    }

    /// Revokes a token, and lets it be removed so long from now. One that is revoked gets this time.
    ///
    /// # Errors
    ///
    /// As for [`revoke`](PersonalAccessTokens::revoke), and [`PatError::Lifetime`].
    pub async fn revoke_and_purge(
        &self,
        id: &PatId,
        after: Lifetime,
    ) -> Result<PatRecord, PatError> {
        self.revoke_any(id.into(), Some(End::In(after))).await
    }

    pub(super) async fn revoke_any(
        &self,
        target: Target<'_>,
        purge: Option<End>,
    ) -> Result<PatRecord, PatError> {
        let change = |facts: &mut Facts, now: UnixTime| {
            facts.revoked.get_or_insert(now.as_secs());
            if let Some(purge) = purge {
                facts.purge = purge.seconds(now)?;
            }
            Ok(())
        };
        let revoked = self.change(target, change).await;
        let revoked = revoked.map(|row| row.into_record(false));
        self.report(Operation::PatRevoke, Some(target.id), None, revoked)
    }

    /// Brings back a revoked token, with the end that it had: one that has expired meanwhile stays expired. One that is not revoked stays as it is.
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Tampered`], [`PatError::Store`].
    pub async fn restore(&self, id: &PatId) -> Result<PatRecord, PatError> {
        let change = |facts: &mut Facts, _| {
            facts.revoked = None;
            facts.purge = None;
            Ok(())
        };
        let restored = self.change(id.into(), change).await;
        let restored = restored.map(|row| row.into_record(false));
        self.report(Operation::PatRestore, Some(id), None, restored)
    }

    /// Gives a token a new secret. The one before is good for the overlap, in whole seconds, so that nobody who uses it is cut off; after that it is
    /// `expired`. Without an overlap it is gone at once, whatever any clock shows, and `invalid_secret`.
    ///
    /// Where its [effect](crate::store::Effect) is unknown, the new secret is gone with the error, and the one before may be good for no more than the
    /// overlap: rotate again. Where that must not happen, use [`generate_as`](PersonalAccessTokens::generate_as) and
    /// [`rotate_to`](PersonalAccessTokens::rotate_to), which can be asked for again.
    ///
    /// The id stays, and so does everything else. Of two rotations within one overlap, only the last but one secret stays good beside the last.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealtoken::pat::{PatError, PatId, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens, id: PatId) -> Result<(), PatError> {
    /// let issued = pats.rotate(&id, Duration::from_secs(86_400)).await?;
    /// println!("{}", issued.token.expose());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Revoked`], [`PatError::Expired`], [`PatError::Tampered`], [`PatError::Store`].
    pub async fn rotate(&self, id: &PatId, overlap: Duration) -> Result<Issued, PatError> {
        self.rotate_any(id.into(), overlap).await
    }

    pub(super) async fn rotate_any(
        &self,
        target: Target<'_>,
        overlap: Duration,
    ) -> Result<Issued, PatError> {
        let rotated = self.try_rotate(target, overlap).await;
        self.report(Operation::PatRotate, Some(target.id), None, rotated)
    }

    async fn try_rotate(&self, target: Target<'_>, overlap: Duration) -> Result<Issued, PatError> {
        let Generated { token, hash, .. } = self.generate_as(*target.id)?;
        let record = self.try_rotate_to(target, &hash, overlap, |origin| origin);
        let record = record.await?;
        Ok(Issued {
            token,
            record,
            hash,
        })
    }

    /// Gives a token a new secret that is in safe hands already: one of [`generate_as`](PersonalAccessTokens::generate_as), by its hash, or with an scrypt hash
    /// one of `@access-tokens/core`. A token that was issued here counts as [registered](super::Origin::Registered) from then on.
    ///
    /// Where the answer is lost it can be asked for again, with the same hash: a rotation that was done is not done twice, and the secret before it stays good for its overlap.
    /// Where somebody else has rotated since, it is [`PatError::RotatedOut`].
    ///
    /// A record knows its present hash and the one before, and nothing of a secret that was rotated
    /// out without an overlap, or by two rotations, or whose scrypt hash was
    /// [upgraded](super::PatOptions::upgrade_hashes) meanwhile: such a one is rotated to once more.
    /// So ask again soon, and where others rotate the same token, look at it before.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealtoken::pat::{PatError, PatId, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens, id: PatId) -> Result<(), PatError> {
    /// let generated = pats.generate_as(id)?;
    /// println!("{}", generated.token.expose());
    /// pats.rotate_to(&id, generated.hash, Duration::from_secs(86_400)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`rotate`](PersonalAccessTokens::rotate), [`PatError::Hash`] for a hash that was made
    /// under the keys of another store, and [`PatError::RotatedOut`] for that of the secret before.
    pub async fn rotate_to(
        &self,
        id: &PatId,
        hash: SecretHash,
        overlap: Duration,
    ) -> Result<PatRecord, PatError> {
        self.rotate_to_any(id.into(), hash, overlap).await
    }

    pub(super) async fn rotate_to_any(
        &self,
        target: Target<'_>,
        hash: SecretHash,
        overlap: Duration,
    ) -> Result<PatRecord, PatError> {
        let rotated = async {
            self.shared.hasher.check(&hash)?;
            // A keyed hash does not show whether it is of a text of ours.
            let origin = Origin::of_other_secret;
            self.try_rotate_to(target, &hash, overlap, origin).await
        };
        self.report(Operation::PatRotate, Some(target.id), None, rotated.await)
    }

    async fn try_rotate_to(
        &self,
        target: Target<'_>,
        hash: &SecretHash,
        overlap: Duration,
        origin: impl Fn(Origin) -> Origin + Send + Sync,
    ) -> Result<PatRecord, PatError> {
        let overlap = i64::try_from(overlap.as_secs()).unwrap_or(i64::MAX);
        let change = |facts: &mut Facts, now: UnixTime| {
            // Done before, by a write whose answer was lost: once more would take the overlap from the secret before.
            if facts.hash == *hash {
                if overlap == 0 {
                    facts.before = None;
                }
                return Ok(());
            }
            // It was done before, and so was another rotation since: what that took out stays out.
            if facts
                .before
                .as_ref()
                .is_some_and(|before| before.hash == *hash)
            {
                return Err(PatError::RotatedOut);
            }
            if facts.revoked.is_some() {
                return Err(PatError::Revoked);
            }
            if facts.is_expired(now) {
                return Err(PatError::Expired);
            }
            let replaced = Before {
                hash: std::mem::replace(&mut facts.hash, hash.clone()),
                until: now.saturating_add(overlap).as_secs().min(MAX_SECONDS),
            };
            // Without an overlap nothing is kept that a clock would have to judge.
            facts.before = (overlap > 0).then_some(replaced);
            facts.origin = origin(facts.origin);
            Ok(())
        };
        Ok(self.change(target, change).await?.into_record(false))
    }

    /// Removes a token at once, also one whose record was changed from outside. A token that is only revoked can still be named in an audit.
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Store`].
    pub async fn delete(&self, id: &PatId) -> Result<(), PatError> {
        self.delete_any(id.into()).await
    }

    pub(super) async fn delete_any(&self, target: Target<'_>) -> Result<(), PatError> {
        let forget = self.forget(target.id);
        let deleted = self.try_delete(target).await;
        drop(forget);
        self.report(Operation::PatDelete, Some(target.id), None, deleted)
    }

    async fn try_delete(&self, target: Target<'_>) -> Result<(), PatError> {
        let key = self.key(target.id);
        let mut rounds = Rounds::default();
        let mut there = self.store().get(&key).await?;
        loop {
            rounds.next().await?;
            let record = there.ok_or(PatError::NotFound)?;
            // One that nobody can read can be removed, but it has no owner who may ask for it.
            if target.is_owned() {
                target.check(&self.open_row(&record)?.facts)?;
            }
            let expected = expectable(&record);
            let key = key.clone();
            match commit(self.store(), &[Change::Remove { key, expected }]).await? {
                Committed::Written => return Ok(()),
                // Changed or removed meanwhile: perhaps it is another's by now.
                Committed::Conflict { current, .. } => there = current,
            }
        }
    }

    /// Removes the tokens whose time is over: those whose end lies back as far as [`keep_expired`](super::PatOptions::keep_expired) says, and those that
    /// were revoked with a time for it. Gives their number. An engine with a time to live of its own, such as DynamoDB, does it by itself.
    ///
    /// # Errors
    ///
    /// [`PatError::Store`]. What was removed before stays removed.
    pub async fn purge(&self) -> Result<u64, PatError> {
        let now = self.now();
        let mut count = 0_u64;
        let result = loop {
            match self.store().purge(&names::TOKENS, now, PAGE).await {
                // A store may give up a page to others who are at the same rows. So only none is
                // all of them; more do not become due.
                Ok(0) => break Ok(count),
                Ok(removed) => count = count.saturating_add(removed.into()),
                // Pages that were done before stay done.
                Err(error) if count > 0 => break Err(error.after_some().into()),
                Err(error) => break Err(error.into()),
            }
        };
        self.report(Operation::PatPurge, None, Some(count), result)
    }
}
