//! What callers learn from a refusal, and what a database shows.

use std::time::Duration;

use sealtoken::pat::{Issued, PatError, PersonalAccessTokens, VerifyError};
use sealtoken::{Lifetime, PublicError, ServiceError};

use super::{ADA, Bench, NOW, originals, with_wrong_secret};
use crate::engine::{Engine, on_every_engine};

on_every_engine! {
    a_database_shows_no_owner_role_name_token_or_hash,
}

#[tokio::test]
async fn a_caller_gets_the_same_answer_to_every_refusal() {
    let bench = Bench::on(Engine::memory()).await;
    let issued = bench.issue(ADA).await.unwrap();
    let wrong = with_wrong_secret(&bench.pats, &issued).await;
    let over = bench
        .issue(ADA)
        .expires(Lifetime::seconds(1))
        .await
        .unwrap();
    let revoked = bench.issue(ADA).await.unwrap();
    bench.pats.revoke(revoked.record.id).await.unwrap();
    bench.clock.advance(1);
    let unknown = bench.pats.generate().unwrap();
    let mut codes = Vec::new();
    let text = |issued: &Issued| issued.token.expose().to_owned();
    for text in [
        "x".to_owned(),
        "pat_x".into(),
        wrong,
        text(&over),
        text(&revoked),
        unknown.token.expose().into(),
    ] {
        let error = bench.pats.verify(&text).await.unwrap_err();
        assert_eq!(error.public(), PublicError::Refused);
        assert_eq!(error.public().to_string(), PublicError::Refused.to_string());
        let (debug, shown) = (format!("{error:?}"), error.to_string());
        assert!(!debug.contains(&text[1..]) && !shown.contains(&text[1..]) || text.len() < 6);
        codes.push(error.code());
    }
    assert_eq!(
        codes,
        [
            "invalid_prefix",
            "invalid_format",
            "invalid_secret",
            "expired",
            "revoked",
            "not_found"
        ]
    );
}

/// After waiting that long, the caller has another attempt.
#[test]
fn retry_after_is_rounded_up_to_whole_seconds() {
    for (millis, wait) in [(0, "in 1 s"), (1000, "in 1 s"), (1001, "in 2 s")] {
        let retry_after = Duration::from_millis(millis);
        let error = VerifyError::Failed(PatError::Service(ServiceError::TooManyAttempts {
            retry_after,
        }));
        assert!(error.to_string().ends_with(wait), "{error}");
    }
}

async fn a_database_shows_no_owner_role_name_token_or_hash(engine: Engine) {
    let bench = Bench::on(engine).await;
    let root = bench.pats.generate().unwrap();
    let pats = bench
        .again(PersonalAccessTokens::options().bootstrap(root.hash.clone()))
        .await;
    pats.bootstrap(root.token.expose(), "owner-of-root")
        .await
        .unwrap();
    let roles = (0..20).map(|n| format!("role-number-{n}"));
    let issued = bench
        .issue("owner-of-it")
        .roles(roles)
        .scope("scope-of-it")
        .name("name-of-it")
        .metadata("key-of-it", "value-of-it")
        .await
        .unwrap();
    let id = issued.record.id;
    let rotated = bench
        .pats
        .rotate(id)
        .overlap(Duration::from_secs(9))
        .await
        .unwrap();
    bench.verify(&rotated).await.unwrap();
    bench
        .pats
        .register(originals::id(), originals::hash(), ADA)
        .await
        .unwrap();
    let mut shown = Vec::new();
    for record in bench.records().await {
        shown.extend([record.key.id.clone(), record.body.clone()]);
        shown.extend(record.labels.iter().map(|label| label.value.clone()));
        assert_eq!(record.purge_at, None);
    }
    assert!(shown.len() > 20);
    let mut secrets = vec![
        "owner-of-root".to_owned(),
        "owner-of-it".into(),
        "role-number".into(),
        "scope-of-it".into(),
        "name-of-it".into(),
        "key-of-it".into(),
        "value-of-it".into(),
        "ada@example.com".into(),
        id.to_string(),
        root.id.to_string(),
        originals::ID.into(),
        originals::HASH.into(),
        originals::HASH[20..60].into(),
        "scrypt".into(),
        "hmac".into(),
        "admin".into(),
        "reader".into(),
        NOW.to_string(),
    ];
    for issued in [&issued, &rotated] {
        secrets.push(issued.token.expose()[26..].to_owned());
        secrets.push(issued.hash.to_string());
        secrets.push(issued.hash.to_string()[30..60].to_owned());
    }
    for secret in secrets {
        for bytes in &shown {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
}
