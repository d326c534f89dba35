//! What the use of a token changes: noted by requests, written in the background.

use std::sync::Arc;

use crate::crypto::clock::{ClockSource, UnixTime};
use crate::sealed::{BackgroundWork, Keyset, Rounds, ServiceError, change};
use crate::store::{Change, Record, Store};

use super::options::Settings;
use super::row::{self, Meta, Opened};
use super::{PatId, PersonalAccessTokens, SecretHash};

impl PersonalAccessTokens {
    /// Writes what verifying has noted but not written yet: last uses, and
    /// [upgraded](super::PatOptions::upgrade_hashes) hashes. Call it before the process exits;
    /// otherwise this happens in the background.
    ///
    /// It is best effort, as in the background, and ends after five seconds even if the store does
    /// not answer. At most 1,024 tokens are pending at a time; an upgraded hash takes the place of
    /// a last use. A note that finds no room, or that the store refuses, is made again at the
    /// token's next use. Pending notes are lost when the last clone of this value is dropped.
    ///
    /// ```
    /// # use sealtoken::pat::PersonalAccessTokens;
    /// # async fn example(pats: PersonalAccessTokens) {
    /// // The server has answered its last request.
    /// pats.flush().await;
    /// # }
    /// ```
    pub async fn flush(&self) {
        self.shared.uses.flush().await;
    }
}

/// A use of a token.
#[derive(Clone, PartialEq)]
pub(super) struct Use {
    /// When the token was issued: another one may get its id later.
    pub(super) of: i64,
    /// When it was used, if that is due to be written.
    pub(super) at: Option<UnixTime>,
    /// The scrypt hash that the secret matched, and the hash of ours that replaces it.
    pub(super) upgrade: Option<(SecretHash, SecretHash)>,
}

/// Writes uses.
pub(super) struct Uses {
    store: Arc<dyn Store>,
    keyset: Arc<Keyset>,
    clock: ClockSource,
    /// The last use of a token is written at most once in this many seconds.
    every: Option<i64>,
    /// In seconds.
    keep_expired: i64,
}

impl BackgroundWork for Uses {
    type Key = PatId;
    type Note = Use;
    const MAX_PENDING: usize = 1024;

    fn merge(earlier: &mut Use, later: Use) {
        if later.of != earlier.of {
            *earlier = later;
            return;
        }
        earlier.at = later.at.max(earlier.at);
        earlier.upgrade = later.upgrade.or(earlier.upgrade.take());
    }

    fn can_be_dropped(used: &Use) -> bool {
        used.upgrade.is_none()
    }

    /// Other changes of the token at the same time take precedence.
    async fn write(&self, id: &PatId, used: &Use) -> Result<(), ServiceError> {
        let key = row::key(&self.keyset, *id);
        let existing = self.store.get(&key).await?;
        let replace = |existing| Ok((self.replacement(existing, used), ()));
        match change(&*self.store, existing, Rounds::in_background(), replace).await {
            Err(ServiceError::Contended) => Ok(()),
            written => written,
        }
    }
}

impl Uses {
    pub(super) fn new(store: Arc<dyn Store>, keyset: Arc<Keyset>, settings: &Settings) -> Self {
        Self {
            store,
            keyset,
            clock: settings.service.clock.clone(),
            every: settings.last_used_every,
            keep_expired: settings.keep_expired,
        }
    }

    /// The change that notes a use, if there is something to note. A damaged
    /// record, or one that was tampered with, is left alone.
    fn replacement(&self, existing: Option<Record>, used: &Use) -> Option<Change> {
        let record = existing?;
        let row = Opened::open(&self.keyset, &record).and_then(Opened::read);
        let row = row.ok()?;
        let meta = self.after(&row.meta, used);
        if meta == *row.meta {
            return None;
        }
        let sealed = row::seal(&self.keyset, record.key, &meta, self.keep_expired);
        Some(Change::Replace {
            record: sealed.ok()?,
            expected: row.version,
        })
    }

    /// What is known about the token after this use. An earlier use never replaces a later one.
    fn after(&self, meta: &Meta, used: &Use) -> Meta {
        let mut meta = meta.clone();
        if meta.created != used.of {
            return meta;
        }
        if let Some(at) = used.at
            && meta.is_use_due(self.every, at, self.clock.now())
        {
            meta.last_used = Some(at.as_secs());
        }
        if let Some((from, to)) = &used.upgrade
            && meta.hash == *from
        {
            meta.hash = to.clone();
        }
        meta
    }
}

#[cfg(test)]
mod tests {
    use crate::crypto::secret::Secret;
    use crate::pat::hash::Hasher;

    use super::*;

    /// For instance a use of the previous secret, which upgrades no hash, and one that is not due.
    #[test]
    fn uses_that_are_written_together_take_nothing_from_each_other() {
        let hasher = Hasher::new(&Secret::from([8; 32]));
        let upgrade = Some((hasher.hash(b"from"), hasher.hash(b"to")));
        let at = |seconds| Some(UnixTime::from_secs(seconds));
        let of = |of, at, upgrade| Use { of, at, upgrade };
        let mut noted = of(0, at(1), upgrade.clone());
        for later in [of(0, at(2), None), of(0, None, None)] {
            Uses::merge(&mut noted, later);
        }
        assert!(noted == of(0, at(2), upgrade));
        Uses::merge(&mut noted, of(1, None, None));
        assert!(noted == of(1, None, None));
    }
}
