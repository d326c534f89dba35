//! Lists of rare values, over empty pages, and by an index that leads astray: each page is bounded,
//! and the next one goes on.

use sealtoken::store::{Change, Store as _};
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Lifetime, ServiceError, State};

use super::Bench;
use super::broken::hostile;
use super::hostile::HostileStore;
use crate::faulty::{Faulty, records};

#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_values_and_its_cursor_goes_on() {
    const MANY: usize = 460;
    let store = HostileStore::new();
    let bench = Bench::over(store.clone(), Vault::options()).await;
    let vault = &bench.vault;
    // Long values are more work: a page examines about 400 of these.
    let created = vault.create_many(vec![vec![0; 25 * 1024]; MANY]).await;
    assert!(created.unwrap().iter().all(Result::is_ok));
    bench.clock.advance(1);
    let last = vault.create("v").expires(Lifetime::hours(1)).await;
    let last = vault.get(&last.unwrap()).await.unwrap();

    // Only the last value expires, and the list reads the index of creation times.
    let rare = vault
        .list()
        .with(State::Deleted)
        .expires_from(last.created_at);
    let rare = rare.limit(130);
    let (mut found, mut pages, mut next) = (Vec::new(), 0, None);
    store.scanned();
    loop {
        let page = rare.clone().after(next).await.unwrap();
        assert!(store.scanned() < 440);
        pages += 1;
        found.extend(page.entries.into_iter().map(Result::unwrap));
        next = page.next;
        if next.is_none() {
            break;
        }
        assert!(found.is_empty());
    }
    assert!(pages > 1);
    assert_eq!(found, [last]);
}

#[tokio::test]
async fn a_list_that_skips_some_shows_each_once_in_pages_of_any_size() {
    let store = HostileStore::new();
    let bench = Bench::over(store.clone(), Vault::options()).await;
    let vault = &bench.vault;
    let mut wanted = Vec::new();
    for n in 0..340_u32 {
        bench.clock.advance(1);
        let token = vault.create("v").await.unwrap();
        // Many in a row, then none for long.
        if n % 100 < 30 {
            wanted.push(vault.get(&token).await.unwrap().id);
        } else {
            vault.soft_delete(&token).await.unwrap();
        }
    }
    wanted.sort_by_key(ToString::to_string);
    for limit in [1, 7, 29, 30, 100, 101, 1000, u32::MAX] {
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let page = vault.list().limit(limit).after(next).await.unwrap();
            assert!(page.entries.len() <= limit as usize);
            found.extend(page.entries.into_iter().map(|entry| entry.unwrap().id));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        found.sort_by_key(ToString::to_string);
        assert_eq!(found, wanted, "{limit}");
        // The rarer the matches, the more records are asked for.
        let asked = store.asked();
        assert!((29..=1000).contains(&asked), "{limit}: {asked}");
    }
}

#[tokio::test]
async fn values_behind_empty_pages_are_found_before_a_keyset_is_made() {
    let (store, bench) = hostile(Vault::options()).await;
    let other = bench.vault.namespace("other").unwrap();
    other.create("v").await.unwrap();
    for record in records(&*store, "vault_keysets").await {
        let (key, expected) = (record.key.clone(), None);
        let remove = Change::Remove { key, expected };
        let _ = store.write(&[remove]).await.unwrap();
    }
    store.give_empty_pages(3);
    let opened = bench.again(Vault::options()).await;
    assert!(matches!(
        opened.err(),
        Some(VaultError::Service(ServiceError::KeysetMissing(_)))
    ));
    assert_eq!(store.empty_pages_left(), 0);
}

#[tokio::test]
async fn a_list_over_empty_pages_is_bounded_and_its_cursor_goes_on() {
    let (store, bench) = hostile(Vault::options()).await;
    bench.vault.create("v").await.unwrap();
    store.give_empty_pages(25_000);
    let page = bench.vault.list().await.unwrap();
    assert!(page.entries.is_empty() && page.next.is_some());
    assert!(store.empty_pages_left() > 0);
    store.give_empty_pages(0);
    let rest = bench.vault.list().after(page.next).await.unwrap();
    assert_eq!((rest.entries.len(), rest.next.is_none()), (1, true));
}

#[tokio::test]
async fn an_index_that_leads_astray_lists_nothing_else_and_soft_deletes_nothing_twice() {
    let (store, bench) = hostile(Vault::options()).await;
    let vault = &bench.vault;
    let hidden = vault
        .create("v")
        .expires(Lifetime::minutes(30))
        .await
        .unwrap();
    vault.create("v").label("a").await.unwrap();
    vault.create("v").label("b").await.unwrap();
    let over = vault
        .create("v")
        .expires(Lifetime::minutes(55))
        .await
        .unwrap();
    vault.soft_delete(&hidden).await.unwrap();
    bench.clock.advance(3600);
    store.lead_astray();
    // It expired five minutes ago, and the margin is ten.
    let tally = vault.purge_expired().await.unwrap();
    assert_eq!((tally.count, tally.tampered), (1, 0));
    assert!(vault.get(&over).await.is_ok());
    assert_eq!(vault.get(&hidden).await, Err(VaultError::NotFound));
    let listed = vault.list().label("a").await.unwrap().entries;
    let labels = listed.into_iter().map(|one| one.unwrap().label);
    assert_eq!(labels.collect::<Vec<_>>(), [Some("a".to_owned())]);

    vault.soft_delete(&over).await.unwrap();
    let deleted = vault.get(&over).await.unwrap().deleted_at;
    bench.clock.advance(10);
    let tally = vault.soft_delete_expired().await.unwrap();
    assert_eq!((tally.count, tally.tampered), (0, 0));
    assert_eq!(vault.get(&over).await.unwrap().deleted_at, deleted);
}

#[tokio::test]
async fn the_rest_after_a_cursor_is_read_and_not_counted_in_the_store() {
    let store = Faulty::counting();
    let bench = Bench::over(store.clone(), Vault::options()).await;
    for _ in 0..3 {
        bench.vault.create("v").await.unwrap();
    }
    let all = bench.vault.list().with(State::Expired).with(State::Deleted);
    let first = all.clone().limit(1).await.unwrap();
    store.counts();
    assert_eq!(all.after(first.next).count().await, Ok(2));
    assert_eq!(store.counts(), (1, 0));
}
