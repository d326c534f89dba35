//! What the use of a token changes: noted by requests, written behind them. Nothing waits for it.

use std::sync::Arc;

use crate::crypto::clock::{ClockSource, UnixTime};
use crate::sealed::{Keyset, Work};
use crate::store::{Change, Outcome, Store, StoreError};

use super::options::Settings;
use super::row::{self, Facts, Opened};
use super::{PatId, PersonalAccessTokens, SecretHash};

/// How often a use is written again where others change the token at the same time. What is lost then, the next use makes good.
const TRIES: u32 = 3;
/// How far ahead of this node's clock, in seconds, a last use may lie: as far as the clocks of the nodes may differ. They agree on the later one.
const FUTURE_SKEW: i64 = 60;

impl PersonalAccessTokens {
    /// Writes what verifying has noted and not written yet: last uses, and [upgraded](super::PatOptions::upgrade_hashes) hashes. For the end of a
    /// process; otherwise it happens by itself, in the background.
    ///
    /// It is best effort, as in the background: it ends after five seconds, also where the store does not answer. What the store refuses, and what
    /// finds no room among the 1,024 tokens that are noted at a time, is noted again when the token is used next; an upgraded hash takes the room of
    /// a last use. What is noted when the last clone of this value is dropped is lost.
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

/// What a use of a token changes.
#[derive(Clone, PartialEq)]
pub(super) struct Use {
    /// When the token was issued: another one may come under its id.
    pub(super) of: i64,
    /// When it was, where that is to be written.
    pub(super) at: Option<UnixTime>,
    /// The scrypt hash that the secret was found under, and the one of ours that is to replace it.
    pub(super) upgrade: Option<(SecretHash, SecretHash)>,
}

/// How uses are written.
pub(super) struct Uses {
    store: Arc<dyn Store>,
    keyset: Arc<Keyset>,
    clock: ClockSource,
    /// How often the last use of a token is written at most, in seconds.
    every: Option<i64>,
    /// In seconds.
    keep_expired: i64,
}

impl Work for Uses {
    type Key = PatId;
    type Note = Use;
    const MOST: usize = 1024;

    fn merge(earlier: &mut Use, later: Use) {
        if later.of != earlier.of {
            *earlier = later;
            return;
        }
        earlier.at = later.at.max(earlier.at);
        earlier.upgrade = later.upgrade.or(earlier.upgrade.take());
    }

    fn gives_way(used: &Use) -> bool {
        used.upgrade.is_none()
    }

    /// Whoever changes the token at the same moment comes first.
    async fn write(&self, id: &PatId, used: &Use) -> Result<(), StoreError> {
        let key = row::key(&self.keyset, id);
        for _ in 0..TRIES {
            let Some(record) = self.store.get(&key).await? else {
                return Ok(());
            };
            // One that was changed from outside is not this one's business.
            let Ok(row) = Opened::open(&self.keyset, &record).and_then(Opened::read) else {
                return Ok(());
            };
            let facts = self.facts_after(&row.facts, used);
            if facts == *row.facts {
                return Ok(());
            }
            let sealed = row::seal(&self.keyset, key.clone(), &facts, self.keep_expired);
            let Ok(record) = sealed else {
                return Ok(());
            };
            let expected = row.version;
            let replace = Change::Replace { record, expected };
            if let Outcome::Written = self.store.write(&[replace]).await? {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Uses {
    pub(super) fn new(store: Arc<dyn Store>, keyset: Arc<Keyset>, settings: &Settings) -> Self {
        Self {
            store,
            keyset,
            clock: settings.clock.clone(),
            every: settings.last_used_every,
            keep_expired: settings.keep_expired,
        }
    }

    /// Whether a use at this moment is to be written, where the last one is this. One that lies further in the future than clocks differ was written
    /// by one that was wrong.
    pub(super) fn is_due(&self, last: Option<i64>, at: UnixTime, now: UnixTime) -> bool {
        let latest = now.saturating_add(FUTURE_SKEW).as_secs();
        let ended = |last: i64, every| last.saturating_add(every) <= at.as_secs();
        self.every
            .is_some_and(|every| last.is_none_or(|last| last > latest || ended(last, every)))
    }

    /// Judged by what is there now: of uses that are written by many, none takes the place of a later one.
    fn facts_after(&self, facts: &Facts, used: &Use) -> Facts {
        let mut facts = facts.clone();
        if facts.created != used.of {
            return facts;
        }
        if let Some(at) = used.at
            && self.is_due(facts.last_used, at, self.clock.now())
        {
            facts.last_used = Some(at.as_secs());
        }
        if let Some((from, to)) = &used.upgrade
            && facts.hash == *from
        {
            facts.hash = to.clone();
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use crate::crypto::secret::Secret;
    use crate::pat::hash::Hasher;

    use super::*;

    /// As a use by the secret before, which is no reason to replace a hash, and one that is not to be written.
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
