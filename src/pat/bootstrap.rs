//! The first admin.

use crate::events::Operation;
use crate::limits::{Lane, Patience};
use crate::sealed::{Committed, Draft, commit, finds_any};
use crate::store::{Change, Query, RecordKey};

use super::error::{Reason, VerifyError};
use super::hash::Kind;
use super::record::Origin;
use super::row::Row;
use super::text::Presented;
use super::{NewPat, PatRecord, PersonalAccessTokens, SecretHash, names};

impl PersonalAccessTokens {
    /// Takes the token of the first admin, whose hash stands in the [settings](super::PatOptions::bootstrap): from then on it is a token like any other.
    ///
    /// It works once in the life of a store, and only while no token is found: of many at once one wins, and a store that was emptied does not open again.
    /// After that the hash in the environment does nothing. A token that is issued at the very same moment does not keep it from being done.
    ///
    /// ```
    /// # use sealtoken::pat::{PersonalAccessTokens, Reason, VerifyError};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::KeyRing;
    /// # async fn example(store: MemoryStore, keys: KeyRing, hash: &str, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let pats = PersonalAccessTokens::options().bootstrap(hash.parse()?).open(store, &keys).await?;
    /// let admin = match pats.verify(text).await {
    ///     Ok(record) => record,
    ///     Err(VerifyError::Refused(Reason::NotFound)) => pats.bootstrap(text, "root@example.com").await?,
    ///     Err(error) => return Err(error.into()),
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VerifyError::Refused`]: [`Reason::InvalidSecret`] for another token, and [`Reason::NotFound`] where no hash is set or there has been a first token.
    /// [`VerifyError::TooManyAttempts`], [`VerifyError::Failed`].
    pub async fn bootstrap(&self, text: &str, owner: &str) -> Result<PatRecord, VerifyError> {
        let presented = self.shared.settings.prefixes.parse(text);
        let id = presented.as_ref().ok().map(|presented| presented.id);
        let result = match presented {
            Ok(presented) => self.try_bootstrap(&presented, owner).await,
            Err(reason) => Err(reason.into()),
        };
        let outcome = result.as_ref().map(|_| ()).map_err(VerifyError::code);
        self.tell(Operation::PatBootstrap, id.as_ref(), None, outcome);
        result
    }

    async fn try_bootstrap(
        &self,
        presented: &Presented<'_>,
        owner: &str,
    ) -> Result<PatRecord, VerifyError> {
        let hash = self.shared.settings.bootstrap.as_ref();
        let hash = hash.ok_or(Reason::NotFound)?;
        // Limits before work: an owner that can be none costs no hash. Before anything is looked up,
        // too: else the answer would tell, at no attempt, whether the first admin is still missing.
        let new = NewPat::for_owner(owner).admin(true);
        let parts = (&presented.id, hash.clone(), Origin::Registered);
        let facts = new.facts(parts, self.now())?;
        let marker = RecordKey::new(names::BOOTSTRAP, self.shared.keyset.id(&[b"bootstrap"]));
        // Asked before the secret is looked at: later on this is where all attempts end.
        let done = self.store().get(&marker).await?.is_some();
        if done || finds_any(self.store(), Query::all(names::TOKENS)).await? {
            return Err(Reason::NotFound.into());
        }
        let fits = self.fits_bootstrap(&marker, hash, presented);
        // Only scrypt is work that is counted before it is done: who has the right 256 bits is kept out by nobody.
        if let Kind::Scrypt(_) = hash.kind() {
            let subjects = self.slow_subjects(&marker);
            let gate = &self.shared.gate;
            gate.attempt(&subjects, VerifyError::is_guess, fits).await?;
        } else {
            self.counted(&marker, fits.await).await?;
        }

        let record = self.seal(self.key(&presented.id), &facts)?;
        let version = record.version;
        let mark = Draft {
            key: marker,
            purge_at: None,
            labels: Vec::new(),
            plaintext: presented.id.as_str().as_bytes(),
            payload: &[],
        };
        let mark = self.shared.keyset.seal(mark)?;
        let batch = [Change::Insert(mark), Change::Insert(record)];
        match commit(self.store(), &batch).await? {
            Committed::Written => {
                let facts = Box::new(facts);
                Ok(Row { version, facts }.into_record(false))
            }
            Committed::Conflict { .. } => Err(Reason::NotFound.into()),
        }
    }

    async fn fits_bootstrap(
        &self,
        marker: &RecordKey,
        hash: &SecretHash,
        presented: &Presented<'_>,
    ) -> Result<(), VerifyError> {
        let hasher = &self.shared.hasher;
        let fits = match hash.kind() {
            Kind::Keyed(hash) => hasher.fits(hash, &hasher.mac(presented.hashed))?,
            Kind::Scrypt(scrypt) => match presented.original.clone() {
                Some(secret) if scrypt.is_as_long_as(&secret) => {
                    let scrypt = scrypt.clone();
                    let [token, _] = self.slow_subjects(marker);
                    let (lane, bound) = (Lane::of(token), Patience::UpToABound);
                    self.shared
                        .scrypt
                        .run(lane, bound, move || scrypt.fits(&secret))
                        .await?
                }
                _ => false,
            },
            Kind::Unusable(_, reason) => return Err((*reason).into()),
        };
        fits.then_some(()).ok_or(Reason::InvalidSecret.into())
    }
}
