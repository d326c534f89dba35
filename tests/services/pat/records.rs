//! Records written once, in `tests/vectors/pat.json`: they still open, so the format is unchanged.
//!
//! `tests/interop/sealed_records.py` opens the same file by `docs/sealed-records.md` alone.

use std::collections::BTreeMap;
use std::time::Duration;

use sealtoken::pat::{PatOptions, PatRecord, PersonalAccessTokens};
use sealtoken::store::MemoryStore;
use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};
use serde_json::{Value, json};

use super::{ADA, COLLECTIONS, NOW, at, originals};
use crate::records::{all, file, filled, list, seconds, text};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/pat.json");
/// In seconds, as the state says.
const KEEP_EXPIRED: u64 = 1000;

fn options(clock: &ManualClock) -> PatOptions {
    PersonalAccessTokens::options()
        .clock(clock.clone())
        .limiter(())
        .last_used_every(None)
        .keep_expired(Duration::from_secs(KEEP_EXPIRED))
}

/// What is known about a token, as the file has it.
fn facts(record: &PatRecord) -> Value {
    json!({
        "id": record.id.as_str(),
        "hash": record.hash.as_ref().map(ToString::to_string),
        "origin": record.origin.to_string(),
        "owner": record.owner,
        "admin": record.admin,
        "roles": record.roles,
        "scopes": record.scopes,
        "name": record.name,
        "metadata": record.metadata.iter().cloned().collect::<BTreeMap<_, _>>(),
        "created": record.created_at.as_secs(),
        "updated": record.updated_at.as_secs(),
        "last_used": seconds(record.last_used_at),
        "expires": seconds(record.expires_at),
        "revoked": seconds(record.revoked_at),
        "purge": seconds(record.purge_at),
        "previous_until": seconds(record.previous_secret_expires_at),
    })
}

async fn answer(pats: &PersonalAccessTokens, text: &str) -> Value {
    match pats.verify(text).await {
        Ok(_) => "valid".into(),
        Err(error) => error.code().into(),
    }
}

#[tokio::test]
async fn records_that_were_written_once_open_as_they_did() {
    let file = file(PATH);
    let states = list(&file, "states");
    assert_eq!(states.len(), 2);
    for state in states {
        let store = filled(state).await;
        let clock = ManualClock::at(at(state["now"].as_i64().unwrap()));
        let keys: KeyRing = text(state, "ring").parse().unwrap();
        let pats = options(&clock).open(store, &keys).await.unwrap();
        let tokens = list(state, "tokens");
        for token in tokens {
            let id = text(token, "id").parse().unwrap();
            let record = pats.get_with_hash(id).await.unwrap();
            assert_eq!(&facts(&record), token);
            for role in &record.roles {
                let mut found = Vec::new();
                let mut stream = pats.list().role(role).owner(&record.owner).stream();
                while let Some(token) = stream.next().await {
                    found.push(token.unwrap().id);
                }
                assert!(found.contains(&id), "{role}");
                let found = pats.list().role(role).count().await.unwrap();
                let having = tokens
                    .iter()
                    .filter(|token| list(token, "roles").contains(&json!(role)));
                assert_eq!(found, u64::try_from(having.count()).unwrap());
            }
        }
        for expected in list(state, "answers") {
            let answer = answer(&pats, text(expected, "token")).await;
            assert_eq!(answer, expected["answer"], "{expected}");
        }
        assert_eq!(
            pats.list().count().await,
            Ok(u64::try_from(tokens.len()).unwrap())
        );
    }
}

/// Makes the file. It never overwrites one: delete the old one first, and say why.
///
/// ```console
/// cargo test -p sealtoken-service-tests -- \
///     --ignored the_vectors_of_personal_access_tokens_are_made
/// ```
#[tokio::test]
#[ignore = "it writes tests/vectors/pat.json"]
async fn the_vectors_of_personal_access_tokens_are_made() {
    if std::fs::exists(PATH).unwrap() {
        return;
    }
    let (store, key) = (MemoryStore::new(), Key::generate());
    let clock = ManualClock::at(at(NOW));
    let keys = KeyRing::new(key.clone());
    let pats = options(&clock).open(store.clone(), &keys).await.unwrap();
    let mut texts = make(&pats, &store, &keys, &clock).await;
    let mut states = Vec::new();
    let first = "made: tokens of every kind and in every state";
    states.push(state(first, &pats, &store, &clock, &key, &texts).await);
    // Another key of the ring, and the old one is gone.
    let new = Key::generate();
    let both = KeyRing::new(new.clone()).with_retired(key).unwrap();
    keys.replace(&both).unwrap();
    pats.rewrap().await.unwrap();
    keys.replace(&KeyRing::new(new.clone())).unwrap();
    clock.advance(60);
    let late = pats.issue(ADA).name("late").await.unwrap();
    texts.push(late.token.expose().to_owned());
    let second =
        "rewrapped: another key of the ring seals the keyset, and a token was issued since";
    states.push(state(second, &pats, &store, &clock, &new, &texts).await);
    let about = "The records of personal access tokens in two states: see docs/sealed-records.md. \
                 Every record is listed, and so is every token, with all that is known about it. \
                 `answers` is what `verify` says at `now` of each text. Bytes are in hexadecimal, \
                 times in Unix seconds; `keep_expired` is the setting of that name, in seconds. \
                 Made once by tests/services/pat/records.rs, and never changed.";
    let file = json!({ "about": about, "states": states });
    let text = serde_json::to_string_pretty(&file).unwrap();
    std::fs::write(PATH, text + "\n").unwrap();
}

/// Tokens of every kind; gives the texts to ask about.
async fn make(
    pats: &PersonalAccessTokens,
    store: &MemoryStore,
    keys: &KeyRing,
    clock: &ManualClock,
) -> Vec<String> {
    let root = pats.generate().unwrap();
    let bootstrap = options(clock).bootstrap(root.hash.clone());
    let first = bootstrap.open(store.clone(), keys).await.unwrap();
    first
        .bootstrap(root.token.expose(), "root@example.com")
        .await
        .unwrap();
    let mut texts = vec![root.token.expose().to_owned()];

    // Its last use is written.
    let used = options(clock)
        .last_used_every(Duration::ZERO)
        .open(store.clone(), keys)
        .await
        .unwrap();
    let issued = pats
        .issue("größe@example.com")
        .roles(["reader", "größe"])
        .scopes(["repo:read", "repo:write"])
        .name("laptop")
        .metadata("ticket", "OPS-12")
        .metadata("empty", "")
        .expires(Lifetime::days(90))
        .await
        .unwrap();
    clock.advance(7);
    used.verify(issued.token.expose()).await.unwrap();
    used.flush().await;
    texts.push(issued.token.expose().to_owned());
    texts.push(super::with_wrong_secret(pats, &issued).await);

    let issued = pats
        .issue(ADA)
        .roles((0..12).map(|n| format!("role {n:02}")))
        .await
        .unwrap();
    clock.advance(60);
    pats.update(issued.record.id)
        .remove_role("role 00")
        .add_role("reader")
        .await
        .unwrap();
    texts.push(issued.token.expose().to_owned());

    let before = pats.issue(ADA).expires(Lifetime::days(1)).await.unwrap();
    let after = pats
        .rotate(before.record.id)
        .overlap(Duration::from_secs(3600))
        .await
        .unwrap();
    let zeroed = pats.issue(ADA).await.unwrap();
    let renewed = pats.rotate(zeroed.record.id).await.unwrap();
    let revoked = pats.issue(ADA).expires(Lifetime::days(2)).await.unwrap();
    pats.revoke(revoked.record.id)
        .purge_after(Lifetime::seconds(500))
        .await
        .unwrap();
    let kept = pats.issue(ADA).admin(true).await.unwrap();
    pats.revoke(kept.record.id).await.unwrap();
    let over = pats.issue(ADA).expires(Lifetime::seconds(5)).await.unwrap();
    for issued in [before, after, zeroed, renewed, revoked, kept, over] {
        texts.push(issued.token.expose().to_owned());
    }
    pats.register(originals::id(), originals::hash(), ADA)
        .await
        .unwrap();
    texts.extend([originals::TEXT.to_owned(), originals::WRONG.to_owned()]);
    let moved = "1m6ro1SuJQTw566IPRBq7".parse().unwrap();
    pats.register(moved, originals::hash(), ADA).await.unwrap();
    let text = originals::TEXT.replace(originals::ID, "1m6ro1SuJQTw566IPRBq7");
    let upgrade = options(clock)
        .upgrade_hashes(true)
        .open(store.clone(), keys)
        .await
        .unwrap();
    upgrade.verify(&text).await.unwrap();
    upgrade.flush().await;
    texts.push(text);
    clock.advance(10);

    texts.push(pats.generate().unwrap().token.expose().to_owned());
    let good = texts[1].clone();
    texts.push(super::with_other(&good, good.len() - 1));
    texts.extend([good[..70].to_owned(), good.replacen("pat_", "pot_", 1)]);
    texts
}

async fn state(
    name: &str,
    pats: &PersonalAccessTokens,
    store: &MemoryStore,
    clock: &ManualClock,
    key: &Key,
    texts: &[String],
) -> Value {
    let records = all(store, &COLLECTIONS).await;
    let mut tokens = Vec::new();
    let mut stream = pats.list().with_hashes().stream();
    while let Some(token) = stream.next().await {
        tokens.push(facts(&token.unwrap()));
    }
    let mut answers = Vec::new();
    for text in texts {
        let answer = answer(pats, text).await;
        answers.push(json!({ "token": text, "answer": answer }));
    }
    json!({
        "name": name,
        "now": UnixTime::as_secs(sealtoken::Clock::now(clock)),
        "ring": key.expose().to_string(),
        "keep_expired": KEEP_EXPIRED,
        "records": records,
        "tokens": tokens,
        "answers": answers,
    })
}
