//! SQLite's locks on a file stay: nothing else in the process opens and closes the file, which
//! would end them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::thread;

use sealtoken_sqlite::SqliteStore;

use super::{block_on, folder, open};

/// The locks of this process on a file, as the system reports them: each with its kind and its
/// bytes.
fn held(path: &Path) -> BTreeSet<String> {
    let inode = format!(":{}", fs::metadata(path).unwrap().ino());
    let process = std::process::id().to_string();
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let fields = locks
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields
        .filter(|lock| lock[1] != "->" && lock[4] == process && lock[5].ends_with(&inode))
        .map(|lock| [&lock[1..4], &lock[6..]].concat().join(" "))
        .collect()
}

/// Asserts the locks that are held. The system lists locks piece by piece while other tests take
/// theirs, so one list may miss a lock. A lock that is gone is in no list.
fn assert_held(path: &Path, expected: &BTreeSet<String>, when: &str) {
    let seen = || held(path) == *expected;
    assert!((0..100).any(|_| seen()), "{when}: {:?}", held(path));
}

#[test]
fn a_second_store_of_a_file_leaves_the_locks_of_the_first() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let link = folder.path().join("link.db");
    symlink(&path, &link).unwrap();
    let first = open(&path).unwrap();
    let shared = folder.path().join("store.db-shm");
    let whole = |path: &Path| (0..100).flat_map(|_| held(path)).collect::<BTreeSet<_>>();
    let (database, index) = (whole(&path), whole(&shared));
    assert!(!database.is_empty() && !index.is_empty());
    let still = |when| {
        assert_held(&path, &database, when);
        assert_held(&shared, &index, when);
    };
    for path in [&path, &link] {
        let second = open(path).unwrap();
        still("while a second store is open");
        drop(second);
        still("after a second store was closed");
        let options = SqliteStore::options(path).create(false).migrate(false);
        drop(block_on(options.open()).unwrap());
        still("after one that creates nothing");
    }
    drop(first);
    assert_held(&path, &BTreeSet::new(), "after the first was closed");
}

#[test]
fn stores_that_create_a_file_at_once_keep_their_locks() {
    for _ in 0..5 {
        let folder = folder();
        let path = folder.path().join("store.db");
        let stores: Vec<SqliteStore> = thread::scope(|scope| {
            let openings: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| open(&path).unwrap()))
                .collect();
            let stores = openings.into_iter().map(|opening| opening.join().unwrap());
            stores.collect()
        });
        assert!(!held(&path).is_empty());
        assert!(!held(&folder.path().join("store.db-shm")).is_empty());
        drop(stores);
    }
}
