//! SQLite through the trait, side by side with bare rusqlite and the same statements.
//!
//! Run it with `cargo bench -p sealtoken-benches --features sqlite --bench store_sqlite`.
//! `SEALTOKEN_BENCH_DIR` names the folder of the files: a commit takes what its disk needs. With
//! `-- --test` each case runs once. With `-- --check` it fails if the median ratio of the reads or
//! of the writes exceeds its limit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Statement, params};
use sealtoken::store::{
    Change, Collection, Label, LabelName, Outcome, Record, RecordKey, Store as _, Version,
};
use sealtoken_sqlite::SqliteStore;

/// The maximum ratio of a call through the trait to the bare one.
const READ: f64 = 2.0;
const WRITE: f64 = 1.3;

/// How often each side runs, and how many runs make a turn.
#[derive(Clone, Copy)]
struct Effort {
    turns: usize,
    each: usize,
}

/// Times two sides in turns, so that disturbances affect both. Prints the medians and returns their
/// ratio.
async fn versus(
    name: &str,
    limit: f64,
    effort: Effort,
    mut ours: impl AsyncFnMut(usize),
    mut bare: impl FnMut(usize),
) -> f64 {
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..effort.turns {
        for n in turn * effort.each..(turn + 1) * effort.each {
            let began = Instant::now();
            ours(n).await;
            times[0].push(began.elapsed());
        }
        for n in turn * effort.each..(turn + 1) * effort.each {
            let began = Instant::now();
            bare(n);
            times[1].push(began.elapsed());
        }
    }
    let [ours, bare] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!(
        "{name:<44} {:>9.2} µs {:>9.2} µs  {ratio:>5.2}  (at most {limit})",
        micros(ours),
        micros(bare)
    );
    ratio
}

/// The median ratio: a disk that is slow for a while distorts single ones.
fn middle(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn key(id: &str) -> RecordKey {
    RecordKey::new(Collection::new("note").unwrap(), id)
}

fn record(id: &str, body: usize, labels: usize) -> Record {
    let mut record = Record::new(key(id), Version::draw().unwrap(), vec![7; body]);
    for n in 0..labels {
        let name = LabelName::new(["owner", "created", "expires", "state"][n % 4]).unwrap();
        let value = [&[n as u8][..], &record.version.as_bytes()[1..]].concat();
        record = record.with_label(name, value);
    }
    record
}

async fn write(store: &SqliteStore, batch: &[Change]) {
    assert_eq!(store.write(batch).await, Ok(Outcome::Written));
}

/// The same rows written by hand, with the same settings.
struct Bare<'a> {
    begin: Statement<'a>,
    commit: Statement<'a>,
    insert: Statement<'a>,
    find: Statement<'a>,
    update: Statement<'a>,
    delete: Statement<'a>,
    label: Statement<'a>,
    unlabel: Statement<'a>,
}

impl<'a> Bare<'a> {
    fn new(connection: &'a Connection) -> Self {
        let prepare = |sql| connection.prepare(sql).unwrap();
        Self {
            begin: prepare("BEGIN IMMEDIATE"),
            commit: prepare("COMMIT"),
            insert: prepare("INSERT INTO sealtoken_record VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
            find: prepare(
                "SELECT rowid, version, labels FROM sealtoken_record \
                 WHERE collection = ?1 AND id = ?2",
            ),
            update: prepare(
                "UPDATE sealtoken_record SET version = ?2, purge_at = ?3, labels = ?4, body = ?5 \
                 WHERE rowid = ?1",
            ),
            delete: prepare("DELETE FROM sealtoken_record WHERE rowid = ?1"),
            label: prepare("INSERT INTO sealtoken_label VALUES (?1, ?2, ?3, ?4)"),
            unlabel: prepare(
                "DELETE FROM sealtoken_label \
                 WHERE collection = ?1 AND name = ?2 AND value = ?3 AND id = ?4",
            ),
        }
    }

    /// As long as the encoded labels: only the length matters here.
    fn text(record: &Record) -> Vec<u8> {
        let length = |label: &Label| 5 + label.name.as_str().len() + label.value.len();
        vec![0; 1 + record.labels.iter().map(length).sum::<usize>()]
    }

    fn labels(&mut self, record: &Record, add: bool) {
        let statement = if add {
            &mut self.label
        } else {
            &mut self.unlabel
        };
        for label in &record.labels {
            let values = (
                "note",
                label.name.as_str(),
                &label.value[..],
                &record.key.id[..],
            );
            assert_eq!(statement.execute(values).unwrap(), 1);
        }
    }

    fn transaction(&mut self, changes: impl FnOnce(&mut Self)) {
        self.begin.execute([]).unwrap();
        changes(self);
        self.commit.execute([]).unwrap();
    }

    fn insert(&mut self, record: &Record) {
        let version = record.version.as_bytes().as_slice();
        let values = params![
            "note",
            record.key.id,
            version,
            None::<i64>,
            Self::text(record),
            record.body
        ];
        assert_eq!(self.insert.execute(values).unwrap(), 1);
        self.labels(record, true);
    }

    fn find(&mut self, record: &Record) -> i64 {
        let found = self.find.query_row(("note", &record.key.id), |row| {
            let version: [u8; 16] = row.get(1)?;
            let labels: Vec<u8> = row.get(2)?;
            Ok((row.get(0)?, black_box(version), black_box(labels)))
        });
        found.unwrap().0
    }

    fn replace(&mut self, before: &Record, record: &Record) {
        let row = self.find(record);
        let version = record.version.as_bytes().as_slice();
        let values = params![row, version, None::<i64>, Self::text(record), record.body];
        assert_eq!(self.update.execute(values).unwrap(), 1);
        if before.labels != record.labels {
            self.labels(before, false);
            self.labels(record, true);
        }
    }

    fn remove(&mut self, record: &Record) {
        let row = self.find(record);
        assert_eq!(self.delete.execute([row]).unwrap(), 1);
        self.labels(record, false);
    }
}

/// A connection like the store's, opened after the store has created the tables.
fn connect(file: &Path, flags: OpenFlags) -> Connection {
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = connection.unwrap();
    connection
        .pragma_update(None, "synchronous", "FULL")
        .unwrap();
    connection
}

async fn reads(store: &SqliteStore, file: &Path, effort: Effort) -> f64 {
    const GET: &str = "SELECT version, purge_at, labels, body FROM sealtoken_record \
        WHERE collection = ?1 AND id = ?2";
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let mut statement = connection.prepare(GET).unwrap();
    let mut get = |id: &[u8]| {
        let row = statement.query_row(("note", id), |row| {
            let version: [u8; 16] = row.get(0)?;
            let purge_at: Option<i64> = row.get(1)?;
            let labels: Vec<u8> = row.get(2)?;
            let body: Vec<u8> = row.get(3)?;
            Ok((version, purge_at, labels, body))
        });
        black_box(row.unwrap());
    };
    let mut ratios = Vec::new();
    for (body, labels) in [(100, 0), (400, 4), (4096, 4), (65_536, 4), (1 << 20, 4)] {
        let keys: Vec<_> = (0..200).map(|at| key(&format!("{body}/{at}"))).collect();
        for (at, _) in keys.iter().enumerate() {
            let record = record(&format!("{body}/{at}"), body, labels);
            write(store, &[Change::Insert(record)]).await;
        }
        let each = if body > 10_000 {
            effort.each.div_ceil(20)
        } else {
            effort.each
        };
        let effort = Effort { each, ..effort };
        ratios.push(
            versus(
                &format!("read {body} B, {labels} labels"),
                READ,
                effort,
                async |n| {
                    let record = store.get(&keys[n % keys.len()]).await;
                    assert!(black_box(record).unwrap().is_some());
                },
                |n| get(&keys[n % keys.len()].id),
            )
            .await,
        );
    }
    let keys: Vec<_> = (0..16).map(|at| key(&format!("400/{at}"))).collect();
    let effort = Effort {
        each: effort.each.div_ceil(10),
        ..effort
    };
    let many = async |_| drop(black_box(store.get_many(&keys).await.unwrap()));
    let one_by_one = |_| keys.iter().for_each(|key| get(&key.id));
    ratios.push(versus("read 16 of 400 B", READ, effort, many, one_by_one).await);
    middle(ratios)
}

async fn writes(store: &SqliteStore, file: &Path, effort: Effort) -> f64 {
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let mut bare = Bare::new(&connection);
    let mut ratios = Vec::new();
    for (body, labels) in [(100, 0), (400, 4), (4096, 16), (65_536, 4)] {
        let state = |n: usize| record(&format!("w{body}/{n}"), body, labels);
        let count = effort.turns * effort.each;
        let first: Vec<_> = (0..count).map(state).collect();
        let next: Vec<_> = (0..count).map(state).collect();
        let name = |what| format!("{what} {body} B, {labels} labels");
        let ours = async |n: usize| write(store, &[Change::Insert(first[n].clone())]).await;
        let theirs = |n: usize| bare.transaction(|bare| bare.insert(&first[n]));
        ratios.push(versus(&name("insert"), WRITE, effort, ours, theirs).await);
        let ours = async |n: usize| {
            let (record, expected) = (next[n].clone(), first[n].version);
            write(store, &[Change::Replace { record, expected }]).await;
        };
        let theirs = |n: usize| bare.transaction(|bare| bare.replace(&first[n], &next[n]));
        ratios.push(versus(&name("replace"), WRITE, effort, ours, theirs).await);
        let ours = async |n: usize| {
            let (key, expected) = (next[n].key.clone(), Some(next[n].version));
            write(store, &[Change::Remove { key, expected }]).await;
        };
        let theirs = |n: usize| bare.transaction(|bare| bare.remove(&next[n]));
        ratios.push(versus(&name("remove"), WRITE, effort, ours, theirs).await);
    }
    let batch = |n: usize| (0..100).map(move |at| record(&format!("b{n}/{at}"), 400, 4));
    let effort = Effort {
        turns: effort.turns.div_ceil(5),
        ..effort
    };
    let batches: Vec<Vec<_>> = (0..effort.turns * effort.each)
        .map(|n| batch(n).collect())
        .collect();
    let changes: Vec<Vec<_>> = batches
        .iter()
        .map(|batch| batch.iter().cloned().map(Change::Insert).collect())
        .collect();
    ratios.push(
        versus(
            "insert 100 of 400 B, 4 labels each",
            WRITE,
            effort,
            async |n| write(store, &changes[n]).await,
            |n| bare.transaction(|bare| batches[n].iter().for_each(|record| bare.insert(record))),
        )
        .await,
    );
    middle(ratios)
}

fn main() -> ExitCode {
    let argument = |name| std::env::args().any(|argument| argument == name);
    // Single commits in turn, since a disk is fast for a while, then slow.
    let [read, write] = if argument("--test") {
        [(1, 1), (1, 1)]
    } else {
        [(20, 1000), (300, 1)]
    }
    .map(|(turns, each)| Effort { turns, each });
    let folder = std::env::var_os("SEALTOKEN_BENCH_DIR")
        .map_or_else(tempfile::tempdir, tempfile::tempdir_in);
    let folder = folder.unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    println!("{:<44} {:>12} {:>12}  ratio", "", "sealtoken", "bare");
    let (read, write) = runtime.block_on(async {
        let files = ["read.db", "ours.db", "bare.db"].map(|name| folder.path().join(name));
        let store = SqliteStore::open(&files[0]).await.unwrap();
        let read = reads(&store, &files[0], read).await;
        let store = SqliteStore::open(&files[1]).await.unwrap();
        let _tables = SqliteStore::open(&files[2]).await.unwrap();
        (read, writes(&store, &files[2], write).await)
    });
    println!(
        "in the middle: reads {read:.2} (at most {READ}), writes {write:.2} (at most {WRITE})"
    );
    if (read <= READ && write <= WRITE) || !argument("--check") {
        return ExitCode::SUCCESS;
    }
    eprintln!("the median ratio exceeds its limit");
    ExitCode::FAILURE
}
