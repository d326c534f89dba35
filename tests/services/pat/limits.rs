//! Limits, at their edges. They count characters and no bytes.

use std::collections::BTreeMap;

use sealtoken::pat::{NewPat, PatError, PatUpdate};

use super::{Bench, ada};
use crate::engine::Engine;

/// A text of so many characters, of four bytes each.
fn long(characters: usize) -> String {
    "😀".repeat(characters)
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:02}{}", long(98))).collect()
}

/// Both ways to set it end alike, and what is refused changes nothing.
async fn both_ways(new: NewPat, update: PatUpdate, expected: Option<PatError>) {
    let bench = Bench::on(Engine::memory()).await;
    let begin = bench
        .issue(ada().role("before").name("before"))
        .await
        .record;
    let issued = bench.pats.issue(new.clone()).await;
    let generated = bench.pats.generate().unwrap();
    let registered = bench.pats.register(generated.id, generated.hash, new).await;
    bench.clock.advance(1);
    let updated = bench.pats.update(&begin.id, update).await;
    match expected {
        Some(error) => {
            assert_eq!(issued.map(|_| ()), Err(error.clone()));
            assert_eq!(registered.map(|_| ()), Err(error.clone()));
            assert_eq!(updated.map(|_| ()), Err(error));
            assert_eq!(bench.pats.get(&begin.id).await, Ok(begin));
            assert_eq!(bench.pats.count().await, Ok(1));
        }
        None => {
            let record = issued.unwrap().record;
            assert_eq!(bench.pats.get(&record.id).await, Ok(record));
            assert!(registered.is_ok());
            let record = updated.unwrap();
            assert_eq!(bench.pats.get(&begin.id).await, Ok(record));
        }
    }
}

#[tokio::test]
async fn an_owner_has_one_to_a_hundred_characters() {
    for (owner, fits) in [(0, false), (1, true), (100, true), (101, false)] {
        let (owner, error) = (long(owner), (!fits).then_some(PatError::InvalidOwner));
        let update = PatUpdate::new().owner(&owner);
        both_ways(NewPat::for_owner(owner), update, error).await;
    }
}

#[tokio::test]
async fn a_role_and_a_scope_have_one_to_a_hundred_characters() {
    for (length, fits) in [(0, false), (1, true), (100, true), (101, false)] {
        let (text, error) = (long(length), (!fits).then_some(PatError::InvalidRole));
        let update = PatUpdate::new();
        let both = [
            (ada().role(&text), update.clone().add_role(&text)),
            (
                ada().roles(["a", &text]),
                update.clone().roles(["a", &text]),
            ),
            (ada().scope(&text), update.clone().scopes([&text])),
        ];
        for (new, update) in both {
            both_ways(new, update, error.clone()).await;
        }
    }
}

#[tokio::test]
async fn there_are_at_most_fifty_roles_and_fifty_scopes() {
    for (count, fits) in [(50, true), (51, false)] {
        let error = (!fits).then_some(PatError::TooManyRoles);
        let update = PatUpdate::new();
        let roles = update.clone().roles(many(count));
        both_ways(ada().roles(many(count)), roles, error.clone()).await;
        let scopes = update.scopes(many(count));
        both_ways(ada().scopes(many(count)), scopes, error).await;
    }
}

#[tokio::test]
async fn roles_that_are_added_are_counted_with_those_that_are_there() {
    let bench = Bench::on(Engine::memory()).await;
    let id = bench.issue(ada().roles(many(49))).await.record.id;
    let add = |roles: &[&str]| {
        let update = PatUpdate::new();
        roles
            .iter()
            .fold(update, |update, role| update.add_role(*role))
    };
    let update = async |update| {
        bench
            .pats
            .update(&id, update)
            .await
            .map(|record| record.roles.len())
    };
    assert_eq!(update(add(&["a", "b"])).await, Err(PatError::TooManyRoles));
    assert_eq!(update(add(&["a"])).await, Ok(50));
    // One that is there takes no room.
    assert_eq!(update(add(&["a"])).await, Ok(50));
    assert_eq!(update(add(&["a", "b"])).await, Err(PatError::TooManyRoles));
    // What is taken makes room in the same change.
    assert_eq!(
        update(add(&["b", "c"]).remove_role("a")).await,
        Err(PatError::TooManyRoles)
    );
    assert_eq!(update(add(&["b"]).remove_role("a")).await, Ok(50));
    let record = bench.pats.get(&id).await.unwrap();
    assert!(record.has_role("b") && !record.has_role("a") && !record.has_role("c"));
    assert_eq!(
        update(add(&["x"]).roles(many(50))).await,
        Err(PatError::TooManyRoles)
    );
    assert_eq!(update(add(&["x"]).roles(many(49))).await, Ok(50));
    assert_eq!(
        update(PatUpdate::new().roles(Vec::<String>::new())).await,
        Ok(0)
    );
}

#[tokio::test]
async fn a_name_has_one_to_a_hundred_characters() {
    for (length, fits) in [(0, false), (1, true), (100, true), (101, false)] {
        let (name, error) = (long(length), (!fits).then_some(PatError::InvalidName));
        both_ways(ada().name(&name), PatUpdate::new().name(&name), error).await;
    }
}

#[tokio::test]
async fn metadata_has_its_bounds_one_by_one_and_together() {
    let one = |key: usize, value: usize| BTreeMap::from([(long(key), long(value))]);
    let entries = |count: usize, value: usize| {
        (0..count)
            .map(|n| (format!("{n:02}"), "v".repeat(value)))
            .collect()
    };
    let cases: [(BTreeMap<String, String>, bool); 11] = [
        (one(0, 1), false),
        (one(1, 0), true),
        (one(100, 1000), true),
        (one(101, 1), false),
        (one(1, 1001), false),
        (entries(0, 0), true),
        (entries(50, 160), true),
        (entries(51, 1), false),
        // 8 · 1024 bytes in all, and one more.
        (entries(32, 254), true),
        (entries(33, 247), false),
        (entries(9, 1000), false),
    ];
    for (metadata, fits) in cases {
        let error = (!fits).then_some(PatError::InvalidMetadata);
        let add = |new: NewPat, (key, value): (&String, &String)| new.metadata(key, value);
        let new = metadata.iter().fold(ada(), add);
        both_ways(new, PatUpdate::new().metadata(metadata), error).await;
    }
}

/// The most that a token can hold fits into every engine.
#[tokio::test]
async fn all_at_its_longest_is_stored() {
    let bench = Bench::on(Engine::memory()).await;
    let new = NewPat::for_owner("\u{1}".repeat(100))
        .roles((0..50).map(|n| format!("{n:02}{}", "\u{1}".repeat(98))))
        .scopes(many(50))
        .name(long(100));
    let add = |new: NewPat, n: usize| new.metadata(format!("{n}"), "\u{1}".repeat(1000));
    let issued = bench.issue((0..8).fold(new, add)).await;
    assert_eq!(bench.verify(&issued).await.unwrap().roles.len(), 50);
    let records = bench.records().await;
    let longest = records.iter().map(|record| record.body.len()).max();
    // DynamoDB takes 400 KB an item, labels and all.
    assert!(longest.unwrap() < 250_000, "{longest:?}");
    assert!(records.iter().all(|record| record.labels.len() <= 16));
}
