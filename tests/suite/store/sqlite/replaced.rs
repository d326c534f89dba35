//! A file that is deleted or replaced while it is open, and what is no file at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sealtoken::UnixTime;
use sealtoken::store::{
    Change, Collection, Outcome, Query, Record, RecordKey, SqliteOptions, SqliteStore, Store as _,
    StoreError, Version,
};
use tempfile::TempDir;

use super::stranger::bare;
use super::{block_on, folder, open};

fn notes() -> Collection {
    Collection::new("note").unwrap()
}

fn insert(store: &SqliteStore, id: &str) -> Result<Outcome, StoreError> {
    let key = RecordKey::new(notes(), id);
    let record = Record::new(key, Version::draw().unwrap(), id);
    block_on(store.write(&[Change::Insert(record)]))
}

fn count(store: &SqliteStore) -> Result<u64, StoreError> {
    block_on(store.count(&Query::all(notes())))
}

/// A store with one record, its folder and its file.
fn filled() -> (SqliteStore, TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    assert_eq!(insert(&store, "first"), Ok(Outcome::Written));
    (store, folder, path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

/// What is done to the file.
type Deed = fn(&Path);

#[test]
fn nothing_is_acknowledged_once_the_file_is_gone() {
    let deeds: [(&str, Deed); 5] = [
        ("deleted", |path| fs::remove_file(path).unwrap()),
        ("replaced", |path| {
            let other = path.with_extension("other");
            drop(open(&other).unwrap());
            fs::rename(other, path).unwrap();
        }),
        ("without its log", |path| {
            fs::remove_file(beside(path, "-wal")).unwrap();
        }),
        ("without its index", |path| {
            fs::remove_file(beside(path, "-shm")).unwrap();
        }),
        ("moved with its folder", |path| {
            let folder = path.parent().unwrap();
            fs::rename(folder, folder.with_extension("moved")).unwrap();
        }),
    ];
    for (what, deed) in deeds {
        let folder = folder();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let path = inner.join("store.db");
        let store = open(&path).unwrap();
        assert_eq!(insert(&store, "first"), Ok(Outcome::Written));
        deed(&path);
        let write = insert(&store, "second");
        assert_eq!(write, Err(StoreError::Replaced), "{what}");
        let purge = block_on(store.purge(&notes(), UnixTime::from_secs(1), 1));
        assert_eq!(purge, Err(StoreError::Replaced), "{what}");
    }
}

#[test]
fn a_file_that_is_put_back_is_written_again() {
    let (store, folder, path) = filled();
    let away = folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    assert_eq!(insert(&store, "second"), Err(StoreError::Replaced));
    fs::rename(&away, &path).unwrap();
    assert_eq!(insert(&store, "second"), Ok(Outcome::Written));
    assert_eq!(count(&store), Ok(2));
}

#[test]
fn a_link_is_another_name_of_one_file_and_its_log() {
    let (first, folder, path) = filled();
    let link = folder.path().join("link.db");
    symlink("store.db", &link).unwrap();
    let second = open(&link).unwrap();
    assert_eq!(insert(&second, "second"), Ok(Outcome::Written));
    assert_eq!(count(&first), Ok(2));
    assert!(!beside(&link, "-wal").exists());
    // Where the link leads elsewhere, who opens it next does not see what this one writes.
    let other = folder.path().join("other.db");
    drop(open(&other).unwrap());
    fs::remove_file(&link).unwrap();
    symlink(&other, &link).unwrap();
    assert_eq!(insert(&second, "third"), Err(StoreError::Replaced));
    assert_eq!(insert(&first, "third"), Ok(Outcome::Written));
    drop((first, second));
    assert_eq!(count(&open(&path).unwrap()), Ok(3));
}

#[test]
fn a_link_to_nothing_yet_leads_to_the_new_file() {
    let folder = folder();
    let (path, link) = (folder.path().join("store.db"), folder.path().join("link"));
    symlink("link.db", &link).unwrap();
    symlink(&path, folder.path().join("link.db")).unwrap();
    assert_eq!(insert(&open(&link).unwrap(), "id"), Ok(Outcome::Written));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // One that leads to itself leads nowhere.
    let round = folder.path().join("round");
    symlink("round", &round).unwrap();
    let opened = open(&round).map(drop);
    assert!(
        matches!(opened, Err(StoreError::Configuration(_))),
        "{opened:?}"
    );
}

#[test]
fn a_file_with_two_names_is_refused() {
    let (store, folder, path) = filled();
    let second = folder.path().join("second.db");
    fs::hard_link(&path, &second).unwrap();
    for name in [&path, &second] {
        let Err(StoreError::Configuration(why)) = open(name) else {
            panic!("it would have two logs")
        };
        assert!(why.contains("several names"), "{why}");
    }
    fs::remove_file(second).unwrap();
    assert_eq!(
        insert(&open(&path).unwrap(), "second"),
        Ok(Outcome::Written)
    );
    assert_eq!(count(&store), Ok(2));
}

#[test]
fn what_is_no_file_is_an_error_at_once() {
    let folder = folder();
    let path = |name| folder.path().join(name);
    let made = Command::new("mkfifo").arg(path("fifo")).status();
    assert!(made.is_ok_and(|status| status.success()));
    let _listener = UnixListener::bind(path("socket")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    symlink(path("fifo"), path("link")).unwrap();
    let null = PathBuf::from("/dev/null");
    for path in [
        path("fifo"),
        path("link"),
        path("socket"),
        path("folder"),
        null,
    ] {
        for create in [true, false] {
            let (sender, opened) = mpsc::channel();
            let options = SqliteOptions::new(&path).create(create);
            // A thread of its own, which may hang.
            thread::spawn(move || sender.send(block_on(options.open()).map(drop)));
            let opened = opened.recv_timeout(Duration::from_secs(20));
            let opened = opened.expect("it does not wait for a writer");
            let Err(StoreError::Configuration(why)) = opened else {
                panic!("{}: {opened:?}", path.display())
            };
            assert!(why.contains("no regular file"), "{}: {why}", path.display());
        }
    }
}

/// Puts a backup into the place of the file, as `docs/vault.md` says.
fn restore(backup: &Path, path: &Path) {
    for beside in [beside(path, "-wal"), beside(path, "-shm")] {
        if beside.exists() {
            fs::remove_file(beside).unwrap();
        }
    }
    fs::copy(backup, path).unwrap();
}

/// A file with the records `first` and, after the backup, `second`, as a process leaves it that is killed.
fn killed() -> (TempDir, PathBuf, PathBuf) {
    let (store, folder, path) = filled();
    let backup = folder.path().join("backup.db");
    // While the store is open.
    bare(&path)
        .execute("VACUUM INTO ?1", [backup.to_str().unwrap()])
        .unwrap();
    assert_eq!(insert(&store, "second"), Ok(Outcome::Written));
    let left = folder.path().join("left.db");
    for suffix in ["", "-wal", "-shm"] {
        fs::copy(beside(&path, suffix), beside(&left, suffix)).unwrap();
    }
    drop(store);
    (folder, left, backup)
}

#[test]
fn a_backup_is_restored_by_the_steps_of_the_guide() {
    let (_folder, path, backup) = killed();
    restore(&backup, &path);
    let store = open(&path).unwrap();
    assert_eq!(count(&store), Ok(1));
    assert_eq!(insert(&store, "third"), Ok(Outcome::Written));
}

/// The control: why the log goes first.
#[test]
fn a_log_that_stays_undoes_the_restore() {
    let (_folder, path, backup) = killed();
    fs::copy(backup, &path).unwrap();
    let restored = open(&path).and_then(|store| count(&store));
    assert_ne!(restored, Ok(1));
}
