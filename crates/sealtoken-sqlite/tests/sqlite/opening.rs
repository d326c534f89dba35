//! Opening files: new ones, old ones, and those that are no database.

use std::error::Error as _;
use std::fs;
use std::io;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use sealtoken_sqlite::SqliteStore;
use sealtoken_store::{
    Change, Collection, Effect, Outcome, Query, Record, RecordKey, Store as _, StoreError, Version,
};
use sealtoken_time::UnixTime;
use tokio::runtime::Builder;

use super::attacker::bare;
use super::{block_on, folder, fresh, open};

fn note(id: &str) -> Record {
    let key = RecordKey::new(Collection::new("note").unwrap(), id);
    Record::new(key, Version::draw().unwrap(), id)
}

fn is_configuration(result: Result<SqliteStore, StoreError>, what: &str) -> bool {
    matches!(result, Err(StoreError::Configuration { reason, .. }) if reason.contains(what))
}

async fn insert(store: &SqliteStore, id: &str) -> Record {
    let record = note(id);
    let batch = [Change::Insert(record.clone())];
    assert_eq!(store.write(&batch).await, Ok(Outcome::Written));
    record
}

#[test]
fn records_survive_closing_and_opening() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let record = block_on(async {
        let store = SqliteStore::open(&path).await.unwrap();
        insert(&store, "id").await
    });
    let store = open(&path).unwrap();
    assert_eq!(block_on(store.get(&record.key)), Ok(Some(record)));
    // After the last connection closes, everything is in one file.
    drop(store);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_new_file_and_those_beside_it_are_the_owners_alone() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    block_on(async {
        let (store, folder) = fresh().await;
        insert(&store, "id").await;
        let mut names = Vec::new();
        for file in fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{file:?}");
            names.push(file.file_name().into_string().unwrap());
        }
        names.sort();
        assert_eq!(names, ["store.db", "store.db-shm", "store.db-wal"]);
        // An existing file keeps the mode that its owner gave it.
        let path = folder.path().join("shared.db");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        SqliteStore::open(&path).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    });
}

#[test]
fn a_path_that_cannot_be_opened_is_an_error_that_says_why() {
    let folder = folder();
    let inside = |name: &str| folder.path().join(name);
    assert!(is_configuration(open(folder.path()), "not a regular file"));
    assert!(is_configuration(
        open(inside("no/such/folder.db")),
        "folder.db: entity not found"
    ));
    assert!(is_configuration(open(""), "invalid input"));
    assert!(is_configuration(open("nul\0byte"), "invalid input"));
    let text = "This is a text, and far from a database. ".repeat(100);
    fs::write(inside("text"), &text).unwrap();
    assert!(is_configuration(
        open(inside("text")),
        "text: the file is not an SQLite database"
    ));
    assert_eq!(fs::read_to_string(inside("text")).unwrap(), text);
    let missing = SqliteStore::options(inside("missing")).create(false);
    assert!(is_configuration(
        block_on(missing.open()),
        "missing: entity not found"
    ));
    assert!(!inside("missing").exists());
}

/// The errors of SQLite and of the operating system are the sources of ours.
#[test]
fn an_error_keeps_its_source() {
    let folder = folder();
    let text = folder.path().join("text");
    fs::write(
        &text,
        "This is a text, and far from a database. ".repeat(100),
    )
    .unwrap();
    let refused = open(&text).err().unwrap();
    let source = refused.source().unwrap();
    assert!(source.downcast_ref::<rusqlite::Error>().is_some());
    let missing = open(folder.path().join("no/such/folder.db")).err().unwrap();
    let source = missing.source().unwrap().downcast_ref::<io::Error>();
    assert_eq!(source.unwrap().kind(), io::ErrorKind::NotFound);

    let path = folder.path().join("store.db");
    let options = SqliteStore::options(&path).busy_timeout(Duration::ZERO);
    let store = block_on(options.open()).unwrap();
    let other = bare(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let busy = block_on(store.write(&[Change::Insert(note("id"))])).unwrap_err();
    let source = busy.source().unwrap().downcast_ref::<rusqlite::Error>();
    let code = source.unwrap().sqlite_error_code();
    assert_eq!(code, Some(rusqlite::ErrorCode::DatabaseBusy));
}

#[test]
fn a_path_is_a_path_whatever_it_looks_like() {
    let folder = folder();
    for name in [
        ":memory:",
        "file:x.db?mode=memory",
        "a b%20c'\".db",
        "\u{1f512}.db",
    ] {
        let path = folder.path().join(name);
        let record = block_on(insert(&open(&path).unwrap(), "id"));
        assert!(path.exists(), "{name}");
        let again = open(&path).unwrap();
        assert_eq!(block_on(again.get(&record.key)), Ok(Some(record)));
    }
}

/// Another process holds two locks in turn: one that SQLite does not wait for, then one that it
/// does.
#[test]
fn an_opening_waits_for_others_no_longer_than_it_may() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let rival = bare(&path);
    rival
        .execute_batch("CREATE TABLE other (n); BEGIN IMMEDIATE")
        .unwrap();
    let longest = Duration::from_secs(2);
    let (done, ended) = mpsc::channel::<()>();
    let locks = thread::spawn(move || {
        thread::sleep(longest * 4 / 5);
        rival.execute_batch("COMMIT; BEGIN EXCLUSIVE").unwrap();
        let _ = ended.recv_timeout(longest * 5);
    });
    let began = Instant::now();
    let opened = block_on(SqliteStore::options(&path).busy_timeout(longest).open());
    let waited = began.elapsed();
    drop(done);
    locks.join().unwrap();
    assert!(
        matches!(
            opened,
            Err(StoreError::Unavailable {
                effect: Effect::None,
                ..
            })
        ),
        "{opened:?}"
    );
    assert!(waited < longest * 3 / 2, "{waited:?}");
}

#[test]
fn without_a_runtime_it_is_an_error_and_no_panic() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let mut context = Context::from_waker(Waker::noop());
    let opening = pin!(SqliteStore::open(&path)).as_mut().poll(&mut context);
    let Poll::Ready(opened) = opening else {
        panic!("it waits for no one")
    };
    assert!(is_configuration(opened, "tokio runtime"));
    let store = open(&path).unwrap();
    let count = pin!(store.count(&Query::all(note("id").key.collection)))
        .as_mut()
        .poll(&mut context);
    assert!(matches!(
        count,
        Poll::Ready(Err(StoreError::Configuration { .. }))
    ));
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("store.db");
    drop(open(&path).unwrap());
    let known = u32::try_from(SqliteStore::migrations().len()).unwrap();
    let sql = "INSERT INTO sealtoken_schema VALUES (99, 0)";
    bare(&path).execute(sql, []).unwrap();
    for migrate in [true, false] {
        let opened = block_on(SqliteStore::options(&path).migrate(migrate).open());
        let error = StoreError::Schema { found: 99, known };
        assert_eq!(opened.map(|_| ()), Err(error));
    }
}

#[test]
fn migrations_can_be_run_by_hand() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let options = SqliteStore::options(&path).migrate(false);
    let known = u32::try_from(SqliteStore::migrations().len()).unwrap();
    let error = StoreError::Schema { found: 0, known };
    assert_eq!(block_on(options.clone().open()).map(|_| ()), Err(error));
    let by_hand = bare(&path);
    for (at, step) in (1_u32..).zip(SqliteStore::migrations()) {
        by_hand
            .execute_batch(&format!("BEGIN; {step} COMMIT"))
            .unwrap();
        let number = "SELECT max(number) FROM sealtoken_schema";
        let number = by_hand.query_row(number, [], |row| row.get::<_, u32>(0));
        assert_eq!(number.unwrap(), at);
    }
    let store = block_on(options.open()).unwrap();
    block_on(insert(&store, "id"));
    // Nothing is left to do.
    drop(open(&path).unwrap());
    let count = "SELECT count(*), max(number) FROM sealtoken_schema";
    let found = by_hand.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)));
    assert_eq!(found, Ok((known, known)));
}

#[test]
fn a_database_with_other_tables_is_shared() {
    let folder = folder();
    let path = folder.path().join("app.db");
    let app = bare(&path);
    app.execute_batch("CREATE TABLE users (name); INSERT INTO users VALUES ('ada')")
        .unwrap();
    let store = open(&path).unwrap();
    let record = block_on(insert(&store, "id"));
    assert_eq!(block_on(store.get(&record.key)), Ok(Some(record)));
    let users: i64 = app
        .query_row("SELECT count(*) FROM users", [], |row| row.get(0))
        .unwrap();
    assert_eq!(users, 1);
}

#[test]
fn many_may_open_a_new_file_at_once() {
    for _ in 0..10 {
        let folder = folder();
        let path = folder.path().join("store.db");
        thread::scope(|scope| {
            for at in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let store = open(path).unwrap();
                    block_on(insert(&store, &at.to_string()));
                });
            }
        });
        let store = open(&path).unwrap();
        let query = Query::all(note("id").key.collection);
        assert_eq!(block_on(store.count(&query)), Ok(8));
    }
}

#[test]
fn stores_of_one_file_see_and_respect_each_other() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let stores = [open(&path).unwrap(), open(&path).unwrap()];
    let mut existing = block_on(insert(&stores[0], "id"));
    for round in 0..20 {
        let (this, other) = (&stores[round % 2], &stores[(round + 1) % 2]);
        assert_eq!(
            block_on(this.get(&existing.key)),
            Ok(Some(existing.clone()))
        );
        let change = |record| Change::Replace {
            record,
            expected: existing.version,
        };
        let (won, lost) = (note("id"), note("id"));
        assert_eq!(
            block_on(this.write(&[change(won.clone())])),
            Ok(Outcome::Written)
        );
        let conflict = Outcome::Conflict {
            index: 0,
            current: Some(won.clone()),
        };
        assert_eq!(block_on(other.write(&[change(lost)])), Ok(conflict));
        existing = won;
    }
}

#[test]
fn a_writer_waits_for_a_lock_until_its_timeout_and_readers_go_on() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let wait = Duration::from_millis(100);
    let options = SqliteStore::options(&path).busy_timeout(wait).readers(0);
    let store = block_on(options.open()).unwrap();
    let record = block_on(insert(&store, "id"));
    let other = bare(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let busy = block_on(store.write(&[Change::Insert(note("other"))]));
    assert!(began.elapsed() >= wait && began.elapsed() < wait * 20);
    assert_eq!(busy, Err(StoreError::unavailable("SQLITE_BUSY")));
    let read = block_on(async {
        let read = store.get(&record.key);
        tokio::time::timeout(Duration::from_secs(60), read).await
    });
    assert_eq!(read.expect("it has no reader"), Ok(Some(record)));
    other.execute_batch("ROLLBACK").unwrap();
    block_on(insert(&store, "other"));
}

#[test]
fn a_caller_behind_others_waits_no_longer() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let options = SqliteStore::options(&path).busy_timeout(Duration::from_millis(400));
    let store = block_on(options.open()).unwrap();
    let other = bare(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let answers = block_on(async {
        let writers = (0..50).map(|at| {
            let store = store.clone();
            tokio::spawn(async move {
                match at {
                    0 => store
                        .purge(&note("id").key.collection, UnixTime::from_secs(1), 1)
                        .await
                        .map(|_| ()),
                    _ => store
                        .write(&[Change::Insert(note(&at.to_string()))])
                        .await
                        .map(|_| ()),
                }
            })
        });
        let mut answers = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            answers.push(writer.await.unwrap());
        }
        answers
    });
    // One after the other, they would take 20 seconds.
    assert!(began.elapsed() < Duration::from_secs(10));
    let is_away = |answer: &Result<(), StoreError>| {
        matches!(
            answer,
            Err(StoreError::Unavailable {
                effect: Effect::None,
                ..
            })
        )
    };
    assert!(answers.iter().all(is_away), "{answers:?}");
    other.execute_batch("ROLLBACK").unwrap();
    let all = Query::all(note("id").key.collection);
    assert_eq!(block_on(store.count(&all)), Ok(0));
    block_on(insert(&store, "now"));
}

#[test]
fn a_store_without_a_timeout_does_not_queue() {
    let folder = folder();
    let options = SqliteStore::options(folder.path().join("store.db")).busy_timeout(Duration::ZERO);
    let store = block_on(options.open()).unwrap();
    let answers = block_on(async {
        // Long enough for all others to arrive in the meantime.
        let batch = (0..5_000).map(|at| Change::Insert(note(&format!("batch {at}"))));
        let batches = [batch.collect(), vec![Change::Insert(note("one"))]];
        let writers = batches.map(|batch| {
            let store = store.clone();
            tokio::spawn(async move { store.write(&batch).await })
        });
        let mut answers = Vec::new();
        for writer in writers {
            answers.push(writer.await.unwrap());
        }
        answers
    });
    let refused = StoreError::unavailable("all connections are in use");
    assert_eq!(answers, [Ok(Outcome::Written), Err(refused)]);
}

#[test]
fn any_time_may_be_given_for_waiting() {
    let folder = folder();
    let path = folder.path().join("store.db");
    for wait in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let options = SqliteStore::options(&path).busy_timeout(wait);
        let store = block_on(options.open()).unwrap();
        block_on(insert(&store, &format!("{wait:?}")));
    }
    let options = SqliteStore::options(&path).busy_timeout(Duration::MAX);
    let store = block_on(options.open()).unwrap();
    let other = bare(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (sender, done) = mpsc::channel();
    thread::spawn(move || sender.send(block_on(insert(&store, "waits"))).unwrap());
    let while_locked = done.recv_timeout(Duration::from_millis(200));
    assert_eq!(while_locked.err(), Some(mpsc::RecvTimeoutError::Timeout));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(done.recv_timeout(Duration::from_secs(60)).is_ok());
}

#[test]
fn a_runtime_that_ends_leaves_no_batch_half_done() {
    let (store, _folder) = block_on(fresh());
    for round in 0..20 {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let writer = store.clone();
        runtime.spawn(async move {
            let batch: Vec<_> = (0..50)
                .map(|at| Change::Insert(note(&format!("{round}/{at}"))))
                .collect();
            writer.write(&batch).await
        });
        thread::sleep(Duration::from_micros(round * 200));
        drop(runtime);
        let count = block_on(store.count(&Query::all(note("id").key.collection)));
        assert_eq!(count.unwrap() % 50, 0);
    }
    block_on(insert(&store, "still there"));
}

/// If the runtime ends before the work begins, nothing is done, and the error says so.
#[test]
fn work_that_never_began_says_that_nothing_was_done() {
    let (store, _folder) = block_on(fresh());
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    let batch = [Change::Insert(note("id"))];
    let mut write = store.write(&batch);
    let mut context = Context::from_waker(Waker::noop());
    let inside = handle.enter();
    let written = loop {
        if let Poll::Ready(written) = write.as_mut().poll(&mut context) {
            break written;
        }
        thread::yield_now();
    };
    drop(inside);
    assert_eq!(written, Err(StoreError::unavailable("shutdown")));
    let all = Query::all(note("id").key.collection);
    assert_eq!(block_on(store.count(&all)), Ok(0));
}

#[test]
fn a_purge_that_is_cut_off_after_a_part_does_not_say_that_nothing_was_done() {
    const MANY: i64 = 3_000;
    let folder = folder();
    let path = folder.path().join("store.db");
    let options = SqliteStore::options(&path).busy_timeout(Duration::from_millis(50));
    let store = block_on(options.open()).unwrap();
    let due = |at| note(&format!("{at}")).with_purge_at(UnixTime::from_secs(1));
    let batch: Vec<_> = (0..MANY).map(|at| Change::Insert(due(at))).collect();
    assert_eq!(block_on(store.write(&batch)), Ok(Outcome::Written));
    // Each of these rows is a chunk of its own, because its labels cannot be decoded.
    let other = bare(&path);
    other
        .execute("UPDATE sealtoken_record SET labels = x''", [])
        .unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    let purged = thread::scope(|scope| {
        let purge = scope.spawn(|| {
            let collection = note("id").key.collection;
            block_on(store.purge(&collection, UnixTime::from_secs(2), u32::MAX))
        });
        let left = || {
            let count = "SELECT count(*) FROM sealtoken_record";
            other.query_row(count, [], |row| row.get::<_, i64>(0))
        };
        while left().is_ok_and(|left| left == MANY) {
            thread::yield_now();
        }
        // Between two chunks.
        while !purge.is_finished() && other.execute_batch("BEGIN IMMEDIATE").is_err() {
            thread::yield_now();
        }
        purge.join().unwrap()
    });
    assert_eq!(purged, Err(StoreError::unknown("SQLITE_BUSY")));
}
