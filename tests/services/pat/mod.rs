//! Personal access tokens through their public API, on every engine.

mod answers;
mod attempts;
mod background;
mod bootstrap;
mod bulk;
mod cache;
mod cancelled;
mod events;
mod foreign;
mod life;
mod limited;
mod limits;
mod listing;
mod lost_replies;
mod new;
mod operations;
pub(crate) mod originals;
mod outages;
mod owned;
mod properties;
mod races;
mod records;
mod ring;
mod rotation;
mod tampering;
mod use_of_tokens;
mod vectors;

use std::sync::Arc;

use sealtoken::pat::{
    Issue, Issued, PatOptions, PatRecord, PersonalAccessTokens, Reason, VerifyError,
};
use sealtoken::store::{Collection, Query, Record, Store};
use sealtoken::{Key, KeyRing, ManualClock, UnixTime};

use crate::engine::Engine;
use crate::faulty::Faulty;

pub(crate) const NOW: i64 = 1_763_755_200;

pub(crate) const COLLECTIONS: [&str; 3] = ["pat_keysets", "pat_tokens", "pat_bootstrap"];

/// Tokens with a clock of their own, and without a limit of attempts.
pub(crate) struct Bench {
    pub(crate) pats: PersonalAccessTokens,
    pub(crate) clock: ManualClock,
    pub(crate) keys: KeyRing,
    /// The one key of the ring at first.
    pub(crate) old: Key,
    pub(crate) store: Arc<dyn Store>,
    /// What the engine needs as long as it runs.
    _engine: Option<Engine>,
}

impl Bench {
    pub(crate) async fn on(engine: Engine) -> Self {
        Self::with(engine, PersonalAccessTokens::options()).await
    }

    pub(crate) async fn with(engine: Engine, options: PatOptions) -> Self {
        let bench = Self::over(engine.store.clone(), options).await;
        Self {
            _engine: Some(engine),
            ..bench
        }
    }

    pub(crate) async fn over(store: Arc<dyn Store>, options: PatOptions) -> Self {
        let clock = ManualClock::at(UnixTime::from_secs(NOW));
        let old = Key::generate();
        let keys = KeyRing::new(old.clone());
        let options = options.clock(clock.clone()).limiter(());
        let pats = options.open(store.clone(), &keys).await.unwrap();
        Self {
            pats,
            clock,
            keys,
            old,
            store,
            _engine: None,
        }
    }

    /// The same tokens, opened anew as another process does.
    pub(crate) async fn again(&self, options: PatOptions) -> PersonalAccessTokens {
        let options = options.clock(self.clock.clone()).limiter(());
        options.open(self.store.clone(), &self.keys).await.unwrap()
    }

    pub(crate) fn issue(&self, owner: impl Into<String>) -> Issue<'_> {
        self.pats.issue(owner)
    }

    pub(crate) async fn verify(&self, issued: &Issued) -> Result<PatRecord, VerifyError> {
        self.pats.verify(issued.token.expose()).await
    }

    /// Why a token is refused.
    pub(crate) async fn reason(&self, issued: &Issued) -> Option<Reason> {
        reason(self.verify(issued).await)
    }

    /// All records of the store.
    pub(crate) async fn records(&self) -> Vec<Record> {
        let mut all = Vec::new();
        for name in COLLECTIONS {
            let query = Query::all(Collection::new(name).unwrap()).limit(1000);
            let page = self.store.scan(&query).await.unwrap();
            assert!(page.next.is_none());
            all.extend(page.records);
        }
        all
    }
}

/// Why a token was refused; none where it was taken.
pub(crate) fn reason(result: Result<PatRecord, VerifyError>) -> Option<Reason> {
    match result {
        Ok(_) => None,
        Err(VerifyError::Refused(reason)) => Some(reason),
        Err(error) => panic!("{error:?}"),
    }
}

/// An id that no token has at first.
const FREE: &str = "free0for0the0taking00";

/// An owner.
pub(crate) const ADA: &str = "ada@example.com";

pub(crate) fn at(seconds: i64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

/// Text with another letter at this place.
pub(crate) fn with_other(text: &str, place: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[place] = if bytes[place] == b'a' { b'b' } else { b'a' };
    String::from_utf8(bytes).unwrap()
}

/// A well-formed token with the id of this one and another secret.
pub(crate) async fn with_wrong_secret(pats: &PersonalAccessTokens, issued: &Issued) -> String {
    let other = pats.generate_as(issued.record.id).unwrap();
    other.token.expose().to_owned()
}

/// Another process, which no fault concerns.
async fn other(bench: &Bench, store: &Faulty) -> PersonalAccessTokens {
    let options = PersonalAccessTokens::options().clock(bench.clock.clone());
    let other = options.open(store.inner.clone(), &bench.keys);
    other.await.unwrap()
}
