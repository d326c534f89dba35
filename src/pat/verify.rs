//! From the text of a token to what is known about it.

use std::pin::pin;

use crate::crypto::clock::UnixTime;
use crate::limits::{QueueId, Subject, WhenFull};
use crate::sealed::{Keyset, State};
use crate::store::{Record, RecordKey};

use super::cache::Moment;
use super::hash::{Hasher, Kind, Scrypt};
use super::new::NewPat;
use super::record::Origin;
use super::row::{self, Head, Meta, Opened};
use super::text::Presented;
use super::tokens::Tokens;
use super::uses::Use;
use super::{
    PatError, PatId, PatRecord, PersonalAccessTokens, Reason, SecretHash, VerifyError, names,
    operation,
};

/// Which of a token's secrets was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Current,
    /// The one before the last rotation.
    Previous,
}

impl PersonalAccessTokens {
    /// Finds the token of this text, and checks that it is valid now.
    ///
    /// Text that cannot be a token is refused without a lookup. A correct secret under a keyed hash
    /// is accepted however many attempts failed before, so knowing an id is not enough to lock out
    /// its owner. Only failures count; once there are too many, they all get the same answer. For
    /// an scrypt hash, attempts are counted before the work, and the limit holds for correct
    /// secrets, too.
    ///
    /// ```
    /// # use sealtoken::PublicError;
    /// # use sealtoken::pat::{PersonalAccessTokens, VerifyError};
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
    /// [`VerifyError::Refused`] with the [`Reason`], and [`VerifyError::Failed`] if it could not be
    /// checked.
    ///
    /// # Security
    ///
    /// For our tokens, a wrong secret takes the same steps as an unknown id: a lookup, the same
    /// MACs, one decryption, and reading the hash. Fetching and decrypting the record of a known
    /// token takes longer than the stand-in for an unknown one, by the length of its metadata: ids
    /// are public, and whether one exists is not kept secret. For an scrypt hash of another system
    /// a wrong secret costs far more: [upgrade](super::PatOptions::upgrade_hashes) those.
    pub async fn verify(&self, text: &str) -> Result<PatRecord, VerifyError> {
        let observed = self.observe(operation::VERIFY);
        // Pinned here: the future is large, and every call would copy it.
        let verify = pin!(async {
            let presented = self.shared.settings.prefixes.parse(text)?;
            self.name(&observed, presented.id);
            let tokens = self.tokens(&observed);
            self.verify_through_cache(tokens, text, &presented).await
        });
        observed.run(verify).await
    }

    async fn verify_through_cache(
        &self,
        tokens: Tokens<'_>,
        text: &str,
        presented: &Presented<'_>,
    ) -> Result<PatRecord, VerifyError> {
        let Some(cache) = &self.shared.cache else {
            return Ok(self.look_up(tokens, presented).await?.0);
        };
        let asked_at = Moment::now(tokens.now());
        let miss = match cache.get(text, asked_at) {
            Ok(record) if record.state_at(asked_at.wall) == State::Live => return Ok(record),
            // It may have another expiry by now.
            Ok(_) => return Ok(self.look_up(tokens, presented).await?.0),
            Err(miss) => miss,
        };
        let (record, secret) = self.look_up(tokens, presented).await?;
        // The previous secret has an expiry of its own, which the cache does not know.
        if secret == Match::Current {
            cache.put(miss, &record, asked_at);
        }
        Ok(record)
    }

    async fn look_up(
        &self,
        tokens: Tokens<'_>,
        presented: &Presented<'_>,
    ) -> Result<(PatRecord, Match), VerifyError> {
        let key = tokens.key(presented.id);
        // Done for every token, even one that does not exist.
        let mac = self.shared.hasher.mac(presented.hashed);
        let found = match tokens.store().get(&key).await {
            Ok(found) => found,
            Err(error) => return self.counted(tokens, &key, Err(error.into())).await,
        };
        let record = found.as_ref().unwrap_or(&self.shared.stand_in);
        let opened = match Opened::open(tokens.keyset(), record) {
            Ok(opened) => opened,
            Err(error) => return self.counted(tokens, &key, Err(error.into())).await,
        };
        let head = &opened.head;
        let secret = if presented.foreign_secret.is_some() && found.is_some() {
            let check = self.check_foreign(tokens, record, head, presented, &mac);
            check.await?
        } else {
            let checked = self.check(head, found.is_some(), presented, &mac);
            self.counted(tokens, &key, checked).await?
        };
        let mut meta = opened.read()?.meta;
        let now = tokens.now();
        check_expiry(&meta, secret, now)?;
        self.note_use(&mut meta, secret, presented, now);
        Ok((meta.into_record(false), secret))
    }

    /// Compares a keyed hash. Nothing here waits, and the work is the same whether the token
    /// exists.
    fn check(
        &self,
        head: &Head,
        exists: bool,
        presented: &Presented<'_>,
        mac: &[u8; 32],
    ) -> Result<Match, VerifyError> {
        let matched = self.check_keyed(head, presented, mac);
        if exists {
            Ok(matched?)
        } else {
            Err(Reason::NotFound.into())
        }
    }

    fn check_keyed(
        &self,
        head: &Head,
        presented: &Presented<'_>,
        mac: &[u8; 32],
    ) -> Result<Match, Reason> {
        let hasher = &self.shared.hasher;
        let matches = |hash: &SecretHash| match hash.kind() {
            Kind::Keyed(hash) => hasher.matches(hash, mac),
            // No token of ours has an scrypt hash.
            Kind::Scrypt(_) => Ok(false),
            Kind::Unusable(_, reason) => Err(*reason),
        };
        let previous = head.previous.as_ref();
        let previous = previous.map(|previous| matches(&previous.hash));
        let allowed = presented.foreign_secret.is_none() || head.origin != Origin::Issued;
        match matches(&head.hash) {
            Ok(true) if allowed => Ok(Match::Current),
            _ if previous == Some(Ok(true)) && allowed => Ok(Match::Previous),
            Err(reason) => Err(reason),
            Ok(_) => Err(Reason::InvalidSecret),
        }
    }

    /// Checks a token of the other system: by a keyed hash if it has one by now, otherwise by
    /// scrypt.
    async fn check_foreign(
        &self,
        tokens: Tokens<'_>,
        record: &Record,
        head: &Head,
        presented: &Presented<'_>,
        mac: &[u8; 32],
    ) -> Result<Match, VerifyError> {
        let key = &record.key;
        let keyed = self.check_keyed(head, presented, mac);
        let slow = slow_hashes(head, presented);
        if keyed.is_ok() || slow.is_empty() {
            let keyed = keyed.map_err(VerifyError::from);
            return self.counted(tokens, key, keyed).await;
        }
        // An unauthenticated caller can cause this work, so it is counted first.
        let subjects = tokens.slow_subjects(key);
        let [token, _] = subjects;
        let queue = queue(record, token);
        let work = async {
            for (secret, scrypt) in slow {
                let Some(presented) = presented.foreign_secret.clone() else {
                    continue;
                };
                let matches = move || scrypt.matches(&presented);
                let hash = self.shared.scrypt.run(queue, WhenFull::Refuse, matches);
                if hash.await? {
                    return Ok(secret);
                }
            }
            Err(keyed.err().unwrap_or(Reason::InvalidSecret).into())
        };
        let guard = &self.shared.guard;
        guard.attempt(&subjects, VerifyError::is_guess, work).await
    }

    /// Counts a failed attempt afterwards: a correct secret is never kept waiting.
    pub(super) async fn counted<T>(
        &self,
        tokens: Tokens<'_>,
        key: &RecordKey,
        result: Result<T, VerifyError>,
    ) -> Result<T, VerifyError> {
        if result.as_ref().is_err_and(VerifyError::is_guess) {
            let subjects = tokens.subjects(key);
            self.shared.guard.count(&subjects).await?;
        }
        result
    }

    /// Notes what the use of a token changes, if anything: its time, and a hash of ours. It is
    /// written in the background, and no request waits for it.
    fn note_use(&self, meta: &mut Meta, secret: Match, presented: &Presented<'_>, now: UnixTime) {
        let settings = &self.shared.settings;
        let due = meta.is_use_due(settings.last_used_every, now, now);
        let is_scrypt = matches!(meta.hash.kind(), Kind::Scrypt(_));
        let upgrade = settings.upgrade_hashes && secret == Match::Current && is_scrypt;
        if !due && !upgrade {
            return;
        }
        if due {
            meta.last_used = Some(now.as_secs());
        }
        let ours = || self.shared.hasher.hash(presented.hashed);
        let used = Use {
            of: meta.created,
            at: due.then_some(now),
            upgrade: upgrade.then(|| (meta.hash.clone(), ours())),
        };
        self.shared.uses.note(meta.id, used);
    }
}

/// The queue in which a token waits for scrypt: one for each owner, shared by all their tokens.
fn queue(record: &Record, token: Subject) -> QueueId {
    let owner = record.label(&names::OWNER).and_then(<[u8]>::first_chunk);
    QueueId {
        group: owner.map_or(token, |owner| Subject::new(super::subject::ALL, *owner)),
        within: token,
    }
}

/// The scrypt hashes that may match the presented secret. In a record that was issued here, none
/// counts.
fn slow_hashes(head: &Head, presented: &Presented<'_>) -> Vec<(Match, Scrypt)> {
    let Some(secret) = &presented.foreign_secret else {
        return Vec::new();
    };
    if head.origin == Origin::Issued {
        return Vec::new();
    }
    let previous = head.previous.as_ref();
    let hashes = [
        Some((Match::Current, &head.hash)),
        previous.map(|previous| (Match::Previous, &previous.hash)),
    ];
    let scrypt = |(which, hash): (Match, &SecretHash)| match hash.kind() {
        Kind::Scrypt(scrypt) if scrypt.is_as_long_as(secret) => Some((which, scrypt.clone())),
        _ => None,
    };
    hashes.into_iter().flatten().filter_map(scrypt).collect()
}

/// Revoked comes before expired, and both come after the secret.
fn check_expiry(meta: &Meta, secret: Match, now: UnixTime) -> Result<(), Reason> {
    let overlap = meta.previous.as_ref().map(|previous| previous.expires);
    let replaced =
        secret == Match::Previous && overlap.is_none_or(|expires| expires <= now.as_secs());
    match meta.state_at(now) {
        State::Revoked => Err(Reason::Revoked),
        State::Live if !replaced => Ok(()),
        _ => Err(Reason::Expired),
    }
}

/// The record that is opened and compared if no token exists: like any other, but in no store.
pub(super) fn stand_in(keyset: &Keyset, hasher: &Hasher) -> Result<Record, PatError> {
    let id = PatId::generate()?;
    let hash = hasher.hash(id.as_str().as_bytes());
    let mut new = NewPat::of("nobody@example.com".into());
    new.roles.push("reader".into());
    let meta = new.meta((id, hash, Origin::Issued), UnixTime::from_secs(0))?;
    row::seal(keyset, row::key(keyset, id), &meta, 0)
}

#[cfg(test)]
mod tests {
    use crate::crypto::work;
    use crate::keys::{Key, KeyRing};
    use crate::pat::Prefix;
    use crate::pat::row::Previous;
    use crate::pat::text::Prefixes;
    use crate::store::MemoryStore;

    use super::*;

    /// As an earlier version could leave it, and as only a holder of the keys can write it.
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
        let previous = Previous {
            hash: hash.clone(),
            expires: i64::MAX,
        };
        let mut head = Head {
            _id: presented.id,
            hash,
            previous: Some(previous),
            origin: Origin::Issued,
        };
        assert!(slow_hashes(&head, &presented).is_empty());
        for elsewhere in [Origin::Registered, Origin::Imported] {
            head.origin = elsewhere;
            assert_eq!(slow_hashes(&head, &presented).len(), 2);
        }
    }

    /// Nor does a keyed hash, even if the token once came from the other system.
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
        for (hash, previous) in [(&ours, &other), (&other, &ours)] {
            let previous = Previous {
                hash: previous.clone(),
                expires: i64::MAX,
            };
            let mut head = Head {
                _id: presented.id,
                hash: hash.clone(),
                previous: Some(previous),
                origin: Origin::Issued,
            };
            assert!(pats.check_keyed(&head, &presented, &mac).is_err());
            head.origin = Origin::Imported;
            assert!(pats.check_keyed(&head, &presented, &mac).is_ok());
        }
    }

    #[tokio::test]
    async fn an_unknown_token_costs_what_a_known_one_does() {
        let keys = KeyRing::new(Key::generate());
        let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await;
        let pats = pats.unwrap();
        let issued = pats.issue("ada").await.unwrap();
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
        // The MACs of the id, the text and both subjects; one decryption, of the record or of the
        // stand-in, of which only the head is read.
        assert_eq!(done, [[4, 1, 0]; 4]);
        work::take();
        pats.verify(issued.token.expose()).await.unwrap();
        assert_eq!(work::take(), [2, 1, 1]);
    }
}
