//! A file that is deleted or replaced while it is open, and paths that are no file.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use sealtoken_sqlite::SqliteStore;
use sealtoken_store::{
    Change, Collection, Outcome, Query, Record, RecordKey, Store as _, StoreError, Version,
};
use sealtoken_time::UnixTime;
use tempfile::TempDir;

use super::attacker::bare;
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

/// What happens to the file.
type Deed = fn(&Path);

#[test]
fn nothing_is_acknowledged_once_the_file_is_gone() {
    let deeds: [(&str, Deed); 6] = [
        ("deleted", |path| fs::remove_file(path).unwrap()),
        ("replaced", |path| {
            let other = path.with_extension("other");
            drop(open(&other).unwrap());
            fs::rename(other, path).unwrap();
        }),
        ("without its log", |path| {
            fs::remove_file(beside(path, "-wal")).unwrap();
        }),
        ("with another log", |path| {
            let log = beside(path, "-wal");
            fs::rename(&log, log.with_extension("away")).unwrap();
            fs::write(log, "").unwrap();
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

/// As `rsync -a` does: it replaces the log, and resets the time of the folder to that of the
/// backup.
#[test]
fn a_log_that_was_replaced_is_missed_though_the_folder_shows_its_old_time() {
    let (store, folder, path) = filled();
    // Long ago, so that the log is not examined just because the folder changed recently.
    let before = SystemTime::now() - Duration::from_secs(3600);
    let set_back = || {
        let folder = fs::File::open(folder.path()).unwrap();
        folder.set_modified(before).unwrap();
    };
    set_back();
    assert_eq!(insert(&store, "second"), Ok(Outcome::Written));
    fs::remove_file(beside(&path, "-wal")).unwrap();
    set_back();
    assert_eq!(insert(&store, "third"), Err(StoreError::Replaced));
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
    // If the link is changed, later stores do not see what this one writes.
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
    // A link to itself leads nowhere.
    let round = folder.path().join("round");
    symlink("round", &round).unwrap();
    let opened = open(&round).map(drop);
    assert!(
        matches!(opened, Err(StoreError::Configuration { .. })),
        "{opened:?}"
    );
}

#[test]
fn a_file_with_two_names_is_refused() {
    let (store, folder, path) = filled();
    let second = folder.path().join("second.db");
    fs::hard_link(&path, &second).unwrap();
    for name in [&path, &second] {
        let Err(StoreError::Configuration { reason, .. }) = open(name) else {
            panic!("it would have two logs")
        };
        assert!(reason.contains("several names"), "{reason}");
    }
    fs::remove_file(second).unwrap();
    assert_eq!(
        insert(&open(&path).unwrap(), "second"),
        Ok(Outcome::Written)
    );
    assert_eq!(count(&store), Ok(2));
}

#[test]
fn a_path_that_is_no_file_is_an_error_at_once() {
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
            let options = SqliteStore::options(&path).create(create);
            // In its own thread, which may block.
            thread::spawn(move || sender.send(block_on(options.open()).map(drop)));
            let opened = opened.recv_timeout(Duration::from_secs(20));
            let opened = opened.expect("it does not wait for a writer");
            let Err(StoreError::Configuration { reason, .. }) = opened else {
                panic!("{}: {opened:?}", path.display())
            };
            let expected = format!("{}: it is not a regular file", path.display());
            assert_eq!(reason, expected);
        }
    }
}

/// The commands of the guide after these words.
fn commands(behind: &str) -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vault.md");
    let guide = fs::read_to_string(guide).unwrap();
    let (_, rest) = guide.split_once(behind).unwrap();
    let (_, rest) = rest.split_once("```console\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// Runs commands in the folder of the file.
fn run(commands: &str, folder: &Path) {
    let mut shell = Command::new("sh");
    let done = shell.args(["-ec", commands]).current_dir(folder).status();
    assert!(done.unwrap().success());
}

/// A folder with the file `vault.db` as a killed process leaves it, with the records `first` and
/// `second`, and with `backup.db` from before the second.
fn killed() -> (TempDir, PathBuf) {
    let (store, open, path) = filled();
    let folder = folder();
    // While the store is open. The command of the guide may not be installed; its statement is the
    // same.
    let backup = commands("Any SQLite can, while other processes run:");
    let (_, backup) = backup.split_once("sqlite3 vault.db \"").unwrap();
    let (backup, _) = backup.split_once('"').unwrap();
    let into = format!("'{}'", folder.path().join("backup.db").display());
    let backup = backup.replace("'backup.db'", &into);
    bare(&path).execute_batch(&backup).unwrap();
    assert_eq!(insert(&store, "second"), Ok(Outcome::Written));
    // Another process copies the file, since this one would end its own locks.
    let left = folder.path().join("vault.db");
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) = (beside(&path, suffix), beside(&left, suffix));
        run(
            &format!("cp {} {}", from.display(), to.display()),
            open.path(),
        );
    }
    drop(store);
    (folder, left)
}

#[test]
fn a_backup_is_restored_by_the_steps_of_the_guide() {
    let (folder, path) = killed();
    run(
        &commands("To restore, stop every process that has the file open"),
        folder.path(),
    );
    let store = open(&path).unwrap();
    assert_eq!(count(&store), Ok(1));
    assert_eq!(insert(&store, "third"), Ok(Outcome::Written));
}

/// The control: why the log must be removed first.
#[test]
fn a_log_that_stays_undoes_the_restore() {
    let (folder, path) = killed();
    run("cp backup.db vault.db", folder.path());
    let restored = open(&path).and_then(|store| count(&store));
    assert_ne!(restored, Ok(1));
}
