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

use super::attacker::bare;
use super::{block_on, folder, fresh, open};

pub(super) fn note(id: &str) -> Record {
    let key = RecordKey::new(Collection::new("note").unwrap(), id);
    Record::new(key, Version::draw().unwrap(), id)
}

fn is_configuration(result: Result<SqliteStore, StoreError>, what: &str) -> bool {
    matches!(result, Err(StoreError::Configuration { reason, .. }) if reason.contains(what))
}

pub(super) async fn insert(store: &SqliteStore, id: &str) -> Record {
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
