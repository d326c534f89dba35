//! From a presented text to what is known about its token.

use std::time::Instant;

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::sealed::Keyset;
use crate::store::{Change, Outcome, Record, RecordKey};

use super::error::{Reason, VerifyError};
use super::hash::{Hasher, Kind, Scrypt};
use super::record::Origin;
use super::row::{self, Row};
use super::text::Presented;
use super::{NewPat, PatError, PatId, PatRecord, PersonalAccessTokens, SecretHash};

/// Which of a token's secrets was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Current,
    /// The one before the last rotation.
    Previous,
}

impl PersonalAccessTokens {
    /// Finds out whose token it is, and whether it is good now.
    ///
    /// What can be no token is refused without a look-up. A right secret under a keyed hash is taken however many attempts at its token have failed:
    /// those that know an id cannot lock its owner out. Only failures count, and once there are too many they are all answered alike. Where a hash is of
    /// scrypt, attempts are counted before the work, and nobody gets past that.
    ///
    /// ```
    /// # use sealtoken::pat::{PersonalAccessTokens, PublicError, VerifyError};
    /// # async fn example(pats: PersonalAccessTokens, text: &str) -> u16 {
    /// match pats.verify(text).await {
    ///     Ok(record) if record.has_role("reader") => 200,
    ///     Ok(_) => 403,
    ///     Err(error) => match error.public() {
    ///         PublicError::TryLater { .. } => 429,
    ///         PublicError::Unavailable => 503,
    ///         _ => 401,
    ///     },
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VerifyError::Refused`] with the [`Reason`], [`VerifyError::TooManyAttempts`], and [`VerifyError::Failed`] when it could not be found out.
    ///
    /// # Security
    ///
    /// For a token of ours, one that is unknown costs the same work as one that is known. For an scrypt hash of another system it does not:
    /// [upgrade](super::PatOptions::upgrade_hashes) those.
    pub async fn verify(&self, text: &str) -> Result<PatRecord, VerifyError> {
        let presented = self.shared.settings.prefixes.parse(text);
        let id = presented.as_ref().ok().map(|presented| presented.id);
        let result = match presented {
            Ok(presented) => self.verify_through_cache(text, &presented).await,
            Err(reason) => Err(reason.into()),
        };
        if self.shared.settings.events.is_some() {
            let outcome = result.as_ref().map(|_| ()).map_err(VerifyError::code);
            self.tell(Operation::PatVerify, id.as_ref(), None, outcome);
        }
        result
    }

    async fn verify_through_cache(
        &self,
        text: &str,
        presented: &Presented<'_>,
    ) -> Result<PatRecord, VerifyError> {
        let Some(cache) = &self.shared.cache else {
            return Ok(self.look_up(presented).await?.0);
        };
        let miss = match cache.get(text) {
            Ok(record) if record.expires_at.is_none_or(|end| end > self.now()) => {
                return Ok(record);
            }
            // It may have another end by now.
            Ok(_) => return Ok(self.look_up(presented).await?.0),
            Err(miss) => miss,
        };
        let read_at = Instant::now();
        let (record, fit) = self.look_up(presented).await?;
        // A secret that was replaced has an end of its own, which the cache does not know.
        if fit == Fit::Current {
            cache.put(miss, &record, read_at);
        }
        Ok(record)
    }

    async fn look_up(&self, presented: &Presented<'_>) -> Result<(PatRecord, Fit), VerifyError> {
        let key = self.key(&presented.id);
        // Done for every token, also for one that is not there.
        let mac = self.shared.hasher.mac(presented.hashed);
        let found = self.store().get(&key).await?;
        let row = self.open_row(found.as_ref().unwrap_or(&self.shared.decoy));
        let judged = match row {
            Ok(row) if presented.original.is_some() && found.is_some() => {
                self.judge_original(&key, row, presented, &mac).await
            }
            Ok(row) => {
                self.counted(&key, self.judge(row, found.is_some(), presented, &mac))
                    .await
            }
            Err(error) => self.counted(&key, Err(error.into())).await,
        };
        let (row, fit) = judged?;
        let now = self.now();
        check_ends(&row, fit, now)?;
        let row = self.after_use(key, row, fit, presented, now).await;
        Ok((row.into_record(false), fit))
    }

    /// Compares a keyed hash. Nothing here waits, and nothing depends on whether there is such a token.
    fn judge(
        &self,
        row: Row,
        there: bool,
        presented: &Presented<'_>,
        mac: &[u8; 32],
    ) -> Result<(Row, Fit), VerifyError> {
        let fit = self.keyed_fit(&row, presented, mac);
        if there {
            Ok((row, fit?))
        } else {
            Err(Reason::NotFound.into())
        }
    }

    fn keyed_fit(
        &self,
        row: &Row,
        presented: &Presented<'_>,
        mac: &[u8; 32],
    ) -> Result<Fit, Reason> {
        let hasher = &self.shared.hasher;
        let fits = |hash: &SecretHash| match hash.kind() {
            Kind::Keyed(hash) => hasher.fits(hash, mac),
            // What is hashed by scrypt is no token of ours.
            Kind::Scrypt(_) => Ok(false),
            Kind::Unusable(_, reason) => Err(*reason),
        };
        let before = row.facts.before.as_ref().map(|before| fits(&before.hash));
        let elsewhere = presented.original.is_none() || row.facts.origin != Origin::Issued;
        match fits(&row.facts.hash) {
            Ok(true) if elsewhere => Ok(Fit::Current),
            _ if before == Some(Ok(true)) && elsewhere => Ok(Fit::Previous),
            Err(reason) => Err(reason),
            Ok(_) => Err(Reason::InvalidSecret),
        }
    }

    /// A token of the other system: by a keyed hash where it has one by now, and by scrypt otherwise.
    async fn judge_original(
        &self,
        key: &RecordKey,
        row: Row,
        presented: &Presented<'_>,
        mac: &[u8; 32],
    ) -> Result<(Row, Fit), VerifyError> {
        let keyed = self.keyed_fit(&row, presented, mac);
        let slow = slow_hashes(&row, presented);
        if keyed.is_ok() || slow.is_empty() {
            let judged = keyed.map(|fit| (row, fit)).map_err(VerifyError::from);
            return self.counted(key, judged).await;
        }
        // Work that a stranger can ask for is counted before it is done.
        let subjects = self.slow_subjects(key);
        let [lane, _] = subjects;
        let work = async {
            for (fit, scrypt) in slow {
                let Some(secret) = presented.original.clone() else {
                    continue;
                };
                if self
                    .shared
                    .scrypt
                    .run(lane, move || scrypt.fits(&secret))
                    .await?
                {
                    return Ok((row, fit));
                }
            }
            Err(keyed.err().unwrap_or(Reason::InvalidSecret).into())
        };
        let gate = &self.shared.gate;
        gate.attempt(&subjects, VerifyError::is_guess, work).await
    }

    /// Counts an attempt that failed, after the fact: what is right is never kept waiting.
    pub(super) async fn counted<T>(
        &self,
        key: &RecordKey,
        result: Result<T, VerifyError>,
    ) -> Result<T, VerifyError> {
        if result.as_ref().is_err_and(VerifyError::is_guess) {
            let subjects = self.subjects(key);
            self.shared.settings.limiter.take(&subjects).await?;
        }
        result
    }

    /// Writes what the use of a token changes, if anything: when it was, and a hash of ours. It is tried once; whoever changes the token at the same
    /// moment comes first, and a store that does not take it is no reason to refuse a good token.
    async fn after_use(
        &self,
        key: RecordKey,
        mut row: Row,
        fit: Fit,
        presented: &Presented<'_>,
        now: UnixTime,
    ) -> Row {
        let settings = &self.shared.settings;
        let due = settings.last_used_every.is_some_and(|interval| {
            let last = row.facts.last_used;
            last.is_none_or(|last| last.saturating_add(interval) <= now.as_secs())
        });
        let is_scrypt = || matches!(row.facts.hash.kind(), Kind::Scrypt(_));
        let upgrade = settings.upgrade_hashes && fit == Fit::Current && is_scrypt();
        if !due && !upgrade {
            return row;
        }
        let mut facts = row.facts.clone();
        if due {
            facts.last_used = Some(now.as_secs());
        }
        if upgrade {
            facts.hash = self.shared.hasher.hash(presented.hashed);
        }
        if let Ok(record) = self.seal(key, &facts) {
            let expected = row.version;
            let replace = Change::Replace { record, expected };
            if let Ok(Outcome::Written) = self.store().write(&[replace]).await {
                row.facts = facts;
            }
        }
        row
    }
}

/// The scrypt hashes that the presented secret may be under. In a record that was issued here there is none that counts.
fn slow_hashes(row: &Row, presented: &Presented<'_>) -> Vec<(Fit, Scrypt)> {
    let Some(secret) = &presented.original else {
        return Vec::new();
    };
    if row.facts.origin == Origin::Issued {
        return Vec::new();
    }
    let before = row.facts.before.as_ref();
    let hashes = [
        Some((Fit::Current, &row.facts.hash)),
        before.map(|before| (Fit::Previous, &before.hash)),
    ];
    let scrypt = |(fit, hash): (Fit, &SecretHash)| match hash.kind() {
        Kind::Scrypt(scrypt) if scrypt.is_as_long_as(secret) => Some((fit, scrypt.clone())),
        _ => None,
    };
    hashes.into_iter().flatten().filter_map(scrypt).collect()
}

/// Revoked comes before expired, and both after the secret.
fn check_ends(row: &Row, fit: Fit, now: UnixTime) -> Result<(), Reason> {
    let overlap = row.facts.before.as_ref().map(|before| before.until);
    let replaced = fit == Fit::Previous && overlap.is_none_or(|until| until <= now.as_secs());
    if row.facts.revoked.is_some() {
        Err(Reason::Revoked)
    } else if row.facts.is_expired(now) || replaced {
        Err(Reason::Expired)
    } else {
        Ok(())
    }
}

/// What is opened and compared where there is no token: a record like any other, which is in no store.
pub(super) fn decoy(keyset: &Keyset, hasher: &Hasher) -> Result<Record, PatError> {
    let id = PatId::draw()?;
    let hash = hasher.hash(id.as_str().as_bytes());
    let new = NewPat::for_owner("nobody@example.com").role("reader");
    let facts = new.facts((&id, hash, Origin::Issued), UnixTime::from_secs(0))?;
    row::seal(keyset, row::key(keyset, &id), &facts, 0)
}

#[cfg(test)]
mod tests {
    use crate::crypto::work;
    use crate::keys::{Key, KeyRing};
    use crate::store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn an_unknown_token_costs_what_a_known_one_does() {
        let keys = KeyRing::new(Key::generate());
        let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await;
        let pats = pats.unwrap();
        let issued = pats.issue(NewPat::for_owner("ada")).await.unwrap();
        let wrong = pats.generate_as(issued.record.id).unwrap();
        let unknown = pats.generate().unwrap();
        let theirs = |id: &PatId| format!("pat_{id}.AAECAwQFBgcICQoLDA0ODw==");
        let mut done = Vec::new();
        for text in [
            wrong.token.expose(),
            unknown.token.expose(),
            &theirs(&wrong.id),
            &theirs(&unknown.id),
        ] {
            work::take();
            pats.verify(text).await.unwrap_err();
            done.push(work::take());
        }
        // The id, the text, and both subjects that attempts are counted by; the record, or what stands in for it.
        assert_eq!(done, [[4, 1]; 4]);
    }
}
