//! Limits, at their edges. They count characters and no bytes.

use std::collections::BTreeMap;

use sealtoken::pat::{Issue, Issued, PatError, PatRecord, Update};

use super::{ADA, Bench};
use crate::engine::Engine;

/// A text of this many characters, of four bytes each.
fn long(characters: usize) -> String {
    "😀".repeat(characters)
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:02}{}", long(98))).collect()
}

/// Issues, registers and updates a token: all three must end alike, and what is refused changes
/// nothing.
macro_rules! all_ways {
    ($owner:expr, [$($new:tt)*], [$($update:tt)*], $expected:expr) => {{
        let bench = Bench::on(Engine::memory()).await;
        let before = bench.issue(ADA).role("before").name("before").await;
        let before = before.unwrap().record;
        let issued = bench.issue($owner)$($new)*.await;
        let generated = bench.pats.generate().unwrap();
        let registered = bench.pats.register(generated.id, generated.hash, $owner)$($new)*.await;
        bench.clock.advance(1);
        let updated = bench.pats.update(before.id)$($update)*.await;
        check(&bench, before, (issued, registered, updated), $expected).await;
    }};
}

async fn check(
    bench: &Bench,
    begin: PatRecord,
    (issued, registered, updated): (
        Result<Issued, PatError>,
        Result<PatRecord, PatError>,
        Result<PatRecord, PatError>,
    ),
    expected: Option<PatError>,
) {
    match expected {
        Some(error) => {
            assert_eq!(issued.map(|_| ()), Err(error.clone()));
            assert_eq!(registered.map(|_| ()), Err(error.clone()));
            assert_eq!(updated.map(|_| ()), Err(error));
            assert_eq!(bench.pats.get(begin.id).await, Ok(begin));
            assert_eq!(bench.pats.list().count().await, Ok(1));
        }
        None => {
            let record = issued.unwrap().record;
            assert_eq!(bench.pats.get(record.id).await, Ok(record));
            assert!(registered.is_ok());
            let record = updated.unwrap();
            assert_eq!(bench.pats.get(begin.id).await, Ok(record));
        }
    }
}

#[tokio::test]
async fn an_owner_has_one_to_a_hundred_characters() {
    for (owner, fits) in [(0, false), (1, true), (100, true), (101, false)] {
        let (owner, error) = (long(owner), (!fits).then_some(PatError::InvalidOwner));
        all_ways!(&owner, [], [.owner(&owner)], error);
    }
}

#[tokio::test]
async fn a_role_and_a_scope_have_one_to_a_hundred_characters() {
    for (length, fits) in [(0, false), (1, true), (100, true), (101, false)] {
        let (text, error) = (long(length), (!fits).then_some(PatError::InvalidRole));
        all_ways!(ADA, [.role(&text)], [.add_role(&text)], error.clone());
        all_ways!(ADA, [.roles(["a", &text])], [.roles(["a", &text])], error.clone());
        all_ways!(ADA, [.scope(&text)], [.scopes([&text])], error);
    }
}

#[tokio::test]
async fn there_are_at_most_fifty_roles_and_fifty_scopes() {
    for (count, fits) in [(50, true), (51, false)] {
        let error = (!fits).then_some(PatError::TooManyRoles);
        all_ways!(ADA, [.roles(many(count))], [.roles(many(count))], error.clone());
        all_ways!(ADA, [.scopes(many(count))], [.scopes(many(count))], error);
    }
}

#[tokio::test]
async fn roles_that_are_added_are_counted_with_existing_ones() {
    let bench = Bench::on(Engine::memory()).await;
    let id = bench.issue(ADA).roles(many(49)).await.unwrap().record.id;
    let add = |roles: &[&str]| {
        let update = bench.pats.update(id);
        roles
            .iter()
            .fold(update, |update, role| update.add_role(*role))
    };
    let update = async |update: Update<'_>| update.await.map(|record| record.roles.len());
    assert_eq!(update(add(&["a", "b"])).await, Err(PatError::TooManyRoles));
    assert_eq!(update(add(&["a"])).await, Ok(50));
    // An existing one takes no room.
    assert_eq!(update(add(&["a"])).await, Ok(50));
    assert_eq!(update(add(&["a", "b"])).await, Err(PatError::TooManyRoles));
    // What is taken makes room in the same change.
    assert_eq!(
        update(add(&["b", "c"]).remove_role("a")).await,
        Err(PatError::TooManyRoles)
    );
    assert_eq!(update(add(&["b"]).remove_role("a")).await, Ok(50));
    let record = bench.pats.get(id).await.unwrap();
    assert!(record.has_role("b") && !record.has_role("a") && !record.has_role("c"));
    assert_eq!(
        update(add(&["x"]).roles(many(50))).await,
        Err(PatError::TooManyRoles)
    );
    assert_eq!(update(add(&["x"]).roles(many(49))).await, Ok(50));
    assert_eq!(update(add(&[]).roles(Vec::<String>::new())).await, Ok(0));
}

#[tokio::test]
async fn a_name_has_one_to_a_hundred_characters() {
    for (length, fits) in [(0, false), (1, true), (100, true), (101, false)] {
        let (name, error) = (long(length), (!fits).then_some(PatError::InvalidName));
        all_ways!(ADA, [.name(&name)], [.name(&name)], error);
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
        let entries = &metadata;
        all_ways!(ADA, [.entries(entries)], [.metadata(entries)], error);
    }
}

/// Adds all entries, as a caller would one by one.
trait Entries {
    fn entries(self, entries: &BTreeMap<String, String>) -> Self;
}

impl<S> Entries for Issue<'_, S> {
    fn entries(self, entries: &BTreeMap<String, String>) -> Self {
        let add = |new: Self, (key, value): (&String, &String)| new.metadata(key, value);
        entries.iter().fold(self, add)
    }
}

/// The most that a token can hold fits into every engine.
#[tokio::test]
async fn all_at_its_longest_is_stored() {
    let bench = Bench::on(Engine::memory()).await;
    let new = bench
        .issue("\u{1}".repeat(100))
        .roles((0..50).map(|n| format!("{n:02}{}", "\u{1}".repeat(98))))
        .scopes(many(50))
        .name(long(100));
    let entries = (0..8).map(|n| (format!("{n}"), "\u{1}".repeat(1000)));
    let issued = new.entries(&entries.collect()).await.unwrap();
    assert_eq!(bench.verify(&issued).await.unwrap().roles.len(), 50);
    let records = bench.records().await;
    let longest = records.iter().map(|record| record.body.len()).max();
    // DynamoDB takes 400 KB an item, labels and all.
    assert!(longest.unwrap() < 250_000, "{longest:?}");
    assert!(records.iter().all(|record| record.labels.len() <= 16));
}
