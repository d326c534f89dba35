//! Lists of rare values: each page is bounded, and the next one goes on.

use sealtoken::vault::Vault;
use sealtoken::{Lifetime, State};

use super::Bench;
use super::bent::Bent;

#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_values_and_its_cursor_goes_on() {
    const MANY: usize = 460;
    let store = Bent::new();
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
    let store = Bent::new();
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
