//! New tokens: issued, registered, or made without being stored.

use crate::events::Operation;
use crate::sealed::{Committed, Rounds, commit};
use crate::store::Change;

use super::record::Origin;
use super::row::{Facts, Row};
use super::{NewPat, PatError, PatId, PatRecord, PatToken, PersonalAccessTokens, SecretHash};

/// A token that was issued, or given a new secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Issued {
    /// Its text, which nobody can find out any more: hand it to its owner now.
    pub token: PatToken,
    /// What is known about it.
    pub record: PatRecord,
    /// The hash of its secret.
    pub hash: SecretHash,
}

/// A token that was made and not stored.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Generated {
    /// Its text.
    pub token: PatToken,
    /// By what it is to be [registered](PersonalAccessTokens::register).
    pub id: PatId,
    /// The hash to register. It is good in this store alone: another has other keys.
    pub hash: SecretHash,
}

impl PersonalAccessTokens {
    /// Issues a token.
    ///
    /// # Errors
    ///
    /// What is wrong with the token is told before anything is stored: [`PatError::InvalidOwner`], [`PatError::TooManyRoles`] and so on.
    /// [`PatError::Store`], [`PatError::Randomness`].
    pub async fn issue(&self, new: NewPat) -> Result<Issued, PatError> {
        let issued = self.issue_any(None, new).await;
        let id = issued.as_ref().ok().map(|issued| issued.record.id);
        self.report(Operation::PatIssue, id.as_ref(), None, issued)
    }

    /// Issues a token with an id of one's own.
    ///
    /// # Errors
    ///
    /// As for [`issue`](PersonalAccessTokens::issue), and [`PatError::AlreadyExists`].
    pub async fn issue_as(&self, id: PatId, new: NewPat) -> Result<Issued, PatError> {
        let issued = self.issue_any(Some(id), new).await;
        self.report(Operation::PatIssue, Some(&id), None, issued)
    }

    async fn issue_any(&self, id: Option<PatId>, new: NewPat) -> Result<Issued, PatError> {
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let Generated {
                token,
                id: drawn,
                hash,
            } = self.generate_any(id)?;
            let parts = (&drawn, hash.clone(), Origin::Issued);
            let facts = new.clone().facts(parts, self.now())?;
            match self.insert(&drawn, facts).await {
                Err(PatError::AlreadyExists) if id.is_none() => {}
                row => {
                    let record = row?.into_record(false);
                    return Ok(Issued {
                        token,
                        record,
                        hash,
                    });
                }
            }
        }
    }

    /// Makes a token without storing anything: to hand it out before it is [registered](PersonalAccessTokens::register), or to
    /// [bootstrap](PersonalAccessTokens::bootstrap) the first admin.
    ///
    /// # Errors
    ///
    /// [`PatError::Randomness`].
    pub fn generate(&self) -> Result<Generated, PatError> {
        self.generate_any(None)
    }

    /// Makes a token with an id of one's own, without storing anything: a new secret for it, say.
    ///
    /// # Errors
    ///
    /// [`PatError::Randomness`].
    pub fn generate_as(&self, id: PatId) -> Result<Generated, PatError> {
        self.generate_any(Some(id))
    }

    fn generate_any(&self, id: Option<PatId>) -> Result<Generated, PatError> {
        let id = id.map_or_else(PatId::draw, Ok)?;
        let token = PatToken::draw(self.prefix(), &id)?;
        let hash = self.shared.hasher.hash(token.hashed());
        Ok(Generated { token, id, hash })
    }

    /// Registers a token whose secret was made elsewhere: by [`generate`](PersonalAccessTokens::generate) on this store, or, with an scrypt hash, by
    /// `@access-tokens/core`.
    ///
    /// ```
    /// # use sealtoken::pat::{NewPat, PatError, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens) -> Result<(), PatError> {
    /// let generated = pats.generate()?;
    /// let hash = generated.hash.to_string(); // into a file that is deployed
    /// pats.register(generated.id, hash.parse()?, NewPat::for_owner("ci")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`issue_as`](PersonalAccessTokens::issue_as), and [`PatError::Hash`] for a hash that was made under the keys of another store.
    pub async fn register(
        &self,
        id: PatId,
        hash: SecretHash,
        new: NewPat,
    ) -> Result<PatRecord, PatError> {
        let registered = async {
            self.shared.hasher.check(&hash)?;
            let parts = (&id, hash.clone(), Origin::Registered);
            let facts = new.facts(parts, self.now())?;
            Ok(self.insert(&id, facts).await?.into_record(false))
        };
        self.report(Operation::PatRegister, Some(&id), None, registered.await)
    }

    /// Stores a new token, unless its id is taken.
    pub(super) async fn insert(&self, id: &PatId, facts: Facts) -> Result<Row, PatError> {
        let record = self.seal(self.key(id), &facts)?;
        let version = record.version;
        match commit(self.store(), &[Change::Insert(record)]).await? {
            Committed::Written => Ok(Row {
                version,
                facts: Box::new(facts),
            }),
            Committed::Conflict { .. } => Err(PatError::AlreadyExists),
        }
    }
}
