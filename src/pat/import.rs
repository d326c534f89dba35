//! Tokens of another system, taken in as they are: their owners keep what they have.

use std::fmt;
use std::pin::Pin;

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::import::access_tokens::AccessToken;
use crate::sealed::{Committed, commit};
use crate::store::Change;

use super::hash::Kind;
use super::record::Origin;
use super::row::Facts;
use super::{NewPat, PatError, PatId, PersonalAccessTokens, Reason, SecretHash};

/// What became of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Its id, which it keeps.
    pub id: PatId,
    /// Whether it was taken in now, or would be; otherwise it was imported before.
    pub new: bool,
    /// Whether it was imported before, and has been revoked there since, or got an earlier end: then it has that here, too, or would.
    pub restricted: bool,
    /// Why nobody can use it, where its hash cannot be verified: it is kept as it stands, so that nothing about it is lost.
    pub unusable: Option<Reason>,
}

/// Takes tokens in: [`PersonalAccessTokens::import`].
#[must_use = "nothing is taken in until this is awaited"]
pub struct Import<'a> {
    pats: &'a PersonalAccessTokens,
    items: Box<dyn Iterator<Item = AccessToken> + Send + 'a>,
    dry_run: bool,
    progress: Box<dyn FnMut(u64) + Send + 'a>,
}

impl PersonalAccessTokens {
    /// Takes tokens of `@access-tokens/core` in, with their ids, hashes and times. Each has a result of its own, in their order.
    ///
    /// What was imported before is left as it is, so an import that was cut off can be done again; but one that was revoked there since, or
    /// got an earlier end, has that here from now on. No other change is followed. A token of another origin with the same
    /// id is [`PatError::AlreadyExists`]. What has expired or was revoked there is so here.
    ///
    /// ```
    /// use sealtoken::import::access_tokens::AccessToken;
    /// use sealtoken::pat::{PatError, PersonalAccessTokens};
    ///
    /// # async fn example(pats: PersonalAccessTokens, items: Vec<AccessToken>) -> Result<(), PatError> {
    /// let taken = pats.import(items).dry_run(true).await?;
    /// let new = taken.iter().flatten().filter(|token| token.new).count();
    /// println!("{new} of {} are new", taken.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::Store`]. What was taken in before stays.
    pub fn import<'a, I>(&'a self, items: I) -> Import<'a>
    where
        I: IntoIterator<Item = AccessToken>,
        I::IntoIter: Send + 'a,
    {
        Import {
            pats: self,
            items: Box::new(items.into_iter()),
            dry_run: false,
            progress: Box::new(|_| {}),
        }
    }
}

impl<'a> Import<'a> {
    /// Whether it is only found out what would be done.
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Tells how many were looked at, again and again.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Box::new(progress);
        self
    }

    async fn run(mut self) -> Result<Vec<Result<Imported, PatError>>, PatError> {
        let mut results = Vec::new();
        let ended = self.take_in(&mut results).await;
        let new = results.iter().flatten().filter(|token| token.new).count();
        let count = u64::try_from(new).ok();
        let result = match ended {
            // What was taken in before stays.
            Err(PatError::Store(error))
                if !self.dry_run && results.iter().flatten().any(is_changed) =>
            {
                Err(PatError::Store(error.after_some()))
            }
            ended => ended.map(|()| results),
        };
        self.pats.report(Operation::PatImport, None, count, result)
    }

    async fn take_in(
        &mut self,
        results: &mut Vec<Result<Imported, PatError>>,
    ) -> Result<(), PatError> {
        let mut looked_at = 0_u64;
        for item in &mut self.items {
            match self.pats.take_in(item, self.dry_run).await {
                // What concerns them all ends it; the rest is about this one.
                Err(
                    error @ (PatError::Store(_) | PatError::Randomness | PatError::UnknownKey(_)),
                ) => return Err(error),
                result => results.push(result),
            }
            looked_at = looked_at.saturating_add(1);
            (self.progress)(looked_at);
        }
        Ok(())
    }
}

impl PersonalAccessTokens {
    async fn take_in(&self, item: AccessToken, dry_run: bool) -> Result<Imported, PatError> {
        let facts = self.facts_of(item)?;
        let unusable = match facts.hash.kind() {
            Kind::Unusable(_, reason) => Some(*reason),
            Kind::Keyed(_) | Kind::Scrypt(_) => None,
        };
        let id = facts.id;
        let key = self.key(&id);
        let current = if dry_run {
            self.store().get(&key).await?
        } else {
            let insert = Change::Insert(self.seal(key, &facts)?);
            match commit(self.store(), &[insert]).await? {
                Committed::Written => None,
                Committed::Conflict { current, .. } => {
                    Some(current.ok_or(PatError::AlreadyExists)?)
                }
            }
        };
        let Some(record) = current else {
            return Ok(Imported {
                id,
                new: true,
                restricted: false,
                unusable,
            });
        };
        let mut there = self.open_row(&record)?.facts;
        if there.origin != Origin::Imported {
            return Err(PatError::AlreadyExists);
        }
        let before = there.clone();
        restrict(&mut there, &facts);
        let restricted = there != before;
        if restricted && !dry_run {
            let change = |there: &mut Facts, _| {
                // Someone may have put another one there since.
                if there.origin != Origin::Imported {
                    return Err(PatError::AlreadyExists);
                }
                restrict(there, &facts);
                Ok(())
            };
            self.change((&id).into(), change).await?;
        }
        Ok(Imported {
            id,
            new: false,
            restricted,
            unusable,
        })
    }

    fn facts_of(&self, item: AccessToken) -> Result<Facts, PatError> {
        let id: PatId = item.token_id.parse()?;
        let hash = SecretHash::stored(item.secret_phc.expose());
        // A keyed hash is ours: nobody brings one along from there.
        if matches!(hash.kind(), Kind::Keyed(_)) {
            return Err(PatError::Hash(Reason::UnsupportedAlgorithm));
        }
        let mut new = NewPat::for_owner(item.owner)
            .admin(item.admin)
            .roles(item.roles);
        if let Some(at) = item.expires_at {
            new = new.expired_at(at);
        }
        let mut facts = new.facts((&id, hash, Origin::Imported), item.created_at)?;
        let seconds = |at: Option<UnixTime>| at.map(UnixTime::as_secs);
        facts.last_used = seconds(item.last_used_at);
        facts.revoked = seconds(item.revoked_at);
        facts.updated = self.now().as_secs();
        Ok(facts)
    }
}

fn is_changed(token: &Imported) -> bool {
    token.new || token.restricted
}

/// Takes over what ends a token sooner. Nothing is loosened: what was changed here since stays.
fn restrict(there: &mut Facts, item: &Facts) {
    there.revoked = there.revoked.or(item.revoked);
    let ends = [there.expires, item.expires];
    there.expires = ends.into_iter().flatten().min();
}

impl<'a> IntoFuture for Import<'a> {
    type Output = Result<Vec<Result<Imported, PatError>>, PatError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
