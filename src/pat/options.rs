//! The settings of personal access tokens.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::crypto::clock::{Clock, ClockSource};
use crate::events::EventSink;
use crate::keys::KeyRing;
use crate::limits::{AttemptLimiter, MemoryLimiter};
use crate::store::Store;

use super::text::Prefixes;
use super::{PatError, PersonalAccessTokens, Prefix, SecretHash};

/// How personal access tokens are opened: [`PersonalAccessTokens::options`].
///
/// ```
/// use std::time::Duration;
///
/// use sealtoken::pat::PersonalAccessTokens;
/// use sealtoken::store::MemoryStore;
/// use sealtoken::{Key, KeyRing};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sealtoken::pat::PatError> {
/// let pats = PersonalAccessTokens::options()
///     .prefix("acme_".parse()?)
///     .last_used_every(Duration::from_secs(600))
///     .cache(10_000, Duration::from_secs(5))
///     .open(MemoryStore::new(), &KeyRing::new(Key::generate()))
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "settings do nothing until `open` is awaited"]
pub struct PatOptions {
    settings: Settings,
}

pub(super) struct Settings {
    pub(super) prefixes: Prefixes,
    pub(super) bootstrap: Option<SecretHash>,
    /// In seconds.
    pub(super) last_used_every: Option<i64>,
    pub(super) cache: Option<(NonZeroUsize, Duration)>,
    /// In seconds.
    pub(super) keep_expired: i64,
    pub(super) scrypt_at_once: usize,
    pub(super) upgrade_hashes: bool,
    pub(super) clock: ClockSource,
    pub(super) events: Option<Arc<dyn EventSink>>,
    pub(super) limiter: Arc<dyn AttemptLimiter>,
}

impl Default for PatOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            settings: Settings {
                prefixes: Prefixes {
                    own: Prefix::default(),
                    others: Vec::new(),
                },
                bootstrap: None,
                last_used_every: Some(3600),
                cache: None,
                keep_expired: 90 * 86_400,
                scrypt_at_once: cores.min(4),
                upgrade_hashes: false,
                clock: ClockSource::default(),
                events: None,
                limiter: Arc::new(MemoryLimiter::default()),
            },
        }
    }
}

impl PatOptions {
    /// What new tokens begin with; `pat_` unless set.
    pub fn prefix(mut self, prefix: Prefix) -> Self {
        self.settings.prefixes.own = prefix;
        self
    }

    /// Takes tokens with this prefix, too: those from before the prefix was changed, or of another system. At most 64 visible ASCII characters.
    pub fn also_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings
            .prefixes
            .others
            .push(prefix.into().into_boxed_str());
        self
    }

    /// The hash of the first admin's secret, from the environment, say: see [`PersonalAccessTokens::bootstrap`].
    pub fn bootstrap(mut self, hash: SecretHash) -> Self {
        self.settings.bootstrap = Some(hash);
        self
    }

    /// How often the last use of a token is written at most; once an hour unless set. Each time costs a read and a write, behind the request and one at a time:
    /// see [`flush`](PersonalAccessTokens::flush).
    pub fn last_used_every(mut self, interval: Duration) -> Self {
        let seconds = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX);
        self.settings.last_used_every = Some(seconds);
        self
    }

    /// Writes no last use: verifying never writes then.
    pub fn without_last_used(mut self) -> Self {
        self.settings.last_used_every = None;
        self
    }

    /// Keeps so many verified tokens in memory, at most 1,000,000, each for at most so long; none unless set. The time is over when the machine's
    /// monotonic clock says so or the service's, and when that one ran backwards.
    ///
    /// # Security
    ///
    /// A token that *another* process revokes, or changes, is taken here until then: `staleness` is how long a stolen token may live on. What is changed
    /// through this value and its clones is seen at once, and so is the end of a token. What is refused is never kept.
    pub fn cache(mut self, tokens: usize, staleness: Duration) -> Self {
        self.settings.cache = NonZeroUsize::new(tokens).map(|tokens| (tokens, staleness));
        self
    }

    /// How long a token is kept after its end, until [`purge`](PersonalAccessTokens::purge) or the engine removes it: 90 days unless set. Until then
    /// it is `expired`, and after that `not_found`.
    pub fn keep_expired(mut self, time: Duration) -> Self {
        self.settings.keep_expired = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        self
    }

    /// How many scrypt hashes of another system are checked at once, each with up to 64 MiB: as many as there are cores unless set, at most four.
    pub fn scrypt_at_once(mut self, hashes: usize) -> Self {
        self.settings.scrypt_at_once = hashes;
        self
    }

    /// Whether an scrypt hash is replaced by ours when its token is used; not unless set. The token's text stays as it is.
    pub fn upgrade_hashes(mut self, upgrade: bool) -> Self {
        self.settings.upgrade_hashes = upgrade;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = ClockSource::Injected(Arc::new(clock));
        self
    }

    /// Who is told of each operation.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.settings.events = Some(Arc::new(sink));
        self
    }

    /// Who counts failed attempts: [`MemoryLimiter`] unless set.
    pub fn attempts(mut self, limiter: impl AttemptLimiter) -> Self {
        self.settings.limiter = Arc::new(limiter);
        self
    }

    /// Opens the tokens of this store.
    ///
    /// # Errors
    ///
    /// As for [`PersonalAccessTokens::open`], [`PatError::InvalidSetting`], and [`PatError::Hash`] for a bootstrap hash that was made for another store.
    pub async fn open(
        self,
        store: impl Store,
        keys: &KeyRing,
    ) -> Result<PersonalAccessTokens, PatError> {
        let settings = self.settings;
        if !(1..=64).contains(&settings.scrypt_at_once) {
            return Err(PatError::InvalidSetting(
                "1 to 64 scrypt hashes are checked at once",
            ));
        }
        if settings
            .cache
            .is_some_and(|(tokens, _)| tokens.get() > 1_000_000)
        {
            return Err(PatError::InvalidSetting(
                "at most 1,000,000 verified tokens are kept",
            ));
        }
        let visible =
            |prefix: &str| prefix.len() <= 64 && prefix.bytes().all(|b| b.is_ascii_graphic());
        if !settings
            .prefixes
            .others
            .iter()
            .all(|prefix| visible(prefix))
        {
            return Err(PatError::InvalidSetting(
                "another prefix has at most 64 visible ASCII characters",
            ));
        }
        PersonalAccessTokens::with_settings(Arc::new(store), keys, settings).await
    }
}

impl fmt::Debug for PatOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        f.debug_struct("PatOptions")
            .field("prefix", &settings.prefixes.own)
            .field("last_used_every", &settings.last_used_every)
            .field("cache", &settings.cache)
            .field("keep_expired", &settings.keep_expired)
            .field("upgrade_hashes", &settings.upgrade_hashes)
            .field("clock", &settings.clock)
            .field("events", &settings.events)
            .field("limiter", &settings.limiter)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_as_it_is_documented() {
        let settings = PatOptions::default().settings;
        assert_eq!(settings.prefixes.own.as_str(), "pat_");
        assert_eq!(settings.last_used_every, Some(3600));
        assert_eq!(settings.keep_expired, 90 * 86_400);
        assert!((1..=4).contains(&settings.scrypt_at_once));
        assert!(settings.cache.is_none() && settings.bootstrap.is_none());
        assert!(!settings.upgrade_hashes && settings.events.is_none());
    }
}
