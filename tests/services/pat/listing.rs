//! Tokens found by owner, by role and by state.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use sealtoken::Lifetime;
use sealtoken::Listing;
use sealtoken::ServiceError;
use sealtoken::State;
use sealtoken::pat::{ListedTokens, PatError, PatId, PersonalAccessTokens};
use sealtoken::store::{Change, Cursor, MemoryStore, Outcome, Page, Query, Store as _, StoreError};

use super::{ADA, Bench};
use crate::engine::{Engine, on_every_engine};
use crate::faulty::Faulty;
use crate::intercept::{Intercept, Intercepted};

on_every_engine! {
    lists_have_what_they_ask_for,
    pages_show_each_token_once,
    a_token_with_many_roles_is_found_by_each,
    a_list_by_role_skips_nothing_while_roles_are_given_and_taken,
    a_record_that_was_changed_hides_no_other,
}

type Ids = BTreeSet<PatId>;

/// All of a list, by pages of this size.
async fn paged(list: Listing<ListedTokens>, limit: u32) -> Vec<Result<PatId, PatError>> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let page = list.clone().limit(limit).after(next).await.unwrap();
        assert!(page.entries.len() <= usize::try_from(limit).unwrap());
        found.extend(page.entries.into_iter().map(|entry| Ok(entry?.id)));
        next = page.next;
        if next.is_none() {
            return found;
        }
    }
}

/// And by streams with a limit, each going on where the previous one stopped.
async fn streamed(list: Listing<ListedTokens>, limit: u32) -> Vec<Result<PatId, PatError>> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let mut stream = list.clone().limit(limit).after(next).stream();
        let mut count = 0;
        while let Some(token) = stream.next().await {
            found.push(token.map(|token| token.id));
            count += 1;
        }
        assert!(count <= limit && stream.next().await.is_none());
        next = stream.cursor().cloned();
        if next.is_none() {
            return found;
        }
    }
}

/// Each once.
fn once(found: Vec<Result<PatId, PatError>>) -> Ids {
    let count = found.len();
    let ids: Ids = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.len(), count, "one twice");
    ids
}

/// All entries of a list, in each way to read it.
async fn all(list: Listing<ListedTokens>) -> Ids {
    let mut stream = list.clone().stream();
    let mut whole = Vec::new();
    while let Some(token) = stream.next().await {
        whole.push(token.map(|token| token.id));
    }
    assert_eq!(stream.cursor(), None);
    for limit in [1, 2, 3, 7, 100, u32::MAX] {
        assert_eq!(paged(list.clone(), limit).await, whole, "by {limit}");
        assert_eq!(streamed(list.clone(), limit).await, whole, "by {limit}");
    }
    let count = u64::try_from(whole.len()).unwrap();
    assert_eq!(list.count().await, Ok(count));
    assert_eq!(list.limit(1).count().await, Ok(count));
    once(whole)
}

async fn lists_have_what_they_ask_for(engine: Engine) {
    let bench = Bench::on(engine).await;
    let mut tokens = Vec::new();
    for n in 0..24 {
        let owner = ["ada", "bob", "Ada"][n % 3];
        let roles = [&["reader"][..], &["reader", "writer"], &[], &["Reader"]][n % 4];
        let mut new = bench.issue(owner).roles(roles.iter().copied());
        if n % 5 == 0 {
            new = new.expires(Lifetime::seconds(10));
        }
        let record = new.await.unwrap().record;
        if n % 7 == 0 {
            bench.pats.revoke(record.id).await.unwrap();
        }
        tokens.push(bench.pats.get(record.id).await.unwrap());
    }
    bench.clock.advance(10);
    let now = super::at(super::NOW + 10);
    for owner in [None, Some("ada"), Some("Ada"), Some("nobody")] {
        for role in [
            None,
            Some("reader"),
            Some("writer"),
            Some("Reader"),
            Some("none"),
        ] {
            for state in [
                None,
                Some(State::Live),
                Some(State::Expired),
                Some(State::Revoked),
            ] {
                let mut list = bench.pats.list();
                if let Some(owner) = owner {
                    list = list.owner(owner);
                }
                if let Some(role) = role {
                    list = list.role(role);
                }
                if let Some(state) = state {
                    list = list.only(state);
                }
                let expected = tokens.iter().filter(|token| {
                    owner.is_none_or(|owner| token.owner == owner)
                        && role.is_none_or(|role| token.has_role(role))
                        && state.is_none_or(|state| token.state_at(now) == state)
                });
                let expected: Ids = expected.map(|token| token.id).collect();
                let page = list.limit(1000).await.unwrap();
                let found = page.entries.into_iter().map(|entry| entry.unwrap().id);
                assert_eq!(
                    found.collect::<Ids>(),
                    expected,
                    "{owner:?} {role:?} {state:?}"
                );
            }
        }
    }
    let hashes = async |list: Listing<ListedTokens>| {
        let entries = list.await.unwrap().entries.into_iter();
        entries
            .filter(|entry| entry.as_ref().unwrap().hash.is_some())
            .count()
    };
    assert_eq!(hashes(bench.pats.list()).await, 0);
    assert_eq!(hashes(bench.pats.list().with_hashes()).await, 24);
    assert_eq!(bench.pats.list().count().await, Ok(24));
}

async fn pages_show_each_token_once(engine: Engine) {
    let bench = Bench::on(engine).await;
    let mut expected = [Ids::new(), Ids::new(), Ids::new()];
    for n in 0..13 {
        let new = bench.issue(["ada", "bob"][n % 2]);
        // With these, the role of every second token is one that has no label of its own.
        let filling = (0..10).map(|n| format!("a{n}"));
        let new = if n % 4 < 2 { new.roles(filling) } else { new };
        let id = new.role("reader").await.unwrap().record.id;
        expected[n % 2].insert(id);
        expected[2].insert(id);
    }
    let list = || bench.pats.list();
    assert_eq!(all(list().owner("ada")).await, expected[0]);
    assert_eq!(all(list().owner("bob").role("reader")).await, expected[1]);
    assert_eq!(all(list().role("reader")).await, expected[2]);
    assert_eq!(all(list()).await, expected[2]);
    assert_eq!(all(list().role("nobody's")).await, Ids::new());
    assert_eq!(all(list().only(State::Revoked)).await, Ids::new());
    // A limit of nothing gives nothing, and where to begin.
    let nothing = list().limit(0).await.unwrap();
    assert_eq!(nothing.entries.len(), 0);
    assert_eq!(list().after(nothing.next).count().await, Ok(13));
    assert!(list().limit(0).stream().next().await.is_none());
    // A cursor through text, as a web page hands it out.
    let page = list().limit(5).await.unwrap();
    let cursor = Cursor::from_bytes(page.next.unwrap().as_bytes());
    let rest = list().limit(100).after(cursor).await.unwrap();
    assert_eq!((rest.entries.len(), rest.next), (8, None));
    // Cursors that no list gave are refused, or lead nowhere else.
    for bytes in [&b""[..], b"\x02", b"\xff\x00\x01", b"\x00\x01", b"\x01"] {
        let page = list().owner("ada").after(Cursor::from_bytes(bytes)).await;
        assert_eq!(
            page.err(),
            Some(PatError::Service(ServiceError::Store(StoreError::Cursor))),
            "{bytes:?}"
        );
    }
    let end = list().role("reader").limit(12).await.unwrap().next;
    let page = list().owner("ada").after(end).await;
    assert_eq!(
        page.err(),
        Some(PatError::Service(ServiceError::Store(StoreError::Cursor)))
    );
}

#[tokio::test]
async fn a_stream_tells_where_to_go_on_once_it_has_given_its_last() {
    let bench = Bench::on(Engine::memory()).await;
    for _ in 0..4 {
        bench.issue(ADA).await.unwrap();
    }
    let mut stream = bench.pats.list().limit(3).stream();
    let mut given = Vec::new();
    for is_last in [false, false, true] {
        given.push(stream.next().await.unwrap().unwrap().id);
        assert_eq!(stream.cursor().is_some(), is_last);
    }
    let rest = bench.pats.list().after(stream.cursor().cloned());
    assert_eq!(rest.count().await, Ok(1));
    let rest = rest.await.unwrap().entries;
    assert_eq!(rest.len(), 1);
    assert!(!given.contains(&rest[0].as_ref().unwrap().id));
}

/// The limit of a list is no limit of its count, nor of how many are read for it at a time.
#[tokio::test]
async fn tokens_are_counted_by_whole_pages() {
    let store = Faulty::counting();
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    for _ in 0..5 {
        bench.issue(ADA).await.unwrap();
    }
    store.counts();
    assert_eq!(bench.pats.list().limit(1).count().await, Ok(5));
    assert_eq!(store.counts(), (1, 0));
}

/// An engine that finds nothing, page after page, as where very much was removed; asked for too
/// many it is away.
#[derive(Debug)]
struct Endless {
    inner: MemoryStore,
    left: AtomicU64,
}

#[async_trait]
impl Intercept for Endless {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn scan(&self, query: &Query) -> Result<Page, StoreError> {
        match self.left.load(Ordering::SeqCst) {
            u64::MAX => return self.inner.scan(query).await,
            0 => return Err(StoreError::unavailable("test")),
            _ => self.left.fetch_sub(1, Ordering::SeqCst),
        };
        let next = Some(Cursor::from_bytes(b"on"));
        let records = Vec::new();
        Ok(Page { records, next })
    }
}

#[tokio::test]
async fn a_page_that_finds_nothing_for_long_says_where_to_go_on() {
    let store = Arc::new(Intercepted(Endless {
        inner: MemoryStore::new(),
        left: AtomicU64::new(u64::MAX),
    }));
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    store.left.store(10_000, Ordering::SeqCst);
    let page = bench.pats.list().await.unwrap();
    assert!(page.entries.is_empty() && page.next.is_some());
    // An empty page is work, too, so it takes some of them and not all.
    let asked = 10_000 - store.left.load(Ordering::SeqCst);
    assert!((2..100).contains(&asked), "{asked}");
}

async fn a_token_with_many_roles_is_found_by_each(engine: Engine) {
    let bench = Bench::on(engine).await;
    let roles: Vec<String> = (0..50).map(|n| format!("role {n}")).collect();
    let many = bench.issue(ADA).roles(&roles).await.unwrap().record.id;
    let few = bench
        .issue(ADA)
        .roles(["role 1", "role 30"])
        .await
        .unwrap()
        .record
        .id;
    for (n, role) in roles.iter().enumerate() {
        let both = [1, 30].contains(&n);
        let expected: Ids = if both {
            [many, few].into()
        } else {
            [many].into()
        };
        let found = paged(bench.pats.list().role(role), 1).await;
        assert_eq!(once(found), expected, "{role}");
    }
    // What was taken is found no more; what was given instead of it is.
    bench
        .pats
        .update(many)
        .remove_role("role 0")
        .remove_role("role 49")
        .add_role("new")
        .await
        .unwrap();
    for (role, count) in [("role 0", 0), ("role 49", 0), ("new", 1), ("role 48", 1)] {
        assert_eq!(
            bench.pats.list().role(role).count().await,
            Ok(count),
            "{role}"
        );
    }
}

async fn a_list_by_role_skips_nothing_while_roles_are_given_and_taken(engine: Engine) {
    let bench = Bench::on(engine).await;
    let mut expected = Ids::new();
    for n in 0..12 {
        let others = (0..n).map(|n| format!("other {n}"));
        let id = bench
            .issue(ADA)
            .roles(others)
            .role("wanted")
            .await
            .unwrap()
            .record
            .id;
        expected.insert(id);
    }
    let pats = bench.pats.clone();
    let changed = expected.clone();
    let changer = tokio::spawn(async move {
        for round in 0..3 {
            for id in &changed {
                let update = pats.update(*id).add_role(format!("new {round}"));
                let update = update.remove_role(format!("other {round}"));
                update.await.unwrap();
            }
        }
    });
    let mut lists = 0;
    while !changer.is_finished() || lists == 0 {
        let found = once(paged(bench.pats.list().role("wanted"), 3).await);
        assert_eq!(found, expected);
        lists += 1;
        tokio::task::yield_now().await;
    }
    changer.await.unwrap();
}

async fn a_record_that_was_changed_hides_no_other(engine: Engine) {
    let bench = Bench::on(engine).await;
    let mut expected = Ids::new();
    for _ in 0..5 {
        expected.insert(bench.issue(ADA).role("reader").await.unwrap().record.id);
    }
    let tokens = bench.records().await.into_iter();
    let mut tokens = tokens.filter(|record| record.key.collection.as_str() == "pat_tokens");
    let mut changed = tokens.next().unwrap();
    changed.body[40] ^= 1;
    let replace = Change::Replace {
        expected: changed.version,
        record: changed,
    };
    assert_eq!(bench.store.write(&[replace]).await, Ok(Outcome::Written));
    let list = || bench.pats.list();
    // The store counts all of them without opening any.
    for (list, count) in [
        (list(), 5),
        (list().owner("ada@example.com"), 4),
        (list().role("reader"), 4),
    ] {
        let both = [
            paged(list.clone(), 2).await,
            streamed(list.clone(), 3).await,
        ];
        for found in both {
            let (good, bad): (Vec<_>, Vec<_>) = found.into_iter().partition(Result::is_ok);
            assert_eq!(once(good).len(), 4);
            assert_eq!(bad, [Err(PatError::Service(ServiceError::Tampered))]);
        }
        assert_eq!(list.count().await, Ok(count));
        let tally = list.tally().await.unwrap();
        assert_eq!((tally.count, tally.tampered), (4, 1));
    }
    // In a look-up by id it is an error in its own place.
    let all: Vec<PatId> = expected.into_iter().collect();
    let found = bench.pats.get_many(&all).await.unwrap();
    let bad = found.iter().flatten().filter(|one| one.is_err()).count();
    assert_eq!((found.len(), bad), (5, 1));
    for (id, one) in all.iter().zip(found) {
        assert_eq!(Some(bench.pats.get(*id).await), one);
    }
}
