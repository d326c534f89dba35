//! Tokens and hashes that the other system's own code judged: here the answer is the same, or the
//! stricter one that is written down.
//!
//! `tests/vectors/make_access_tokens.py` makes the file, and has its own judge. What differs is
//! numbered in `docs/from-access-tokens.md`.

use std::collections::BTreeMap;

use sealtoken::pat::{PatError, PersonalAccessTokens, Reason, SecretHash};
use serde::Deserialize;

use super::{Bench, NOW, at};
use crate::engine::Engine;

#[derive(Deserialize)]
struct File {
    now: i64,
    tokens: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    token: String,
    id: String,
    phc: Option<String>,
    prefix: Option<String>,
    #[serde(default)]
    kdf: bool,
    revoked_at: Option<i64>,
    expires_at: Option<i64>,
    answer: String,
    there: String,
    fault: Option<String>,
}

fn file() -> File {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/access_tokens.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl Vector {
    /// Tokens that take this vector's prefix, and no other than theirs beside it.
    async fn bench(&self) -> Bench {
        let mut options = PersonalAccessTokens::options();
        if let Some(prefix) = &self.prefix {
            let own = prefix.parse().unwrap();
            options = options.prefix(own);
        }
        Bench::with(Engine::memory(), options).await
    }

    async fn answer(&self, bench: &Bench) -> String {
        match bench.pats.verify(&self.token).await {
            Ok(record) => {
                assert_eq!(record.id.as_str(), self.id, "{}", self.name);
                "valid".to_owned()
            }
            Err(error) => error.code().to_owned(),
        }
    }
}

#[tokio::test]
async fn registered_tokens_are_answered_as_in_the_original_system() {
    let file = file();
    let mut answers = BTreeMap::new();
    for vector in &file.tokens {
        let name = &vector.name;
        let bench = vector.bench().await;
        let id = vector.id.parse();
        if let (Some(phc), Ok(id)) = (&vector.phc, id) {
            let hash = match phc.parse::<SecretHash>() {
                Ok(hash) => hash,
                // The hash is refused before anything is stored, with the same code unless the text
                // is no hash at all.
                Err(error) => {
                    let PatError::Hash(reason) = error else {
                        panic!("{name}: {error:?}")
                    };
                    let of_the_text = ["invalid_prefix", "invalid_format"];
                    let fits =
                        reason.code() == vector.answer || of_the_text.contains(&&*vector.answer);
                    assert!(fits, "{name}: {reason:?}");
                    *answers.entry("refused".to_owned()).or_insert(0) += 1;
                    continue;
                }
            };
            // In its time, before it ended.
            bench.clock.set(at(0));
            let mut new = bench.pats.register(id, hash, "ada@example.com");
            if let Some(end) = vector.expires_at {
                new = new.expires(at(end));
            }
            new.await.unwrap();
            if let Some(then) = vector.revoked_at {
                bench.clock.set(at(then));
                bench.pats.revoke(id).await.unwrap();
            }
        }
        bench.clock.set(at(file.now));
        let answer = vector.answer(&bench).await;
        assert_eq!(answer, vector.answer, "{name}");
        *answers.entry(answer).or_insert(0) += 1;
    }
    for code in [
        "valid",
        "revoked",
        "expired",
        "not_found",
        "invalid_secret",
        "invalid_prefix",
        "invalid_format",
        "refused",
    ] {
        assert!(answers[code] >= 3, "{code}: {answers:?}");
    }
}

/// Each difference is stricter, except for what threw there, and has its number.
#[test]
fn where_the_answers_differ_ours_is_the_stricter_one() {
    let file = file();
    assert_eq!(file.now, NOW);
    for vector in &file.tokens {
        let name = &vector.name;
        assert!(
            vector.answer != "valid" || vector.there == "valid",
            "{name}"
        );
        assert!(
            vector.answer == vector.there || vector.fault.is_some(),
            "{name}"
        );
        // No work is done for what is refused by its text or by the parameters of its hash.
        let by_scrypt = ["valid", "invalid_secret", "revoked", "expired"];
        assert!(
            !vector.kdf || by_scrypt.contains(&&*vector.answer),
            "{name}"
        );
    }
    let all = [
        Reason::InvalidPrefix,
        Reason::InvalidFormat,
        Reason::NotFound,
        Reason::InvalidPhc,
        Reason::UnsupportedAlgorithm,
        Reason::InvalidParameters,
        Reason::InvalidSecret,
        Reason::Revoked,
        Reason::Expired,
    ];
    for reason in all {
        let cases = file
            .tokens
            .iter()
            .filter(|vector| vector.answer == reason.code());
        assert!(cases.count() >= 3, "{reason:?}");
    }
}

/// An item with the id of a token that was issued or registered here says nothing about it.
#[tokio::test]
async fn an_import_restricts_no_token_of_another_origin_and_takes_no_hash_of_ours() {
    use sealtoken::pat::PatError;
    use sealtoken_import::access_tokens;

    use super::{ADA, originals};

    let bench = Bench::on(Engine::memory()).await;
    let item = |id: &str, hash: &str, more: &str| {
        let text = format!(
            "{{\"tokenId\":{{\"S\":\"{id}\"}},\"secretPhc\":{{\"S\":\"{hash}\"}},\
             \"owner\":{{\"S\":\"ada\"}},\"createdAt\":{{\"N\":\"1\"}}{more}}}"
        );
        access_tokens::from_dynamodb_json(&text).unwrap()
    };
    let revoked = r#","revokedAt":{"N":"5"},"expiresAt":{"N":"6"}"#;
    let issued = bench.issue(ADA).await.unwrap();
    let registered = bench.pats.register(originals::id(), originals::hash(), ADA);
    registered.await.unwrap();
    for id in [issued.record.id, originals::id()] {
        let before = bench.pats.get(id).await;
        for dry_run in [true, false] {
            let item = item(id.as_str(), originals::HASH, revoked);
            let results = bench.pats.import([item]).dry_run(dry_run).await.unwrap();
            assert_eq!(results, [Err(PatError::AlreadyExists)]);
            assert_eq!(bench.pats.get(id).await, before);
        }
    }
    assert_eq!(bench.reason(&issued).await, None);

    // Not even one that is valid in this store.
    let planted = bench.pats.generate().unwrap();
    let results = bench
        .pats
        .import([item(planted.id.as_str(), &planted.hash.to_string(), "")]);
    let refused = PatError::Hash(Reason::UnsupportedAlgorithm);
    assert_eq!(results.await.unwrap(), [Err(refused)]);
    let verified = bench.pats.verify(planted.token.expose()).await;
    assert_eq!(super::reason(verified), Some(Reason::NotFound));

    // The rest comes along.
    let kept: sealtoken::pat::PatId = "1".repeat(21).parse().unwrap();
    let rest = r#","lastUsedAt":{"N":"3"},"isAdmin":{"BOOL":true},"roles":{"SS":["reader"]}"#;
    let item_of_it = item(kept.as_str(), originals::HASH, rest);
    assert!(bench.pats.import([item_of_it]).await.unwrap()[0].is_ok());
    let record = bench.pats.get(kept).await.unwrap();
    assert_eq!(
        (record.created_at, record.last_used_at),
        (at(1), Some(at(3)))
    );
    assert!(record.admin && record.has_role("reader"));

    // A token that expired there is expired here, and another import does not extend it.
    let gone = "0".repeat(21);
    let text = originals::TEXT.replace(originals::ID, &gone);
    for ends in [r#","expiresAt":{"N":"6"}"#, ""] {
        let item = item(&gone, originals::HASH, ends);
        assert!(bench.pats.import([item]).await.unwrap()[0].is_ok());
        let verified = bench.pats.verify(&text).await;
        assert_eq!(super::reason(verified), Some(Reason::Expired));
    }
}

/// Imported as they stand, with the hashes that nobody can use: every vector has its answer from
/// `verify` itself.
#[tokio::test]
async fn what_ends_a_token_in_the_original_system_ends_it_here_by_another_import() {
    use sealtoken::pat::PatError;
    use sealtoken_import::access_tokens;

    let bench = Bench::on(Engine::memory()).await;
    let item = |more: &str| {
        let text = format!(
            "{{\"tokenId\":{{\"S\":\"34NwRzvnBbgI3uedkrQ3Q\"}},\
             \"secretPhc\":{{\"S\":\"$fake\"}},\"owner\":{{\"S\":\"ada\"}},\
             \"createdAt\":{{\"N\":\"1\"}}{more}}}"
        );
        access_tokens::from_dynamodb_json(&text).unwrap()
    };
    let admin = r#","isAdmin":{"BOOL":true}"#;
    let ends = r#","expiresAt":{"N":"1763755300"}"#;
    let revoked = r#","revokedAt":{"N":"1763755250"},"expiresAt":{"N":"1763755299"}"#;
    for (more, new, restricted) in [
        ("", true, false),
        (admin, false, false),
        (ends, false, true),
        ("", false, false),
        (revoked, false, true),
        (revoked, false, false),
        (ends, false, false),
    ] {
        for dry_run in [true, false] {
            let results = bench.pats.import([item(more)]).dry_run(dry_run).await;
            let imported = *results.unwrap()[0].as_ref().unwrap();
            assert_eq!(
                (imported.is_new, imported.restricted),
                (new, restricted),
                "{more}"
            );
        }
    }
    let id = "34NwRzvnBbgI3uedkrQ3Q".parse().unwrap();
    let record = bench.pats.get_with_hash(id).await.unwrap();
    assert!(!record.admin);
    // An unusable hash is kept, and registered nowhere else.
    let updated = bench.pats.update(id).hash(record.hash.unwrap()).await;
    assert_eq!(updated.err(), Some(PatError::Hash(Reason::InvalidPhc)));
    let seconds = |at: Option<sealtoken::UnixTime>| at.map(sealtoken::UnixTime::as_secs);
    assert_eq!(seconds(record.revoked_at), Some(1_763_755_250));
    assert_eq!(seconds(record.expires_at), Some(1_763_755_299));
}

#[tokio::test]
async fn imported_tokens_are_answered_as_in_the_original_system() {
    use sealtoken_import::access_tokens;

    let (mut upgraded, mut verified) = (0, 0);
    let file = file();
    for vector in &file.tokens {
        let name = &vector.name;
        let bench = vector.bench().await;
        bench.clock.set(at(file.now));
        if let Some(phc) = &vector.phc {
            let number = |n: i64| serde_json::json!({ "N": n.to_string() });
            let mut item = serde_json::json!({
                "tokenId": { "S": vector.id },
                "secretPhc": { "S": phc },
                "owner": { "S": "ada@example.com" },
                "createdAt": number(0),
            });
            for (name, seconds) in [
                ("revokedAt", vector.revoked_at),
                ("expiresAt", vector.expires_at),
            ] {
                if let Some(seconds) = seconds {
                    item[name] = number(seconds);
                }
            }
            match access_tokens::from_dynamodb_json(&item.to_string()) {
                Ok(item) => {
                    let results = bench.pats.import([item]).await.unwrap();
                    let imported = results[0].as_ref().unwrap();
                    assert!(imported.is_new, "{name}");
                    let usable = phc.parse::<SecretHash>().is_ok();
                    assert_eq!(imported.unusable.is_none(), usable, "{name}");
                }
                // No table of theirs can hold such an item.
                Err(error) => {
                    assert!(phc.len() > 200 || phc.is_empty(), "{name}: {error:?}");
                    continue;
                }
            }
        }
        let answer = vector.answer(&bench).await;
        assert_eq!(answer, vector.answer, "{name}");
        verified += 1;
        if answer != "valid" {
            continue;
        }
        // Its use replaces the hash where that is asked for, and the answer stays.
        let mut options = PersonalAccessTokens::options().upgrade_hashes(true);
        if let Some(prefix) = &vector.prefix {
            options = options.accept_prefix(prefix);
        }
        let again = bench.again(options).await;
        for _ in 0..2 {
            assert!(again.verify(&vector.token).await.is_ok(), "{name}");
            again.flush().await;
        }
        let hash = again
            .get_with_hash(vector.id.parse().unwrap())
            .await
            .unwrap()
            .hash;
        assert!(
            hash.unwrap().to_string().starts_with("$hmac-sha256$"),
            "{name}"
        );
        upgraded += 1;
    }
    assert!(verified > 230 && upgraded == 24, "{verified} {upgraded}");
}
