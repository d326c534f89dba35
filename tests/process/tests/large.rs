//! Scans, counts and purges take no more memory on a large table than on a small one.
//!
//! `SEALTOKEN_RECORDS` sets the size of the large table; the default is 40,000.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};
use sealtoken::UnixTime;
use sealtoken::store::{Collection, LabelName, Query, Record, RecordKey, Store, Values, Version};
use sealtoken_process_tests::live::{Live, peak};
use sealtoken_sqlite::SqliteStore;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static LIVE: Live = Live;

const SMALL: u32 = 10_000;

/// How much more memory a large table may take: a small one does not fill all caches.
const BEYOND: usize = 3 * 1024 * 1024;

fn large() -> u32 {
    let records = std::env::var("SEALTOKEN_RECORDS");
    records.map_or(40_000, |records| records.parse().expect("a number"))
}

fn notes() -> Collection {
    Collection::new("note").expect("a name")
}

fn tag() -> LabelName {
    LabelName::new("tag").expect("a name")
}

/// A record whose id and label are its number.
fn record(at: u32) -> Record {
    let id = u128::from(at).to_be_bytes();
    let key = RecordKey::new(notes(), id);
    Record::new(key, Version::from_bytes([7; 16]), [1; 100])
        .with_label(tag(), id)
        .with_purge_at(UnixTime::from_secs((at / 1000).into()))
}

/// Writes the records past the store, in one transaction: a million take only seconds this way.
fn fill(file: &Path, records: u32) -> rusqlite::Result<()> {
    let mut bare = Connection::open(file)?;
    let transaction = bare.transaction()?;
    let mut row =
        transaction.prepare("INSERT INTO sealtoken_record VALUES ('note', ?, ?, ?, ?, ?)")?;
    let mut label_row =
        transaction.prepare("INSERT INTO sealtoken_label VALUES ('note', 'tag', ?, ?)")?;
    for record in (0..records).map(record) {
        let (id, value) = (&record.key.id, &record.labels[0].value);
        // One label, at offset six, with a name of three bytes and a value of sixteen.
        let labels = [&b"\x01\x00\x06\x03\x00\x10tag"[..], value].concat();
        let purge_at = record.purge_at.map(UnixTime::as_secs);
        row.execute(params![
            id,
            record.version.as_bytes().as_slice(),
            purge_at,
            labels,
            record.body
        ])?;
        label_row.execute(params![value, id])?;
    }
    drop((row, label_row));
    transaction.commit()
}

/// Scans to the end and returns the number of records.
async fn scan(store: &SqliteStore, mut query: Query) -> usize {
    let mut count = 0;
    loop {
        let page = store.scan(&query).await.expect("it reads");
        count += page.records.len();
        query.after = page.next;
        if query.after.is_none() {
            return count;
        }
    }
}

/// SQLite's peak memory since the last call. SQLite does not use Rust's allocator.
fn peak_of_sqlite() -> usize {
    // SAFETY: the call only reads and resets a counter.
    let bytes = unsafe { rusqlite::ffi::sqlite3_memory_highwater(1) };
    usize::try_from(bytes).expect("a size")
}

/// The peak memory of each kind of work, Rust's and SQLite's together.
fn work(runtime: &Runtime, records: u32) -> [(&'static str, usize); 5] {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("store.db");
    let store = runtime
        .block_on(SqliteStore::open(&file))
        .expect("it opens");
    let began = Instant::now();
    fill(&file, records).expect("it writes");
    let first = runtime.block_on(store.get(&record(0).key));
    assert_eq!(first, Ok(Some(record(0))), "a row that the store can read");
    println!("{records} records written in {:.1?}", began.elapsed());
    let (all, count) = (Query::all(notes()), records as usize);
    let by_tag = Query::label(notes(), tag(), Values::beginning_with(""));
    let measure = |name, work: &dyn Fn() -> usize| {
        peak_of_sqlite();
        let began = Instant::now();
        let (peak, done) = peak(work);
        assert_eq!(done, count, "{name}");
        let peak = peak + peak_of_sqlite();
        println!(
            "{name} of {records}: {} KiB at most, {:.1?}",
            peak / 1024,
            began.elapsed()
        );
        (name, peak)
    };
    let counted = |query: &Query| {
        let count = runtime.block_on(store.count(query)).expect("it counts");
        usize::try_from(count).expect("it fits")
    };
    [
        measure("scan", &|| runtime.block_on(scan(&store, all.clone()))),
        measure("label scan", &|| {
            runtime.block_on(scan(&store, by_tag.clone()))
        }),
        measure("count", &|| counted(&all)),
        measure("label count", &|| counted(&by_tag)),
        measure("purge", &|| {
            let end = UnixTime::from_secs(i64::MAX);
            let purged = runtime.block_on(store.purge(&notes(), end, u32::MAX));
            purged.expect("it purges") as usize
        }),
    ]
}

#[test]
fn memory_does_not_grow_with_the_table() {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let small = work(&runtime, SMALL);
    let large = work(&runtime, large());
    for ((name, small), (_, large)) in small.into_iter().zip(large) {
        assert!(
            large <= small + BEYOND,
            "{name}: {small} bytes, then {large}"
        );
    }
    // The control: keeping all records exceeds the limit.
    let (kept, records) = peak(|| (0..self::large()).map(record).collect::<Vec<_>>());
    assert!(kept > BEYOND, "{} records took {kept} bytes", records.len());
}
