//! Tokens that another system issued, taken in as they are: their owners keep what they have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::sealed::{CommitOutcome, NewExpiry, Progress, ServiceError, awaited, commit};
use crate::store::Change;

use super::hash::Kind;
use super::new::NewPat;
use super::record::Origin;
use super::roles::has_characters;
use super::row::Meta;
use super::tokens::Tokens;
use super::{PatError, PatId, PersonalAccessTokens, Reason, SecretHash, operation};

/// A token that another system issued, for [`PersonalAccessTokens::import`].
///
/// ```
/// use sealtoken::UnixTime;
/// use sealtoken::pat::{ForeignPat, PatId};
///
/// # fn example(id: PatId, hash: &str, issued: UnixTime, expiry: UnixTime) -> ForeignPat {
/// let mut pat = ForeignPat::new(id, hash, "ada@example.com", issued);
/// pat.roles.insert("reader".to_owned());
/// pat.expires_at = Some(expiry);
/// # pat
/// # }
/// ```
///
/// # Security
///
/// Nothing is verified here. Whoever can write to the other system's database can add a token, or
/// make one an admin's.
#[derive(Clone)]
#[non_exhaustive]
pub struct ForeignPat {
    /// Its id, which it keeps.
    pub id: PatId,
    /// The stored hash of its secret: a PHC string of 1 to 200 characters, such as `$scrypt$…`. A
    /// hash that cannot be verified is kept as it is: see [`Imported::unusable`].
    pub hash: String,
    /// Its owner.
    pub owner: String,
    /// Whether its owner may do everything.
    pub admin: bool,
    /// Its roles.
    pub roles: BTreeSet<String>,
    /// Its scopes.
    pub scopes: BTreeSet<String>,
    /// The owner's name for it.
    pub name: Option<String>,
    /// Metadata of the caller's own.
    pub metadata: BTreeMap<String, String>,
    /// When it was issued.
    pub created_at: UnixTime,
    /// When it was last used.
    pub last_used_at: Option<UnixTime>,
    /// When it expires or expired.
    pub expires_at: Option<UnixTime>,
    /// When it was revoked. A moment in the future counts, too.
    pub revoked_at: Option<UnixTime>,
}

impl ForeignPat {
    /// A token that has no roles, was never used, never expires and was not revoked.
    ///
    /// Moments before 1970 become its first second, those after 9999 the last of 9999; only an
    /// expiry after 9999 is an error.
    pub fn new(
        id: PatId,
        hash: impl Into<String>,
        owner: impl Into<String>,
        created_at: impl Into<UnixTime>,
    ) -> Self {
        Self {
            id,
            hash: hash.into(),
            owner: owner.into(),
            admin: false,
            roles: BTreeSet::new(),
            scopes: BTreeSet::new(),
            name: None,
            metadata: BTreeMap::new(),
            created_at: created_at.into(),
            last_used_at: None,
            expires_at: None,
            revoked_at: None,
        }
    }
}

/// What became of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Its id, which it keeps.
    pub id: PatId,
    /// Whether it was taken in now (or would be, in a dry run). Otherwise it was imported before.
    pub new: bool,
    /// Whether it was imported before, and was revoked there since or got an earlier expiry, which
    /// it now has here as well (or would have).
    pub restricted: bool,
    /// Why nobody can use it, where its hash cannot be verified. It is kept as it is, so that
    /// nothing about it is lost.
    pub unusable: Option<Reason>,
}

/// Takes tokens in: [`PersonalAccessTokens::import`].
#[must_use = "nothing is taken in until this is awaited"]
pub struct Import<'a> {
    pats: &'a PersonalAccessTokens,
    /// The lock is never contended: it makes the type `Sync`.
    items: Mutex<Items<'a>>,
    dry_run: bool,
    progress: Progress<'a>,
}

type Items<'a> = Box<dyn Iterator<Item = ForeignPat> + Send + 'a>;

impl PersonalAccessTokens {
    /// Takes in tokens of another system with their ids, hashes and times. Each has a result of its
    /// own, in order.
    ///
    /// A token that was imported before stays as it is, so you can repeat an import that was
    /// interrupted. But if it was revoked there since, or got an earlier expiry, it gets that here,
    /// too. No other change is followed. A token of another origin with the same id is
    /// [`PatError::AlreadyExists`]. A token that had expired or was revoked there is so here.
    ///
    /// ```
    /// use sealtoken::pat::{ForeignPat, PatError, PersonalAccessTokens};
    ///
    /// # type Items = Vec<ForeignPat>;
    /// # async fn example(pats: PersonalAccessTokens, items: Items) -> Result<(), PatError> {
    /// let taken = pats.import(items).dry_run(true).await?;
    /// let new = taken.iter().flatten().filter(|token| token.new).count();
    /// println!("{new} of {} are new", taken.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::Service`]. Tokens that were taken in before the error stay.
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

    /// Reports how many were looked at so far, after each one.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Progress::new(progress);
        self
    }

    async fn run(mut self) -> Result<Vec<Result<Imported, PatError>>, PatError> {
        let pats = self.pats;
        let observed = pats.observe(operation::IMPORT);
        let import = async {
            let mut results = Vec::new();
            let ended = self.take_all(pats.tokens(&observed), &mut results).await;
            let new = results.iter().flatten().filter(|token| token.new).count();
            observed.count(u64::try_from(new).unwrap_or(u64::MAX));
            match ended {
                // Tokens that were taken in before stay.
                Err(PatError::Service(error)) if !self.dry_run => {
                    let changed = results.iter().flatten().filter(|token| is_changed(token));
                    let changed = u64::try_from(changed.count()).unwrap_or(u64::MAX);
                    Err(error.after(changed).into())
                }
                ended => ended.map(|()| results),
            }
        };
        observed.run(import).await
    }

    async fn take_all(
        &mut self,
        tokens: Tokens<'_>,
        results: &mut Vec<Result<Imported, PatError>>,
    ) -> Result<(), PatError> {
        let mut looked_at = 0_u64;
        let items = self.items.get_mut().unwrap_or_else(PoisonError::into_inner);
        for item in items {
            match tokens.take_in(item, self.dry_run).await {
                // An error that concerns all of them ends the import; others are about this token.
                Err(
                    error @ PatError::Service(
                        ServiceError::Store(_)
                        | ServiceError::Randomness
                        | ServiceError::UnknownKey(_),
                    ),
                ) => return Err(error),
                result => results.push(result),
            }
            looked_at = looked_at.saturating_add(1);
            self.progress.report(looked_at);
        }
        Ok(())
    }
}

impl Tokens<'_> {
    async fn take_in(self, item: ForeignPat, dry_run: bool) -> Result<Imported, PatError> {
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
                new: true,
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
            new: false,
            restricted,
            unusable,
        })
    }
}

impl ForeignPat {
    fn meta(self, now: UnixTime) -> Result<Meta, PatError> {
        if !has_characters(&self.hash, 1..=200) {
            return Err(PatError::Hash(Reason::InvalidPhc));
        }
        let hash = SecretHash::stored(&self.hash);
        // A keyed hash is made here only: accepting one would let its maker plant a token.
        if matches!(hash.kind(), Kind::Keyed(_)) {
            return Err(PatError::Hash(Reason::UnsupportedAlgorithm));
        }
        let clamped = |at: UnixTime| at.as_secs().clamp(0, MAX_SECONDS);
        let created_at = UnixTime::from_secs(clamped(self.created_at));
        let pat = NewPat {
            owner: self.owner,
            admin: self.admin,
            roles: self.roles,
            scopes: self.scopes,
            name: self.name,
            metadata: self.metadata,
            expiry: self.expires_at.map(NewExpiry::Imported),
        };
        let mut meta = pat.meta((self.id, hash, Origin::Imported), created_at)?;
        meta.last_used = self.last_used_at.map(clamped);
        meta.revoked = self.revoked_at.map(clamped);
        meta.updated = now.as_secs();
        Ok(meta)
    }
}

fn is_changed(token: &Imported) -> bool {
    token.new || token.restricted
}

/// Takes over what ends a token sooner, and nothing that ends it later.
fn restrict(existing: &mut Meta, item: &Meta) {
    existing.revoked = existing.revoked.or(item.revoked);
    let expiries = [existing.expires, item.expires];
    existing.expires = expiries.into_iter().flatten().min();
}

awaited!(Import<'a> => Result<Vec<Result<Imported, PatError>>, PatError>);

/// The id alone: whoever sees a hash can guess secrets.
impl fmt::Debug for ForeignPat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignPat")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
