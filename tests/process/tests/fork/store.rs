//! A store that a process inherits: SQLite's locks are the parent's.

use sealtoken::store::{Change, Collection, Record, RecordKey, Store, Version};
use sealtoken_sqlite::SqliteStore;
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

/// A child is refused its parent's store, and one of its own as long as it has the parent's. Then both go on.
pub fn stays_with_the_parent() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let key = RecordKey::new(Collection::new("note").expect("a name"), "id");
    let record = Record::new(key.clone(), Version::draw().expect("randomness"), "text");
    // With its runtime the threads end: this process has one when it forks.
    let store = runtime()
        .block_on(SqliteStore::open(&path))
        .expect("it opens");

    // SAFETY: this process has one thread, so the child has everything that it needs.
    match unsafe { libc::fork() } {
        -1 => panic!("no fork: {}", std::io::Error::last_os_error()),
        0 => {
            let is_right = runtime().block_on(async {
                let insert = [Change::Insert(record)];
                let refused = store.get(&key).await.is_err()
                    && store.write(&insert).await.is_err()
                    && SqliteStore::open(&path).await.is_err();
                drop(store);
                let own = SqliteStore::open(&path).await.expect("it opens");
                refused && own.write(&insert).await.is_ok()
            });
            // SAFETY: nothing of the parent is to be run here, neither destructors nor the test's end.
            unsafe { libc::_exit(i32::from(!is_right)) }
        }
        child => {
            let mut status = 0;
            // SAFETY: it is this process's child, and nobody else waits for it.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!(status, 0, "the child wrote by its parent's store");
        }
    }
    let found = runtime().block_on(store.get(&key)).expect("it reads");
    assert!(
        found.is_some(),
        "what the child wrote by a store of its own"
    );
    println!("fork: a store stays with its process");
}
