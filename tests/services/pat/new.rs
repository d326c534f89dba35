//! Tokens that are issued, registered, or only made.

use std::time::Duration;

use sealtoken::pat::{Origin, PatError, PatId, PersonalAccessTokens, Prefix, Reason, SecretHash};
use sealtoken::store::MemoryStore;
use sealtoken::{Key, KeyRing, Lifetime, ServiceError};

use super::{ADA, Bench, NOW, at, reason};
use crate::engine::{Engine, on_every_engine};

on_every_engine! {
    everything_that_is_given_comes_back,
    an_id_of_ones_own_is_taken_once,
    what_was_generated_is_registered_and_good,
}

async fn everything_that_is_given_comes_back(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench
        .issue(ADA)
        .admin(true)
        .roles(["writer", "reader", "writer"])
        .role("größe")
        .scope("repo:read")
        .scopes(["repo:write", "repo:read"])
        .name("laptop")
        .metadata("ticket", "OPS-12")
        .metadata("empty", "")
        .expires(Lifetime::days(90))
        .await
        .unwrap();
    let record = &issued.record;
    assert_eq!(record.owner, "ada@example.com");
    assert!(record.admin);
    assert!(record.roles.iter().eq(["größe", "reader", "writer"]));
    assert!(record.scopes.iter().eq(["repo:read", "repo:write"]));
    assert!(record.has_role("reader") && !record.has_role("repo:read"));
    assert!(record.has_scope("repo:read") && !record.has_scope("reader"));
    assert_eq!(record.name.as_deref(), Some("laptop"));
    let metadata: Vec<_> = record.metadata.iter().collect();
    assert_eq!(metadata.len(), 2);
    assert_eq!(record.metadata("ticket"), Some("OPS-12"));
    assert_eq!(record.origin, Origin::Issued);
    assert_eq!((record.created_at, record.updated_at), (at(NOW), at(NOW)));
    assert_eq!(record.expires_at, Some(at(NOW + 90 * 86_400)));
    assert_eq!((record.last_used_at, record.revoked_at), (None, None));
    assert_eq!((record.purge_at, &record.hash), (None, &None));
    assert_eq!(record.previous_secret_expires_at, None);
    assert_eq!(bench.pats.get(record.id).await.as_ref(), Ok(record));

    // Its hash only where that is asked for; and its use is written.
    let verified = bench.verify(&issued).await.unwrap();
    assert_eq!(
        (verified.last_used_at, &verified.hash),
        (Some(at(NOW)), &None)
    );
    bench.pats.flush().await;
    let with_hash = bench.pats.get_with_hash(record.id).await.unwrap();
    assert_eq!(with_hash.hash.as_ref(), Some(&issued.hash));
    assert_eq!(with_hash.last_used_at, Some(at(NOW)));

    // The least.
    let least = bench.issue("b").await.unwrap().record;
    assert!(!least.admin && least.roles.is_empty() && least.scopes.is_empty());
    assert_eq!((&least.name, least.expires_at), (&None, None));
    assert_eq!(
        bench
            .issue(ADA)
            .expires(Lifetime::Forever)
            .await
            .unwrap()
            .record
            .expires_at,
        None
    );
}

async fn an_id_of_ones_own_is_taken_once(engine: Engine) {
    let bench = Bench::on(engine).await;
    let id: PatId = "34NwRzvnBbgI3uedkrQ3Q".parse().unwrap();
    let first = bench.pats.issue(ADA).id(id).await.unwrap();
    assert_eq!(first.record.id, id);
    assert!(
        first
            .token
            .expose()
            .starts_with("pat_34NwRzvnBbgI3uedkrQ3Q_")
    );
    let taken = Err(PatError::AlreadyExists);
    let again = bench.pats.issue(ADA).id(id).await;
    assert_eq!(again.map(|_| ()), taken);
    let generated = bench.pats.generate_as(id).unwrap();
    let registered = bench.pats.register(id, generated.hash, ADA).await;
    assert_eq!(registered.map(|_| ()), taken);
    // Also while it is revoked; free again when it is deleted, and then the old text is good no
    // more.
    bench.pats.revoke(id).await.unwrap();
    let again = bench.pats.issue(ADA).id(id).await;
    assert_eq!(again.map(|_| ()), taken);
    bench.pats.delete(id).await.unwrap();
    let second = bench.pats.issue(ADA).id(id).await.unwrap();
    assert!(bench.verify(&second).await.is_ok());
    assert_eq!(bench.reason(&first).await, Some(Reason::InvalidSecret));
}

async fn what_was_generated_is_registered_and_good(engine: Engine) {
    let bench = Bench::on(engine).await;
    let generated = bench.pats.generate().unwrap();
    let text = generated.token.expose();
    let unknown = bench.pats.verify(text).await;
    assert_eq!(reason(unknown), Some(Reason::NotFound));
    assert_eq!(bench.pats.list().count().await, Ok(0));
    // The hash goes through a file.
    let hash: SecretHash = generated.hash.to_string().parse().unwrap();
    assert_eq!(hash, generated.hash);
    let record = bench.pats.register(generated.id, hash, ADA).await.unwrap();
    assert_eq!(
        (record.id, record.origin),
        (generated.id, Origin::Registered)
    );
    assert_eq!(record.hash, None);
    assert!(bench.pats.verify(text).await.is_ok());
    assert_ne!(bench.pats.generate().unwrap().id, generated.id);
}

#[tokio::test]
async fn a_hash_of_another_store_is_refused() {
    let bench = Bench::on(Engine::memory()).await;
    let keys = KeyRing::new(Key::generate());
    let other = PersonalAccessTokens::open(MemoryStore::new(), &keys).await;
    let generated = other.unwrap().generate().unwrap();
    let refused = Err(PatError::Hash(Reason::InvalidParameters));
    let hash = generated.hash.clone();
    let registered = bench.pats.register(generated.id, hash, ADA).await;
    assert_eq!(registered.map(|_| ()), refused);
    let id = bench.issue(ADA).await.unwrap().record.id;
    assert_eq!(
        bench
            .pats
            .update(id)
            .hash(generated.hash.clone())
            .await
            .map(|_| ()),
        refused
    );
    let options = PersonalAccessTokens::options().bootstrap(generated.hash);
    let opened = options.open(bench.store.clone(), &bench.keys).await;
    assert_eq!(opened.map(|_| ()), refused);
}

#[tokio::test]
async fn ids_are_drawn_from_all_letters_and_digits() {
    let bench = Bench::on(Engine::memory()).await;
    let mut seen = std::collections::BTreeSet::new();
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let id = bench.pats.generate().unwrap().id;
        assert!(ids.insert(id));
        assert_eq!(id.to_string().parse(), Ok(id));
        seen.extend(id.as_str().bytes());
    }
    assert_eq!(seen.len(), 62);
    for bad in [
        "",
        "a",
        "34NwRzvnBbgI3uedkrQ3",
        "34NwRzvnBbgI3uedkrQ3QQ",
        "34NwRzvnBbgI3uedkr.3Q",
        "34NwRzvnBbgI3uedkrQ3ü",
    ] {
        assert_eq!(bad.parse::<PatId>(), Err(PatError::InvalidId), "{bad}");
    }
}

#[tokio::test]
async fn a_token_has_one_spelling() {
    let bench = Bench::on(Engine::memory()).await;
    let issued = bench.issue(ADA).await.unwrap();
    let text = issued.token.expose();
    assert_eq!(text.len(), 75);
    assert!(
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    );
    for place in 0..text.len() {
        let changed = super::with_other(text, place);
        let expected = if place < 4 {
            Reason::InvalidPrefix
        } else {
            Reason::InvalidFormat
        };
        assert_eq!(reason(bench.pats.verify(&changed).await), Some(expected));
    }
    for (other, expected) in [
        (String::new(), Reason::InvalidPrefix),
        (format!(" {text}"), Reason::InvalidPrefix),
        (text.to_uppercase(), Reason::InvalidPrefix),
        (format!("Bearer {text}"), Reason::InvalidPrefix),
        (format!("{text} "), Reason::InvalidFormat),
        (format!("{text}\n"), Reason::InvalidFormat),
        (format!("{text}="), Reason::InvalidFormat),
        (format!("{text}{text}"), Reason::InvalidFormat),
        (
            format!("pat_{}", "x".repeat(100_000)),
            Reason::InvalidFormat,
        ),
        ("pat_".into(), Reason::InvalidFormat),
        (
            "pat_größegrößegrößegrößegröße".into(),
            Reason::InvalidFormat,
        ),
    ] {
        assert_eq!(
            reason(bench.pats.verify(&other).await),
            Some(expected),
            "{other:.80}"
        );
    }
}

#[tokio::test]
async fn tokens_of_another_prefix_are_taken_where_that_is_set() {
    let bench = Bench::on(Engine::memory()).await;
    let before = bench.issue(ADA).await.unwrap();
    let prefix: Prefix = "pat_live_".parse().unwrap();
    let options = || PersonalAccessTokens::options().prefix(prefix.clone());
    let strict = bench.again(options()).await;
    let refused = strict.verify(before.token.expose()).await;
    assert_eq!(reason(refused), Some(Reason::InvalidPrefix));
    let both = bench.again(options().accept_prefix("pat_")).await;
    let after = both.issue(ADA).await.unwrap();
    assert!(after.token.expose().starts_with("pat_live_"));
    for text in [before.token.expose(), after.token.expose()] {
        assert_eq!(reason(both.verify(text).await), None, "{text}");
    }
    // The other way round one prefix begins with the other, too.
    let back = bench
        .again(PersonalAccessTokens::options().accept_prefix("pat_live_"))
        .await;
    for text in [before.token.expose(), after.token.expose()] {
        assert_eq!(reason(back.verify(text).await), None, "{text}");
    }
    // The secret is bound to the text: the same id and secret under another prefix is another
    // token.
    let moved = after.token.expose().replace("pat_live_", "pat_");
    assert_eq!(
        reason(both.verify(&moved).await),
        Some(Reason::InvalidFormat)
    );
    for odd in ["with space", "größe", &"x".repeat(65), "new\nline"] {
        let options = PersonalAccessTokens::options().accept_prefix(odd);
        let opened = options.open(MemoryStore::new(), &bench.keys).await;
        assert!(
            matches!(
                opened,
                Err(PatError::Service(ServiceError::InvalidSetting(_)))
            ),
            "{odd}"
        );
    }
    let options = PersonalAccessTokens::options().cache(1_000_001, Duration::from_secs(1));
    let opened = options.open(MemoryStore::new(), &bench.keys).await;
    assert!(matches!(
        opened,
        Err(PatError::Service(ServiceError::InvalidSetting(_)))
    ));
    for at_once in [0, 65] {
        let options = PersonalAccessTokens::options().max_concurrent_hashes(at_once);
        let opened = options.open(MemoryStore::new(), &bench.keys).await;
        assert!(matches!(
            opened,
            Err(PatError::Service(ServiceError::InvalidSetting(_)))
        ));
    }
}

#[tokio::test]
async fn a_scanner_finds_tokens_by_the_pattern_of_their_prefix() {
    let bench = Bench::on(Engine::memory()).await;
    let pattern = Prefix::default().pattern();
    // The pattern by hand: the prefix, 21 letters and digits, `_`, and 49 more.
    assert_eq!(pattern, r"\bpat_[0-9A-Za-z]{21}_[0-9A-Za-z]{49}\b");
    for _ in 0..50 {
        let token = bench.pats.generate().unwrap().token;
        let parts: Vec<&str> = token.expose().split('_').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!((parts[0], lengths), ("pat", vec![3, 21, 49]));
    }
}

#[test]
fn serde_gives_an_id_of_21_letters_and_digits_or_none() {
    let id = PatId::generate().unwrap();
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, format!("\"{id}\""));
    assert_eq!(serde_json::from_str::<PatId>(&json).ok(), Some(id));
    let twenty = "34NwRzvnBbgI3uedkrQ3";
    for last in ["", "QQ", "-", "_", " ", "é", "\u{7f}", "\\u0000"] {
        let read = serde_json::from_str::<PatId>(&format!("\"{twenty}{last}\""));
        assert!(read.is_err(), "{last:?}");
    }
    // 21 bytes, and 21 characters.
    for text in ["éééééééééé1", "ééééééééééééééééééééé"] {
        assert!(serde_json::from_str::<PatId>(&format!("\"{text}\"")).is_err());
    }
    for other in ["null", "21", "[\"34NwRzvnBbgI3uedkrQ3Q\"]"] {
        assert!(serde_json::from_str::<PatId>(other).is_err(), "{other}");
    }
}
