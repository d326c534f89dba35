//! The first admin.

use crate::limits::{QueueId, Subject, WhenFull};
use crate::sealed::{CommitOutcome, Draft, commit, matches_any};
use crate::store::{Change, Query, RecordKey};

use super::hash::Kind;
use super::new::NewPat;
use super::record::Origin;
use super::text::Presented;
use super::tokens::Tokens;
use super::{PatRecord, PersonalAccessTokens, Reason, SecretHash, VerifyError, names, operation};

impl PersonalAccessTokens {
    /// Registers the token of the first admin, whose hash is in the
    /// [settings](super::PatOptions::bootstrap). From then on it is a token like any other.
    ///
    /// It works once in the life of a store, and only if the store has no token. Of several
    /// concurrent calls one succeeds, and emptying the store does not allow another. After that the
    /// hash does nothing. A token that is issued at the very same moment does not prevent it.
    ///
    /// ```
    /// # use sealtoken::KeyRing;
    /// # use sealtoken::pat::{PersonalAccessTokens, Reason, VerifyError};
    /// # use sealtoken::store::MemoryStore;
    /// # async fn example(
    /// #     store: MemoryStore,
    /// #     keys: KeyRing,
    /// #     hash: &str,
    /// #     text: &str,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let options = PersonalAccessTokens::options().bootstrap(hash.parse()?);
    /// let pats = options.open(store, &keys).await?;
    /// let admin = match pats.verify(text).await {
    ///     Err(VerifyError::Refused(Reason::NotFound)) => {
    ///         pats.bootstrap(text, "root@example.com").await?
    ///     }
    ///     verified => verified?,
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VerifyError::Refused`]: [`Reason::InvalidPrefix`] or [`Reason::InvalidFormat`] for text
    /// that is not a token, [`Reason::InvalidSecret`] for another token, and [`Reason::NotFound`]
    /// if no hash is set or a first token existed before. [`VerifyError::Failed`] if the token
    /// could not be checked, or the owner is invalid.
    pub async fn bootstrap(&self, text: &str, owner: &str) -> Result<PatRecord, VerifyError> {
        let observed = self.observe(operation::BOOTSTRAP);
        let bootstrap = async {
            let presented = self.shared.settings.prefixes.parse(text)?;
            self.name(&observed, presented.id);
            let tokens = self.tokens(&observed);
            self.try_bootstrap(tokens, &presented, owner).await
        };
        observed.run(bootstrap).await
    }

    async fn try_bootstrap(
        &self,
        tokens: Tokens<'_>,
        presented: &Presented<'_>,
        owner: &str,
    ) -> Result<PatRecord, VerifyError> {
        let hash = self.shared.settings.bootstrap.as_ref();
        let hash = hash.ok_or(Reason::NotFound)?;
        // An invalid owner costs no hash. It is refused before the store is read, too: otherwise
        // the answer would reveal, without an attempt, whether the first admin is still missing.
        let mut new = NewPat::of(owner.into());
        new.admin = true;
        let parts = (presented.id, hash.clone(), Origin::Registered);
        let meta = new.meta(parts, tokens.now())?;
        let marker = RecordKey::new(names::BOOTSTRAP, tokens.keyset().id(&[b"bootstrap"]));
        // Before the secret is checked: once there was a first admin, every attempt ends here.
        let done = tokens.store().get(&marker).await?.is_some();
        if done || matches_any(tokens.store(), Query::all(names::TOKENS)).await? {
            return Err(Reason::NotFound.into());
        }
        let slow = tokens.slow_subjects(&marker);
        let check = self.check_bootstrap(slow, hash, presented);
        // Only scrypt is counted before it runs: the holder of the right 256 bits is never locked
        // out.
        if let Kind::Scrypt(_) = hash.kind() {
            let guard = &self.shared.guard;
            guard.attempt(&slow, VerifyError::is_guess, check).await?;
        } else {
            self.counted(tokens, &marker, check.await).await?;
        }

        let record = tokens.seal(tokens.key(presented.id), &meta)?;
        let draft = Draft {
            key: marker,
            purge_at: None,
            labels: Vec::new(),
            plaintext: presented.id.as_str().as_bytes(),
            payload: &[],
        };
        let marker = tokens.keyset().seal(draft)?;
        let batch = [Change::Insert(marker), Change::Insert(record)];
        match commit(tokens.store(), &batch).await? {
            CommitOutcome::Written => Ok(meta.into_record(false)),
            CommitOutcome::Conflict { .. } => Err(Reason::NotFound.into()),
        }
    }

    async fn check_bootstrap(
        &self,
        [token, _]: [Subject; 2],
        hash: &SecretHash,
        presented: &Presented<'_>,
    ) -> Result<(), VerifyError> {
        let hasher = &self.shared.hasher;
        let matches = match hash.kind() {
            Kind::Keyed(hash) => hasher.matches(hash, &hasher.mac(presented.hashed))?,
            Kind::Scrypt(scrypt) => match presented.foreign_secret.clone() {
                Some(secret) if scrypt.is_as_long_as(&secret) => {
                    let scrypt = scrypt.clone();
                    let matches = move || scrypt.matches(&secret);
                    let hash =
                        self.shared
                            .scrypt
                            .run(QueueId::of(token), WhenFull::Refuse, matches);
                    hash.await?
                }
                _ => false,
            },
            Kind::Unusable(_, reason) => return Err((*reason).into()),
        };
        matches.then_some(()).ok_or(Reason::InvalidSecret.into())
    }
}
