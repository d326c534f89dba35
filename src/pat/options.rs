//! The settings of personal access tokens.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::keys::KeyRing;
use crate::sealed::{ServiceError, ServiceSettings, service_setters};
use crate::store::Store;

use super::text::Prefixes;
use super::{PatError, PersonalAccessTokens, Prefix, SecretHash};

/// Settings of personal access tokens: [`PersonalAccessTokens::options`].
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
    pub(super) upgrade_hashes: bool,
    pub(super) service: ServiceSettings,
}

impl PatOptions {
    pub(super) fn new() -> Self {
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
                upgrade_hashes: false,
                service: ServiceSettings::default(),
            },
        }
    }

    /// The beginning of new tokens. Default: `pat_`.
    pub fn prefix(mut self, prefix: Prefix) -> Self {
        self.settings.prefixes.own = prefix;
        self
    }

    /// Also accepts tokens with this prefix: an older one, or another system's. At most 64 visible
    /// ASCII characters.
    pub fn accept_prefix(mut self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into().into_boxed_str();
        self.settings.prefixes.others.push(prefix);
        self
    }

    /// The hash of the first admin's secret, from the environment for instance: see
    /// [`PersonalAccessTokens::bootstrap`].
    pub fn bootstrap(mut self, hash: SecretHash) -> Self {
        self.settings.bootstrap = Some(hash);
        self
    }

    /// Writes the last use of a token at most once in this time. Default: an hour. Each write costs
    /// a read, too. They happen in the background, one at a time: see
    /// [`flush`](PersonalAccessTokens::flush).
    ///
    /// With `None`, last uses are not recorded, and verifying writes nothing but
    /// [upgraded hashes](PatOptions::upgrade_hashes).
    pub fn last_used_every(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.settings.last_used_every = interval.into().map(seconds);
        self
    }

    /// Caches this many verified tokens, at most 1,000,000, each for at most `staleness`. Default:
    /// no cache. An entry is dropped once either the service's clock or the monotonic clock says
    /// that `staleness` has passed, or if the service's clock went back.
    ///
    /// # Security
    ///
    /// When *another* process revokes or changes a token, this one still accepts it until then:
    /// `staleness` is how long a stolen token may live on. Changes through this value and its
    /// clones take effect at once, and so does an expiry. Refusals are never cached.
    pub fn cache(mut self, tokens: usize, staleness: Duration) -> Self {
        self.settings.cache = NonZeroUsize::new(tokens).map(|tokens| (tokens, staleness));
        self
    }

    /// How long an expired token is kept until
    /// [`purge_expired`](PersonalAccessTokens::purge_expired) or the engine deletes it. Default: 90
    /// days. Until then it is `expired`, and after that `not_found`. A change applies to a token
    /// when it is next written.
    pub fn keep_expired(mut self, time: Duration) -> Self {
        self.settings.keep_expired = seconds(time);
        self
    }

    /// How many scrypt hashes of another system are checked at once, each with up to 64 MiB: 1 to
    /// 64. Default: the number of cores, at most four.
    pub fn max_concurrent_hashes(mut self, hashes: usize) -> Self {
        self.settings.service.max_concurrent_hashes = hashes;
        self
    }

    /// Whether a token's scrypt hash is replaced by ours when the token is used. The token's text
    /// stays the same. Default: `false`.
    pub fn upgrade_hashes(mut self, upgrade: bool) -> Self {
        self.settings.upgrade_hashes = upgrade;
        self
    }

    /// Opens the tokens of this store.
    ///
    /// # Errors
    ///
    /// As for [`PersonalAccessTokens::open`], [`ServiceError::InvalidSetting`], and
    /// [`PatError::Hash`] for a bootstrap hash that was made for another store.
    pub async fn open(
        self,
        store: impl Store,
        keys: &KeyRing,
    ) -> Result<PersonalAccessTokens, PatError> {
        let Self { settings } = self;
        let invalid = |what| Err(ServiceError::InvalidSetting(what).into());
        if settings
            .cache
            .is_some_and(|(tokens, _)| tokens.get() > 1_000_000)
        {
            return invalid("cache takes at most 1,000,000 tokens");
        }
        let is_visible = |prefix: &str| prefix.bytes().all(|byte| byte.is_ascii_graphic());
        let mut others = settings.prefixes.others.iter();
        if !others.all(|prefix| prefix.len() <= 64 && is_visible(prefix)) {
            return invalid("accept_prefix takes at most 64 visible ASCII characters");
        }
        PersonalAccessTokens::with_settings(Arc::new(store), keys, settings).await
    }
}

service_setters!(PatOptions);

/// Whole seconds, as times are stored.
fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
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
            .field("service", &settings.service)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_as_documented() {
        let PatOptions { settings } = PatOptions::new();
        assert_eq!(settings.prefixes.own.as_str(), "pat_");
        assert_eq!(settings.last_used_every, Some(3600));
        assert_eq!(settings.keep_expired, 90 * 86_400);
        assert!((1..=4).contains(&settings.service.max_concurrent_hashes));
        assert!(settings.cache.is_none() && settings.bootstrap.is_none());
        assert!(!settings.upgrade_hashes && settings.service.sink.is_none());
    }

    #[tokio::test]
    async fn a_refused_setting_is_named() {
        let keys = KeyRing::new(crate::keys::Key::generate());
        for (options, name) in [
            (
                PatOptions::new().max_concurrent_hashes(0),
                "max_concurrent_hashes",
            ),
            (PatOptions::new().cache(1_000_001, Duration::ZERO), "cache"),
            (PatOptions::new().accept_prefix("a b"), "accept_prefix"),
        ] {
            let opened = options.open(crate::store::MemoryStore::new(), &keys).await;
            let message = opened.unwrap_err().to_string();
            assert!(message.starts_with(&format!("{name} takes ")), "{message}");
        }
    }
}
