//! A new secret for a token.

use std::time::Duration;

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::sealed::awaited;

use super::issue::{Generated, Issued};
use super::owned::Target;
use super::record::Origin;
use super::row::{Meta, Previous};
use super::tokens::Tokens;
use super::{PatError, PatId, PatRecord, PersonalAccessTokens, SecretHash, operation};

/// Gives a token a new secret: [`PersonalAccessTokens::rotate`].
///
/// `S` is the source of the secret. One drawn here gives an [`Issued`] when it is awaited; one made
/// elsewhere, after [`to`](Rotate::to), gives a [`PatRecord`].
#[derive(Debug, Clone)]
#[must_use = "nothing is changed until this is awaited"]
pub struct Rotate<'a, S = ()> {
    pats: &'a PersonalAccessTokens,
    target: Target<'a>,
    overlap: Duration,
    secret: S,
}

impl PersonalAccessTokens {
    /// Gives a token a new secret. Its id and all else stay. The previous secret is refused at
    /// once, unless you set an [`overlap`](Rotate::overlap).
    ///
    /// If the [effect](crate::store::Effect) of an error is unknown, the new secret is lost, and
    /// the previous one may be valid for no longer than the overlap: rotate again. To avoid that,
    /// generate the secret first and rotate [`to`](Rotate::to) it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealtoken::pat::{PatError, PatId, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens, id: PatId) -> Result<(), PatError> {
    /// let issued = pats.rotate(id).overlap(Duration::from_secs(86_400)).await?;
    /// println!("{}", issued.token.expose());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Revoked`], [`PatError::Expired`], [`PatError::Service`].
    pub fn rotate(&self, id: PatId) -> Rotate<'_> {
        self.rotate_target(id.into())
    }

    pub(super) fn rotate_target<'a>(&'a self, target: Target<'a>) -> Rotate<'a> {
        Rotate {
            pats: self,
            target,
            overlap: Duration::ZERO,
            secret: (),
        }
    }
}

impl<'a> Rotate<'a> {
    /// Rotates to a secret that is in safe hands already: one from
    /// [`generate_as`](PersonalAccessTokens::generate_as), by its hash, or, with an scrypt hash,
    /// one of `@access-tokens/core`. A token that was issued here counts as
    /// [registered](super::Origin::Registered) from then on.
    ///
    /// If the reply is lost, repeat it with the same hash: a rotation is not done twice, and the
    /// previous secret stays valid for its overlap. If somebody else has rotated the token since,
    /// this is [`PatError::RotatedOut`].
    ///
    /// A record keeps the current hash and the previous one. It does not remember a secret that was
    /// replaced without an overlap, or by two rotations, or whose scrypt hash was
    /// [upgraded](super::PatOptions::upgrade_hashes): such a rotation is done once more. So repeat
    /// it soon, and look at the token first if others rotate it, too.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealtoken::pat::{PatError, PatId, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens, id: PatId) -> Result<(), PatError> {
    /// let generated = pats.generate_as(id)?;
    /// println!("{}", generated.token.expose());
    /// pats.rotate(id).to(generated.hash).overlap(Duration::from_secs(86_400)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`rotate`](PersonalAccessTokens::rotate), [`PatError::Hash`] for a hash that was made
    /// under the keys of another store, and [`PatError::RotatedOut`] for the previous one.
    pub fn to(self, hash: SecretHash) -> Rotate<'a, SecretHash> {
        Rotate {
            pats: self.pats,
            target: self.target,
            overlap: self.overlap,
            secret: hash,
        }
    }

    async fn run(self) -> Result<Issued, PatError> {
        let observed = self.pats.observe_one(operation::ROTATE, self.target.id);
        let rotate = async {
            let Generated { token, hash, .. } = self.pats.generate_as(self.target.id)?;
            let tokens = self.pats.tokens(&observed);
            let rotated = tokens.rotate(self.target, &hash, self.overlap, |origin| origin);
            let record = rotated.await?;
            Ok(Issued {
                token,
                record,
                hash,
            })
        };
        observed.run(rotate).await
    }
}

impl<S> Rotate<'_, S> {
    /// How long the previous secret stays valid, in whole seconds, so that nobody who uses it is
    /// cut off. After that it is `expired`. Without an overlap it is `invalid_secret` at once,
    /// whatever any clock shows.
    ///
    /// After two rotations within one overlap, only the newest and the one before it are accepted.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.overlap = overlap;
        self
    }
}

impl Rotate<'_, SecretHash> {
    async fn run(self) -> Result<PatRecord, PatError> {
        let observed = self.pats.observe_one(operation::ROTATE, self.target.id);
        let rotate = async {
            self.pats.shared.hasher.check(&self.secret)?;
            // A keyed hash does not show whether its text is one of ours.
            let origin = Origin::with_other_secret;
            let tokens = self.pats.tokens(&observed);
            tokens
                .rotate(self.target, &self.secret, self.overlap, origin)
                .await
        };
        observed.run(rotate).await
    }
}

awaited! {
    Rotate<'a> => Result<Issued, PatError>,
    Rotate<'a, SecretHash> => Result<PatRecord, PatError>,
}

impl Tokens<'_> {
    async fn rotate(
        self,
        target: Target<'_>,
        hash: &SecretHash,
        overlap: Duration,
        origin: impl Fn(Origin) -> Origin + Send + Sync,
    ) -> Result<PatRecord, PatError> {
        let overlap = i64::try_from(overlap.as_secs()).unwrap_or(i64::MAX);
        let change = |meta: &mut Meta, now: UnixTime| {
            // A write whose reply was lost has done it. A second one would end the overlap of the
            // previous secret.
            if meta.hash == *hash {
                if overlap == 0 {
                    meta.previous = None;
                }
                return Ok(());
            }
            // It was done, and another rotation since has replaced this secret.
            let previous = meta.previous.as_ref();
            if previous.is_some_and(|previous| previous.hash == *hash) {
                return Err(PatError::RotatedOut);
            }
            if meta.revoked.is_some() {
                return Err(PatError::Revoked);
            }
            if meta.is_expired(now) {
                return Err(PatError::Expired);
            }
            let replaced = Previous {
                hash: std::mem::replace(&mut meta.hash, hash.clone()),
                expires: now.saturating_add(overlap).as_secs().min(MAX_SECONDS),
            };
            // Without an overlap nothing is kept that a clock would have to judge.
            meta.previous = (overlap > 0).then_some(replaced);
            meta.origin = origin(meta.origin);
            Ok(())
        };
        Ok(self.change(target, change).await?.into_record(false))
    }
}
