//! Imports tokens that another system issued. Their owners keep the text that they have.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::events::Observed;
use crate::sealed::{CommitOutcome, Progress, ServiceError, awaited, commit};
use crate::store::Change;

use super::hash::Kind;
use super::record::Origin;
use super::row::Meta;
use super::tokens::Tokens;
use super::{ForeignPat, PatError, PatId, PersonalAccessTokens, Reason, operation};

/// The outcome for one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Its id, which it keeps.
    pub id: PatId,
    /// Whether it was imported now (or would be, in a dry run). Otherwise it was imported before.
    pub is_new: bool,
    /// Whether it was imported before, and the other system has revoked it since or given it an
    /// earlier expiry: that now holds here, too (or would, in a dry run).
    pub restricted: bool,
    /// Why nobody can use it, if its hash cannot be verified. It is kept as it is, so that nothing
    /// about it is lost.
    pub unusable: Option<Reason>,
}

/// Imports tokens: [`PersonalAccessTokens::import`].
#[must_use = "nothing is imported until this is awaited"]
pub struct Import<'a> {
    pats: &'a PersonalAccessTokens,
    /// The lock is never contended: it makes the type `Sync`.
    items: Mutex<Items<'a>>,
    dry_run: bool,
    progress: Progress<'a>,
}

type Items<'a> = Box<dyn Iterator<Item = ForeignPat> + Send + 'a>;

impl PersonalAccessTokens {
    /// Imports tokens of another system with their ids, hashes and times. Each has a result of its
    /// own, in order.
    ///
    /// A token that was imported before stays as it is, so you can repeat an import that was
    /// interrupted. But if the other system revoked it since, or gave it an earlier expiry, that
    /// is copied. Other changes are not. A token of another origin with the same id is
    /// [`PatError::AlreadyExists`]. A token that is expired or revoked stays so.
    ///
    /// ```
    /// use sealtoken::pat::{ForeignPat, PatError, PersonalAccessTokens};
    ///
    /// # type Items = Vec<ForeignPat>;
    /// # async fn example(pats: PersonalAccessTokens, items: Items) -> Result<(), PatError> {
    /// let imported = pats.import(items).dry_run(true).await?;
    /// let new = imported.iter().flatten().filter(|token| token.is_new).count();
    /// println!("{new} of {} are new", imported.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::Service`]. Tokens that were imported before the error stay.
    pub fn import<'a, I>(&'a self, items: I) -> Import<'a>
    where
        I: IntoIterator<Item: Into<ForeignPat> + 'a>,
        I::IntoIter: Send + 'a,
    {
        Import {
            pats: self,
            items: Mutex::new(Box::new(items.into_iter().map(Into::into))),
            dry_run: false,
            progress: Progress::default(),
        }
    }
}

impl<'a> Import<'a> {
    /// Only reports what would be done.
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Reports how many were examined so far, after each one.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Progress::new(progress);
        self
    }

    async fn run(self) -> Result<Vec<Result<Imported, PatError>>, PatError> {
        let observed = self.pats.observe(operation::IMPORT);
        observed.run(self.import_all(&observed)).await
    }

    async fn import_all(
        self,
        observed: &Observed<'_>,
    ) -> Result<Vec<Result<Imported, PatError>>, PatError> {
        let Self {
            pats,
            items,
            dry_run,
            mut progress,
        } = self;
        let tokens = pats.tokens(observed);
        let items = items.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut results = Vec::new();
        let (mut examined, mut new, mut changed) = (0_u64, 0_u64, 0_u64);
        observed.count(new);
        for item in items {
            match tokens.import(item, dry_run).await {
                Err(PatError::Service(error)) if concerns_all(&error) => {
                    // Tokens that were imported before stay.
                    return Err(error.after(changed).into());
                }
                result => {
                    if let Ok(token) = &result
                        && !dry_run
                    {
                        new = new.saturating_add(token.is_new.into());
                        changed = changed.saturating_add((token.is_new || token.restricted).into());
                    }
                    results.push(result);
                }
            }
            examined = examined.saturating_add(1);
            observed.count(new);
            progress.report(examined);
        }
        Ok(results)
    }
}

awaited!(Import<'a> => Result<Vec<Result<Imported, PatError>>, PatError>);

/// Whether every other token would fail in the same way.
const fn concerns_all(error: &ServiceError) -> bool {
    matches!(
        error,
        ServiceError::Store(_) | ServiceError::Randomness | ServiceError::UnknownKey(_)
    )
}

impl Tokens<'_> {
    async fn import(self, item: ForeignPat, dry_run: bool) -> Result<Imported, PatError> {
        let meta = item.meta(self.now())?;
        let unusable = match meta.hash.kind() {
            Kind::Unusable(_, reason) => Some(*reason),
            Kind::Keyed(_) | Kind::Scrypt(_) => None,
        };
        let id = meta.id;
        let key = self.key(id);
        let current = if dry_run {
            self.store().get(&key).await?
        } else {
            let insert = Change::Insert(self.seal(key, &meta)?);
            match commit(self.store(), &[insert]).await? {
                CommitOutcome::Written => None,
                CommitOutcome::Conflict { current, .. } => {
                    Some(current.ok_or(PatError::AlreadyExists)?)
                }
            }
        };
        let Some(record) = current else {
            return Ok(Imported {
                id,
                is_new: true,
                restricted: false,
                unusable,
            });
        };
        let mut existing = self.open(&record)?.meta;
        if existing.origin != Origin::Imported {
            return Err(PatError::AlreadyExists);
        }
        let before = existing.clone();
        restrict(&mut existing, &meta);
        let restricted = existing != before;
        if restricted && !dry_run {
            let change = |existing: &mut Meta, _| {
                // Another token may have been stored under this id since.
                if existing.origin != Origin::Imported {
                    return Err(PatError::AlreadyExists);
                }
                restrict(existing, &meta);
                Ok(())
            };
            self.change(id.into(), change).await?;
        }
        Ok(Imported {
            id,
            is_new: false,
            restricted,
            unusable,
        })
    }
}

/// Copies what ends a token sooner, and nothing that ends it later.
fn restrict(existing: &mut Meta, item: &Meta) {
    existing.revoked = existing.revoked.or(item.revoked);
    let expiries = [existing.expires, item.expires];
    existing.expires = expiries.into_iter().flatten().min();
}

impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
