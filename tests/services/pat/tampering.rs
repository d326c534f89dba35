//! An attacker who writes to the database.

use std::time::Duration;

use sealtoken::ServiceError;
use sealtoken::State;
use sealtoken::pat::{Issued, PatError, PatRecord, PersonalAccessTokens, Reason, VerifyError};
use sealtoken::store::{Label, LabelName, MemoryStore, Record, Store, Version};
use sealtoken::{Key, KeyRing, Lifetime, UnixTime};

use super::{ADA, Bench, originals, reason};
use crate::attacker::{put, remove};
use crate::engine::{Engine, on_every_engine};

on_every_engine! {
    no_edit_of_an_attacker_turns_a_token_into_another,
    a_label_that_lies_leads_nowhere,
    a_record_that_was_changed_can_be_deleted,
    a_record_of_another_store_is_refused,
    a_row_that_nothing_opens_stops_nothing_else,
}

fn is_of(record: &Record, collection: &str) -> bool {
    record.key.collection.as_str() == collection
}

/// What an attacker makes of a record, given all the others.
fn changed(record: &Record, all: &[Record]) -> Vec<(String, Record)> {
    let mut changes = Vec::new();
    let mut change = |what: String, edit: &dyn Fn(&mut Record)| {
        let mut edited = record.clone();
        edit(&mut edited);
        if edited != *record {
            changes.push((what, edited));
        }
    };
    let last = record.body.len() - 1;
    for at in (0..last).step_by(11).chain([last]) {
        change(format!("bit of byte {at}"), &|r| {
            r.body[at] ^= 1 << (at % 8)
        });
    }
    for length in [0, 1, 29, last / 2, last] {
        change(format!("cut to {length}"), &|r| r.body.truncate(length));
    }
    change("a byte more".into(), &|r| r.body.push(0));
    change("another version".into(), &|r| {
        r.version = Version::from_bytes([7; 16])
    });
    change("to be purged".into(), &|r| {
        r.purge_at = Some(UnixTime::from_secs(1))
    });
    change("never to be purged".into(), &|r| r.purge_at = None);
    for at in 0..record.labels.len() {
        change(format!("label {at} gone"), &|r| {
            r.labels.remove(at);
        });
        change(format!("label {at} changed"), &|r| {
            let last = r.labels[at].value.len() - 1;
            r.labels[at].value[last] ^= 1;
        });
    }
    change("one more label".into(), &|r| {
        let name = LabelName::new("role").unwrap();
        r.labels.push(Label::new(name, [1]));
    });
    let others = all.iter().filter(|other| other.key != record.key);
    for (at, other) in others.enumerate() {
        change(format!("the body of record {at}"), &|r| {
            r.body.clone_from(&other.body)
        });
        change(format!("record {at} under this id"), &|r| {
            *r = Record {
                key: r.key.clone(),
                ..other.clone()
            };
        });
        change(format!("the labels of record {at}"), &|r| {
            r.labels.clone_from(&other.labels)
        });
        change(format!("the version of record {at}"), &|r| {
            r.version = other.version
        });
    }
    changes
}

/// A store with tokens of all kinds, and what `verify` says of each.
async fn filled(bench: &Bench) -> Vec<(String, Result<PatRecord, VerifyError>)> {
    let root = bench.pats.generate().unwrap();
    let options = PersonalAccessTokens::options().bootstrap(root.hash.clone());
    let pats = bench.again(options).await;
    pats.bootstrap(root.token.expose(), "root").await.unwrap();
    let lowly = bench.issue(ADA).role("reader").await.unwrap();
    let before = bench
        .issue(ADA)
        .expires(Lifetime::days(1))
        .role("writer")
        .await
        .unwrap();
    let after = bench
        .pats
        .rotate(before.record.id)
        .overlap(Duration::from_secs(60))
        .await
        .unwrap();
    let revoked = bench.issue("bob").admin(true).await.unwrap();
    bench
        .pats
        .revoke(revoked.record.id)
        .purge_after(Lifetime::days(2))
        .await
        .unwrap();
    let id = originals::id();
    bench
        .pats
        .register(id, originals::hash(), ADA)
        .await
        .unwrap();
    let mut texts = vec![root.token.expose().to_owned(), originals::TEXT.into()];
    for issued in [&lowly, &before, &after, &revoked] {
        texts.push(issued.token.expose().to_owned());
    }
    // Right, wrong and unknown ones.
    for issued in [&lowly, &revoked] {
        texts.push(super::with_wrong_secret(&bench.pats, issued).await);
    }
    texts.push(bench.pats.generate().unwrap().token.expose().to_owned());
    let mut answers = Vec::new();
    for text in texts {
        let answer = bench.pats.verify(&text).await;
        answers.push((text, answer));
    }
    answers
}

fn options() -> sealtoken::pat::PatOptions {
    PersonalAccessTokens::options().last_used_every(None)
}

async fn no_edit_of_an_attacker_turns_a_token_into_another(engine: Engine) {
    let bench = Bench::with(engine, options()).await;
    let answers = filled(&bench).await;
    assert_eq!(
        answers.iter().filter(|(_, answer)| answer.is_ok()).count(),
        5
    );
    let all = bench.records().await;
    assert_eq!(all.len(), 7);
    let (mut looked, mut tampered) = (0, 0);
    for record in &all {
        for (what, edited) in changed(record, &all) {
            put(&*bench.store, &edited).await;
            let opened = options().clock(bench.clock.clone()).limiter(());
            let fresh = match opened.open(bench.store.clone(), &bench.keys).await {
                Ok(pats) => pats,
                Err(
                    PatError::Service(ServiceError::Tampered)
                    | PatError::Service(ServiceError::UnknownKey(_)),
                ) => {
                    assert!(is_of(record, "pat_keysets"), "{what}");
                    tampered += 1;
                    put(&*bench.store, record).await;
                    continue;
                }
                Err(error) => panic!("{what} of {record:?}: {error:?}"),
            };
            for (text, before) in &answers {
                looked += 1;
                match fresh.verify(text).await {
                    Err(VerifyError::Failed(PatError::Service(ServiceError::Tampered))) => {
                        tampered += 1
                    }
                    answer => assert_eq!(answer, *before, "{what} of {record:?}"),
                }
            }
            put(&*bench.store, record).await;
        }
    }
    assert!(looked > 500 && tampered > 300, "{looked} {tampered}");

    // A row that is taken away cannot be told from one that never was; nothing else is read in its
    // place, and nobody becomes an admin.
    let root = &answers[0].0;
    for record in &all {
        remove(&*bench.store, record).await;
        if !is_of(record, "pat_keysets") {
            let again = bench
                .again(options().bootstrap(bench.pats.generate().unwrap().hash))
                .await;
            for (text, before) in &answers {
                let answer = again.verify(text).await;
                let gone = Err(VerifyError::Refused(Reason::NotFound));
                assert!(answer == *before || answer == gone);
                let admin = again.bootstrap(text, "mallory").await;
                assert_eq!(reason(admin), Some(Reason::NotFound));
            }
        }
        put(&*bench.store, record).await;
    }
    assert!(bench.pats.verify(root).await.unwrap().admin);
}

async fn a_label_that_lies_leads_nowhere(engine: Engine) {
    let bench = Bench::with(engine, options()).await;
    let hers = bench.issue(ADA).role("admin").await.unwrap();
    let his = bench.issue("bob").role("reader").await.unwrap();
    let all = bench.records().await;
    let mut tokens = Vec::new();
    for record in all.iter().filter(|record| is_of(record, "pat_tokens")) {
        tokens.push(record);
    }
    // Each gets the labels of the other: the index leads there, and what it leads to is not what it
    // says.
    for (one, other) in [(tokens[0], tokens[1]), (tokens[1], tokens[0])] {
        let labels = other.labels.clone();
        let edited = Record {
            labels,
            ..one.clone()
        };
        put(&*bench.store, &edited).await;
    }
    for list in [
        bench.pats.list(),
        bench.pats.list().owner("bob"),
        bench.pats.list().role("admin"),
        bench.pats.list().role("admin").only(State::Live),
    ] {
        let entries = list.await.unwrap().entries;
        assert!(!entries.is_empty());
        assert!(
            entries
                .iter()
                .all(|entry| entry.as_ref().err()
                    == Some(&PatError::Service(ServiceError::Tampered)))
        );
    }
    for issued in [&hers, &his] {
        let verified = bench.verify(issued).await;
        assert_eq!(
            verified,
            Err(VerifyError::Failed(PatError::Service(
                ServiceError::Tampered
            )))
        );
    }
}

async fn a_record_that_was_changed_can_be_deleted(engine: Engine) {
    let bench = Bench::with(engine, options()).await;
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;
    let all = bench.records().await;
    let record = all
        .iter()
        .find(|record| is_of(record, "pat_tokens"))
        .unwrap();
    let mut edited = record.clone();
    edited.body[40] ^= 1;
    put(&*bench.store, &edited).await;
    let tampered = Err(PatError::Service(ServiceError::Tampered));
    for result in [
        bench.pats.get(id).await,
        bench.pats.update(id).admin(true).await,
        bench.pats.revoke(id).await,
        bench.pats.restore(id).await,
        bench.pats.rotate(id).await.map(|issued| issued.record),
    ] {
        assert_eq!(result, tampered.clone());
    }
    assert_eq!(
        bench.pats.issue(ADA).id(id).await.map(|_| ()),
        Err(PatError::AlreadyExists)
    );
    // The caller gets the same answer as to every refusal.
    let public = bench.verify(&issued).await.unwrap_err().public();
    assert_eq!(public, sealtoken::PublicError::Refused);
    bench.pats.delete(id).await.unwrap();
    let again = bench.pats.issue(ADA).id(id).await.unwrap();
    assert!(bench.verify(&again).await.is_ok());
}

/// As an engine gives a row whose parts are broken: no labels, no body, version zero.
async fn a_row_that_nothing_opens_stops_nothing_else(engine: Engine) {
    let bench = Bench::with(engine, options()).await;
    let over = bench
        .issue(ADA)
        .expires(Lifetime::seconds(1))
        .await
        .unwrap();
    let good = bench.issue(ADA).await.unwrap();
    let before = bench.records().await;
    let broken = bench.issue(ADA).await.unwrap();
    let all = bench.records().await;
    let record = all.iter().find(|record| !before.contains(record)).unwrap();
    let unreadable = |record: &Record| Record {
        version: Version::from_bytes([0; 16]),
        body: Vec::new(),
        purge_at: None,
        labels: Vec::new(),
        ..record.clone()
    };
    put(&*bench.store, &unreadable(record)).await;
    // And a keyset that is none, under an id that is none.
    let keyset = all
        .iter()
        .find(|record| is_of(record, "pat_keysets"))
        .unwrap();
    let mut odd = unreadable(keyset);
    odd.key.id = vec![1];
    put(&*bench.store, &odd).await;

    let ids = [good.record.id, broken.record.id, over.record.id];
    let found = bench.pats.get_many(&ids).await.unwrap();
    let found: Vec<_> = found.into_iter().flatten().collect();
    let tampered = Err(PatError::Service(ServiceError::Tampered));
    let (first, last) = (good.record.clone(), over.record.clone());
    assert_eq!(found, [Ok(first.clone()), tampered.clone(), Ok(last)]);
    let page = bench.pats.list().await.unwrap().entries;
    assert_eq!(page.len(), 3);
    assert_eq!(page.iter().filter(|entry| entry.is_err()).count(), 1);
    assert_eq!(bench.pats.list().count().await, Ok(3));
    bench.clock.advance(91 * 86_400);
    assert_eq!(
        bench.pats.purge_expired().await.map(|done| done.count),
        Ok(1)
    );
    assert_eq!(bench.pats.rewrap().await.map(|done| done.unchanged), Ok(1));
    assert_eq!(bench.verify(&good).await, Ok(first));
    assert_eq!(bench.pats.revoke(broken.record.id).await, tampered);
    let owned = bench.pats.owned_by("ada@example.com");
    assert_eq!(
        owned.delete(broken.record.id).await,
        Err(PatError::Service(ServiceError::Tampered))
    );
    assert_eq!(bench.pats.delete(broken.record.id).await, Ok(()));
    assert_eq!(bench.pats.list().count().await, Ok(1));
}

/// What an attacker makes with this crate, on a store and a ring of their own.
async fn a_record_of_another_store_is_refused(engine: Engine) {
    let bench = Bench::with(engine, options()).await;
    let hers = bench.issue(ADA).await.unwrap();
    let store = MemoryStore::new();
    let keys = KeyRing::new(Key::generate());
    let strange = options()
        .clock(bench.clock.clone())
        .open(store.clone(), &keys)
        .await
        .unwrap();
    // The same id, an admin's, with a secret that the attacker knows.
    let planted: Issued = strange
        .issue(ADA)
        .id(hers.record.id)
        .admin(true)
        .await
        .unwrap();
    let query =
        sealtoken::store::Query::all(sealtoken::store::Collection::new("pat_tokens").unwrap());
    let record = store.scan(&query).await.unwrap().records.remove(0);
    let before = bench.records().await;
    let place = before
        .iter()
        .find(|record| is_of(record, "pat_tokens"))
        .unwrap();
    // Beside hers it is not found, and in its place it does not open.
    put(&*bench.store, &record).await;
    let text = planted.token.expose();
    assert_eq!(
        reason(bench.pats.verify(text).await),
        Some(Reason::InvalidSecret)
    );
    assert_eq!(bench.reason(&hers).await, None);
    let key = place.key.clone();
    put(&*bench.store, &Record { key, ..record }).await;
    for text in [text, hers.token.expose()] {
        let verified = bench.pats.verify(text).await;
        assert_eq!(
            verified,
            Err(VerifyError::Failed(PatError::Service(
                ServiceError::Tampered
            )))
        );
    }
    // An earlier state of a record, put back whole, is what no store sees: it was true once. But it
    // goes back no further than the record.
    put(&*bench.store, place).await;
    assert_eq!(bench.reason(&hers).await, None);
}
