//! From a presented text to what is known about its token.

use crate::crypto::clock::UnixTime;
use crate::events::Operation;
use crate::limits::{Lane, Patience, Subject};
use crate::sealed::Keyset;
use crate::store::{Record, RecordKey};

use super::cache::Moment;
use super::error::{Reason, VerifyError};
use super::hash::{Hasher, Kind, Scrypt};
use super::record::Origin;
use super::row::{self, Facts, Head, Opened, Row};
use super::text::Presented;
use super::uses::Use;
use super::{NewPat, PatError, PatId, PatRecord, PersonalAccessTokens, SecretHash, names};

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
    /// For a token of ours, a wrong secret costs the same steps as an unknown id: a look-up, the same MACs, one decryption, and reading the hash. The record
    /// of a known token is longer than the one that stands in for an unknown one, by what is known about it, so fetching and decrypting it takes longer: ids
    /// are public, and whether one exists is no secret that this keeps. For an scrypt hash of another system a wrong secret costs far more:
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
        let asked_at = Moment::now(self.now());
        let miss = match cache.get(text, asked_at) {
            Ok(record) if record.expires_at.is_none_or(|end| end > asked_at.wall) => {
                return Ok(record);
            }
            // It may have another end by now.
            Ok(_) => return Ok(self.look_up(presented).await?.0),
            Err(miss) => miss,
        };
        let (record, fit) = self.look_up(presented).await?;
        // A secret that was replaced has an end of its own, which the cache does not know.
        if fit == Fit::Current {
            cache.put(miss, &record, asked_at);
        }
        Ok(record)
    }

    async fn look_up(&self, presented: &Presented<'_>) -> Result<(PatRecord, Fit), VerifyError> {
        let key = self.key(&presented.id);
        // Done for every token, also for one that is not there.
        let mac = self.shared.hasher.mac(presented.hashed);
        let found = match self.store().get(&key).await {
            Ok(found) => found,
            Err(error) => return self.counted(&key, Err(error.into())).await,
        };
        let record = found.as_ref().unwrap_or(&self.shared.decoy);
        let opened = match Opened::open(&self.shared.keyset, record) {
            Ok(opened) => opened,
            Err(error) => return self.counted(&key, Err(error.into())).await,
        };
        let head = &opened.head;
        let fit = if presented.original.is_some() && found.is_some() {
            self.judge_original(record, head, presented, &mac).await?
        } else {
            let fit = self.judge(head, found.is_some(), presented, &mac);
            self.counted(&key, fit).await?
        };
        let mut row = opened.read()?;
        let now = self.now();
        check_ends(&row, fit, now)?;
        self.note_use(&mut row.facts, fit, presented, now);
        Ok((row.into_record(false), fit))
    }

    /// Compares a keyed hash. Nothing here waits, and nothing depends on whether there is such a token.
    fn judge(
        &self,
        head: &Head,
        there: bool,
        presented: &Presented<'_>,
        mac: &[u8; 32],
    ) -> Result<Fit, VerifyError> {
        let fit = self.keyed_fit(head, presented, mac);
        if there {
            Ok(fit?)
        } else {
            Err(Reason::NotFound.into())
        }
    }

    fn keyed_fit(
        &self,
        head: &Head,
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
        let before = head.before.as_ref().map(|before| fits(&before.hash));
        let elsewhere = presented.original.is_none() || head.origin != Origin::Issued;
        match fits(&head.hash) {
            Ok(true) if elsewhere => Ok(Fit::Current),
            _ if before == Some(Ok(true)) && elsewhere => Ok(Fit::Previous),
            Err(reason) => Err(reason),
            Ok(_) => Err(Reason::InvalidSecret),
        }
    }

    /// A token of the other system: by a keyed hash where it has one by now, and by scrypt otherwise.
    async fn judge_original(
        &self,
        record: &Record,
        head: &Head,
        presented: &Presented<'_>,
        mac: &[u8; 32],
    ) -> Result<Fit, VerifyError> {
        let key = &record.key;
        let keyed = self.keyed_fit(head, presented, mac);
        let slow = slow_hashes(head, presented);
        if keyed.is_ok() || slow.is_empty() {
            return self.counted(key, keyed.map_err(VerifyError::from)).await;
        }
        // Work that a stranger can ask for is counted before it is done.
        let subjects = self.slow_subjects(key);
        let [token, _] = subjects;
        let lane = lane(record, token);
        let work = async {
            for (fit, scrypt) in slow {
                let Some(secret) = presented.original.clone() else {
                    continue;
                };
                if self
                    .shared
                    .scrypt
                    .run(lane, Patience::UpToABound, move || scrypt.fits(&secret))
                    .await?
                {
                    return Ok(fit);
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

    /// Notes what the use of a token changes, if anything: when it was, and a hash of ours. That it is written is nothing that a request waits for.
    fn note_use(&self, facts: &mut Facts, fit: Fit, presented: &Presented<'_>, now: UnixTime) {
        let uses = &self.shared.uses;
        let due = uses.work().is_due(facts.last_used, now, now);
        let is_scrypt = matches!(facts.hash.kind(), Kind::Scrypt(_));
        let upgrade = self.shared.settings.upgrade_hashes && fit == Fit::Current && is_scrypt;
        if !due && !upgrade {
            return;
        }
        if due {
            facts.last_used = Some(now.as_secs());
        }
        let ours = || self.shared.hasher.hash(presented.hashed);
        let used = Use {
            of: facts.created,
            at: due.then_some(now),
            upgrade: upgrade.then(|| (facts.hash.clone(), ours())),
        };
        uses.note(facts.id, used);
    }
}

/// Where a token waits for scrypt: with those of its owner, who has one turn however many they are, and there in a lane of its own.
fn lane(record: &Record, token: Subject) -> Lane {
    let owner = record.label(&names::OWNER).and_then(<[u8]>::first_chunk);
    Lane {
        group: owner.map_or(token, |owner| Subject::Namespace(*owner)),
        within: token,
    }
}

/// The scrypt hashes that the presented secret may be under. In a record that was issued here there is none that counts.
fn slow_hashes(head: &Head, presented: &Presented<'_>) -> Vec<(Fit, Scrypt)> {
    let Some(secret) = &presented.original else {
        return Vec::new();
    };
    if head.origin == Origin::Issued {
        return Vec::new();
    }
    let before = head.before.as_ref();
    let hashes = [
        Some((Fit::Current, &head.hash)),
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
    use crate::pat::Prefix;
    use crate::pat::row::Before;
    use crate::pat::text::Prefixes;
    use crate::store::MemoryStore;

    use super::*;

    /// As an earlier version could leave it, and as nobody but the holder of the keys can write it.
    #[test]
    fn an_scrypt_hash_in_a_record_that_was_issued_here_does_not_count() {
        let hash: SecretHash =
            "$scrypt$ln=10,r=8,p=1$g4YGYr7uaYTUXddjaTkXPg$bWvmkRKgB5Fa7UIlO/tYyw"
                .parse()
                .unwrap();
        let prefixes = Prefixes {
            own: Prefix::default(),
            others: Vec::new(),
        };
        let text = "pat_2JAkraRtrH4sRVE1aOcjG.Dlm72oBWIr6RnrMoe92uQg==";
        let presented = prefixes.parse(text).unwrap();
        let before = Before {
            hash: hash.clone(),
            until: i64::MAX,
        };
        let mut head = Head {
            _id: presented.id,
            hash,
            before: Some(before),
            origin: Origin::Issued,
        };
        assert!(slow_hashes(&head, &presented).is_empty());
        for elsewhere in [Origin::Registered, Origin::Imported] {
            head.origin = elsewhere;
            assert_eq!(slow_hashes(&head, &presented).len(), 2);
        }
    }

    /// Nor a keyed one, though its holder once was a token of the other system.
    #[tokio::test]
    async fn a_hash_of_a_foreign_text_in_a_record_that_was_issued_here_does_not_count() {
        let keys = KeyRing::new(Key::generate());
        let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await;
        let pats = pats.unwrap();
        let prefixes = Prefixes {
            own: Prefix::default(),
            others: Vec::new(),
        };
        let text = "pat_2JAkraRtrH4sRVE1aOcjG.Dlm72oBWIr6RnrMoe92uQg==";
        let presented = prefixes.parse(text).unwrap();
        let hasher = &pats.shared.hasher;
        let mac = hasher.mac(presented.hashed);
        let [ours, other] = [text.as_bytes(), b"other"].map(|text| hasher.hash(text));
        for (hash, before) in [(&ours, &other), (&other, &ours)] {
            let before = Before {
                hash: before.clone(),
                until: i64::MAX,
            };
            let mut head = Head {
                _id: presented.id,
                hash: hash.clone(),
                before: Some(before),
                origin: Origin::Issued,
            };
            assert!(pats.keyed_fit(&head, &presented, &mac).is_err());
            head.origin = Origin::Imported;
            assert!(pats.keyed_fit(&head, &presented, &mac).is_ok());
        }
    }

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
        // The id, the text, and both subjects that attempts are counted by; the record, or what stands in for it, of which no more than the head is read.
        assert_eq!(done, [[4, 1, 0]; 4]);
        work::take();
        pats.verify(issued.token.expose()).await.unwrap();
        assert_eq!(work::take(), [2, 1, 1]);
    }
}
