//! Listing an owner's personal access tokens takes no more memory for many tokens than for few.
//!
//! `SEALTOKEN_TOKENS` sets how many are many; the default is 10,000.

use std::time::{Duration, Instant};

use sealtoken::State;
use sealtoken::pat::PersonalAccessTokens;
use sealtoken::store::{Change, Collection, MemoryStore, Outcome, Query, Store as _};
use sealtoken::{Key, KeyRing};
use sealtoken_process_tests::live::{Live, peak};
use sealtoken_sqlite::SqliteStore;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static LIVE: Live = Live;

const OWNER: &str = "ada@example.com";
const FEW: usize = 4000;

/// How much more memory many tokens may take: a few do not fill all caches.
const BEYOND: usize = 3 * 1024 * 1024;

fn many() -> usize {
    let tokens = std::env::var("SEALTOKEN_TOKENS");
    tokens.map_or(10_000, |tokens| tokens.parse().expect("a number"))
}

/// SQLite's peak memory since the last call. SQLite does not use Rust's allocator.
fn peak_of_sqlite() -> usize {
    // SAFETY: the call only reads and resets a counter.
    let bytes = unsafe { rusqlite::ffi::sqlite3_memory_highwater(1) };
    usize::try_from(bytes).expect("a size")
}

/// Issues the tokens in memory and copies their records to the file in large batches, since single
/// writes would each wait for the disk.
async fn fill(file: &SqliteStore, keys: &KeyRing, tokens: usize) {
    let memory = MemoryStore::new();
    let pats = PersonalAccessTokens::open(memory.clone(), keys).await;
    let pats = pats.expect("it opens");
    for n in 0..tokens {
        // Every tenth time, a token of another owner comes in between.
        for owner in [OWNER, "bob@example.com"]
            .iter()
            .take(1 + usize::from(n % 10 == 0))
        {
            pats.issue(*owner)
                .name(format!("{n}"))
                .role("reader")
                .await
                .expect("it issues");
        }
    }
    for name in ["pat_keysets", "pat_tokens"] {
        let mut query = Query::all(Collection::new(name).expect("a name")).limit(1000);
        loop {
            let page = memory.scan(&query).await.expect("it reads");
            let batch: Vec<Change> = page.records.into_iter().map(Change::Insert).collect();
            assert_eq!(file.write(&batch).await, Ok(Outcome::Written));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
    }
}

/// Marks a token as seen, by the number that is its name.
fn see(seen: &mut [bool], record: &sealtoken::pat::PatRecord) {
    assert_eq!(record.owner, OWNER);
    let number: usize = record
        .name
        .as_deref()
        .expect("a name")
        .parse()
        .expect("a number");
    assert!(
        !std::mem::replace(&mut seen[number], true),
        "{number} was listed twice"
    );
}

/// Lists in pages of a hundred and returns the number of pages.
async fn by_pages(pats: &PersonalAccessTokens, seen: &mut [bool]) -> usize {
    let (mut pages, mut next) = (0, None);
    let mut slowest = Duration::ZERO;
    loop {
        let began = Instant::now();
        let list = pats.list().owner(OWNER).limit(100).after(next);
        let page = list.await.expect("it reads");
        slowest = slowest.max(began.elapsed());
        pages += 1;
        assert!(page.next.is_none() || page.entries.len() == 100);
        for entry in page.entries {
            see(seen, &entry.expect("genuine"));
        }
        next = page.next;
        if next.is_none() {
            println!("the slowest page took {slowest:.1?}");
            return pages;
        }
    }
}

async fn by_stream(pats: &PersonalAccessTokens, seen: &mut [bool]) {
    let list = pats.list().role("reader").owner(OWNER).only(State::Live);
    let mut stream = list.stream();
    while let Some(token) = stream.next().await {
        see(seen, &token.expect("genuine"));
    }
}

/// The peak memory of each way to list, Rust's and SQLite's together.
fn work(runtime: &Runtime, tokens: usize) -> [(&'static str, usize); 3] {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = KeyRing::new(Key::generate());
    let store = SqliteStore::open(folder.path().join("store.db"));
    let store = runtime.block_on(store).expect("it opens");
    let began = Instant::now();
    runtime.block_on(fill(&store, &keys, tokens));
    println!(
        "{tokens} tokens issued and moved in {:.1?}",
        began.elapsed()
    );
    let pats = PersonalAccessTokens::open(store, &keys);
    let pats = runtime.block_on(pats).expect("it opens");
    let measure = |name, work: &dyn Fn(&mut [bool])| {
        let mut seen = vec![false; tokens];
        peak_of_sqlite();
        let began = Instant::now();
        let (peak, ()) = peak(|| work(&mut seen));
        let peak = peak + peak_of_sqlite();
        assert!(seen.iter().all(|seen| *seen), "{name}");
        println!(
            "{tokens} by {name}: {} KiB at most, {:.1?}",
            peak / 1024,
            began.elapsed()
        );
        (name, peak)
    };
    [
        measure("pages", &|seen| {
            let pages = runtime.block_on(by_pages(&pats, seen));
            assert!(
                (tokens.div_ceil(100)..=tokens / 100 + 1).contains(&pages),
                "{pages}"
            );
        }),
        measure("a stream", &|seen| runtime.block_on(by_stream(&pats, seen))),
        measure("a count", &|seen| {
            let list = pats.list().owner(OWNER);
            let count = runtime.block_on(list.count()).expect("it counts");
            assert_eq!(usize::try_from(count), Ok(tokens));
            seen.fill(true);
        }),
    ]
}

#[test]
fn memory_does_not_grow_with_the_tokens_of_an_owner() {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let few = work(&runtime, FEW);
    let many = work(&runtime, self::many());
    for ((name, few), (_, many)) in few.into_iter().zip(many) {
        assert!(many <= few + BEYOND, "{name}: {few} bytes, then {many}");
    }
    // The control: keeping all tokens exceeds the limit.
    let record = |n: usize| format!("{n} {}", "x".repeat(400));
    let (kept, tokens) = peak(|| (0..self::many()).map(record).collect::<Vec<_>>());
    assert!(kept > BEYOND, "{} tokens took {kept} bytes", tokens.len());
}
