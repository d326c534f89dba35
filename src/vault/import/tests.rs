use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use super::*;
use crate::crypto::clock::{Expiry, ExpiryError, MAX_SECONDS, UnixTime};
use crate::keys::{Key, KeyRing};
use crate::store::MemoryStore;
use crate::token::Lifetime;

#[derive(Debug, Clone, PartialEq)]
struct Damaged;

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("damaged")
    }
}

impl Error for Damaged {}

/// That many readable values.
fn values(count: usize) -> Vec<ForeignValue<Damaged>> {
    let value = |n| ForeignValue::new(format!("imported-under-number-{n}"), || Ok("value"));
    (0..count).map(value).collect()
}

/// The namespace's queue is full when the import begins.
#[tokio::test]
async fn an_import_waits_for_its_turn_and_fails_no_value() {
    let keys = KeyRing::new(Key::generate());
    let options = Vault::options().max_concurrent_hashes(1).limiter(());
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    vault.create("v").await.unwrap();
    let observed = vault.observe(operation::IMPORT);
    let queue = vault.for_reading(&observed).await.unwrap().queue();
    let run = |work: Box<dyn FnOnce() + Send>| {
        let hasher = vault.shared.hasher.clone();
        tokio::spawn(async move { hasher.pool.run(queue, WhenFull::Refuse, work).await })
    };
    let (go_on, held) = mpsc::channel::<()>();
    let first = run(Box::new(move || {
        let _ = held.recv();
    }));
    let others: Vec<_> = (0..300).map(|_| run(Box::new(|| ()))).collect();
    while !others.iter().any(tokio::task::JoinHandle::is_finished) {
        tokio::task::yield_now().await;
    }
    let import = tokio::spawn({
        let vault = vault.clone();
        async move { vault.import(values(2)).password("correct horse").await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(go_on);
    let imported = import.await.unwrap().unwrap();
    assert!(imported.iter().all(Result::is_ok), "{imported:?}");
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_import_that_is_dropped_reads_no_more_values() {
    let keys = KeyRing::new(Key::generate());
    let options = Vault::options().max_concurrent_hashes(1).limiter(());
    let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
    vault.create("v").await.unwrap();
    let observed = vault.observe(operation::IMPORT);
    let queue = vault.for_reading(&observed).await.unwrap().queue();
    let (go_on, held) = mpsc::channel::<()>();
    let hasher = vault.shared.hasher.clone();
    let busy = tokio::spawn(async move {
        let wait = move || {
            let _ = held.recv();
        };
        hasher.pool.run(queue, WhenFull::Refuse, wait).await
    });
    let (read, taken) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let import = tokio::spawn({
        let (vault, read) = (vault.clone(), Arc::clone(&read));
        let value = ForeignValue::new("a-token-of-that-system", move || {
            read.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Damaged>("value")
        });
        let taken = Arc::clone(&taken);
        let values = std::iter::once_with(move || {
            taken.store(1, Ordering::SeqCst);
            value
        });
        async move { vault.import(values).await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(taken.load(Ordering::SeqCst), 1, "it has begun");
    import.abort();
    assert!(import.await.unwrap_err().is_cancelled());
    drop(go_on);
    busy.await.unwrap().unwrap();
    // It waits behind all others in the queue.
    let queue = vault.for_reading(&observed).await.unwrap().queue();
    let last = vault.shared.hasher.pool.run(queue, WhenFull::Wait, || ());
    last.await.unwrap();
    assert_eq!(read.load(Ordering::SeqCst), 0);
}

/// Reading a value may cost a slow hash.
#[tokio::test]
async fn a_value_with_an_invalid_token_or_expiry_is_not_read() {
    let keys = KeyRing::new(Key::generate());
    let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
    let read = Arc::new(AtomicU64::new(0));
    let damaged = |token: &str| {
        let read = Arc::clone(&read);
        ForeignValue::new(token, move || {
            read.fetch_add(1, Ordering::SeqCst);
            Err::<&str, _>(Damaged)
        })
    };
    let token = "a-token-of-that-system";
    let never_live = damaged(token).expires(Lifetime::seconds(0));
    let values = [damaged("short"), never_live, damaged(token)];
    let imported = vault.import(values).await.unwrap();
    let failures: Vec<_> = imported.into_iter().filter_map(Result::err).collect();
    let invalid = ImportError::Vault(VaultError::InvalidToken);
    let zero = ServiceError::InvalidExpiry(ExpiryError::Zero);
    let zero = ImportError::Vault(VaultError::Service(zero));
    assert_eq!(failures, [invalid, zero, ImportError::Read(Damaged)]);
    assert_eq!(read.load(Ordering::SeqCst), 1);
    let codes: Vec<_> = failures.iter().map(ImportError::code).collect();
    assert_eq!(codes, ["invalid_token", "invalid_expiry", "unreadable"]);
}

#[tokio::test]
async fn an_expiry_beyond_the_calendar_is_refused() {
    let keys = KeyRing::new(Key::generate());
    let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
    let end = MAX_SECONDS;
    let value = |n, at| {
        let value = ForeignValue::new(format!("imported-under-number-{n}"), || {
            Ok::<_, Damaged>("value")
        });
        value.expires(UnixTime::from_secs(at))
    };
    let values = [value(1, end), value(2, end + 1), value(3, i64::MAX)];
    let imported = vault.import(values).await.unwrap();
    let failures: Vec<_> = imported.into_iter().map(Result::err).collect();
    let refused = ServiceError::InvalidExpiry(ExpiryError::OutOfRange);
    let refused = Some(ImportError::Vault(VaultError::Service(refused)));
    assert_eq!(failures, [None, refused.clone(), refused]);
}

/// The first value creates the entry, and its keys are read once, however many values follow.
#[tokio::test]
async fn many_values_cost_two_hashes_of_their_password() {
    let keys = KeyRing::new(Key::generate());
    let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
    let imported = vault.import(values(5)).password("correct horse");
    let imported = imported.await.unwrap();
    assert_eq!(imported.iter().flatten().count(), 5);
    assert_eq!(vault.shared.hasher.hashed.load(Ordering::SeqCst), 2);
}

/// What a panic may carry.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[tokio::test]
async fn a_reader_that_panics_fails_its_value_alone() {
    let keys = KeyRing::new(Key::generate());
    let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
    let panicking = ForeignValue::new("panics-while-it-is-read", || -> Result<&str, Damaged> {
        std::panic::panic_any(Bomb)
    });
    let [before, after] = [1, 2].map(|n| {
        let token = format!("imported-under-number-{n}");
        ForeignValue::new(token, || Ok("value"))
    });
    let imported = vault.import([before, panicking, after]).await.unwrap();
    let failures: Vec<_> = imported.into_iter().map(Result::err).collect();
    let panicked = ImportError::ReaderPanicked;
    assert_eq!(panicked.code(), "reader_panicked");
    assert_eq!(failures, [None, Some(panicked), None]);
    assert!(vault.exists("imported-under-number-2").await.unwrap());
}

#[tokio::test]
async fn an_imported_expiry_is_a_moment_a_lifetime_or_never() {
    let keys = KeyRing::new(Key::generate());
    let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
    let value = |n| {
        let token = format!("imported-under-number-{n}");
        ForeignValue::new(token, || Ok::<_, Damaged>("value"))
    };
    let values = [
        value(1).expires(UnixTime::from_secs(7)),
        value(2).expires(Lifetime::hours(1)),
        value(3).expires(Expiry::Never),
        value(4).expires(Lifetime::seconds(0)),
    ];
    let imported = vault.import(values).await.unwrap();
    let expiry = async |token: &VaultToken| vault.get(token).await.unwrap().expires_at;
    let [first, second, third, fourth] = &imported[..] else {
        panic!("{imported:?}");
    };
    let past = expiry(first.as_ref().unwrap()).await;
    assert_eq!(past, Some(UnixTime::from_secs(7)));
    let later = expiry(second.as_ref().unwrap()).await.unwrap();
    assert!(later > vault.now());
    assert_eq!(expiry(third.as_ref().unwrap()).await, None);
    let zero = ServiceError::InvalidExpiry(ExpiryError::Zero);
    let zero = ImportError::Vault(VaultError::Service(zero));
    assert_eq!(fourth.as_ref().err(), Some(&zero));
}
