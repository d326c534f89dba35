//! A store inherited over a fork: SQLite's locks belong to the parent.

use sealtoken::store::{Change, Collection, Record, RecordKey, Store, Version};
use sealtoken_sqlite::SqliteStore;
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

/// A child cannot use its parent's store, nor open one of its own while it holds the parent's.
/// After that both continue.
pub fn stays_with_the_parent() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let key = RecordKey::new(Collection::new("note").expect("a name"), "id");
    let record = Record::new(key.clone(), Version::draw().expect("randomness"), "text");
    // Dropping the runtime ends its threads, so this process forks with only one.
    let store = runtime()
        .block_on(SqliteStore::open(&path))
        .expect("it opens");

    // SAFETY: this process has one thread, so no lock is held in the child.
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
            // SAFETY: the child must run nothing of the parent, neither destructors nor the rest of
            // the test.
            unsafe { libc::_exit(i32::from(!is_right)) }
        }
        child => {
            let mut status = 0;
            // SAFETY: this is a child of this process, and nothing else waits for it.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!(
                status, 0,
                "the child used its parent's store, or could not open its own"
            );
        }
    }
    let found = runtime().block_on(store.get(&key)).expect("it reads");
    assert!(found.is_some(), "the child's own write is missing");
    println!("fork: a store stays with its process");
}
