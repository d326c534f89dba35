//! Operations in several batches: each reported result must match the stored values.

use std::collections::BTreeSet;
use std::sync::Arc;

use sealtoken::ServiceError;
use sealtoken::store::{MemoryStore, StoreError};
use sealtoken::vault::VaultError;
use sealtoken::{Key, KeyRing};

use super::FATES;
use super::vault::{NOW, options};
use crate::faulty::{Faulty, copy, records};

const COLLECTIONS: [&str; 3] = ["vault_keysets", "vault_values", "vault_passwords"];
/// The weight of a batch that holds two values, so that five take three batches.
const BATCH: usize = 7;
const PASSWORD: &str = "correct horse";

/// Whether a value exists after this result; `None` if the effect is unknown.
fn is_there(result: &Result<impl Sized, VaultError>) -> Option<bool> {
    match result {
        Ok(_) => Some(true),
        Err(VaultError::Service(ServiceError::Store(error)))
            if *error == StoreError::unknown("test") =>
        {
            None
        }
        Err(VaultError::Service(ServiceError::Store(_))) => Some(false),
        Err(error) => panic!("{error:?}"),
    }
}

/// Creates five values of different lengths with a fault at each call. Returns how many results
/// were successes, failures and unknown.
async fn five(begin: &MemoryStore, keys: &KeyRing, password: Option<&str>) -> [u32; 3] {
    let mut found = [0; 3];
    for call in 1.. {
        let mut is_over = false;
        for fate in FATES {
            let store = Faulty::over(copy(begin, &COLLECTIONS).await, fate, u64::MAX);
            store
                .max_batch
                .store(BATCH, std::sync::atomic::Ordering::SeqCst);
            let vault = options(NOW).open(Arc::clone(&store), keys).await;
            let vault = vault.unwrap();
            store.fail_from(call);
            let mut many = vault.create_many(["1", "22", "333", "4444", "55555"]);
            if let Some(password) = password {
                many = many.password(password);
            }
            let many = many.await;
            is_over |= !store.has_failed();
            store.heal();
            store.land().await;

            let page = vault.list().await.unwrap();
            let lengths = page.entries.into_iter().map(|info| info.unwrap().length);
            let lengths: BTreeSet<u64> = lengths.collect();
            assert_eq!(
                records(&store.inner, "vault_values").await.len(),
                lengths.len()
            );
            let Ok(many) = many else {
                // It failed before the first value.
                let known = is_there(&many);
                assert_ne!(known, Some(true));
                assert!(lengths.len() <= 1 - usize::from(known.is_some()));
                continue;
            };
            assert_eq!(many.len(), 5);
            for (result, length) in many.iter().zip(1..) {
                let what = format!("{fate:?} at call {call}: {length} is {result:?}");
                let known = is_there(result);
                assert!(
                    known.is_none_or(|there| there == lengths.contains(&length)),
                    "{what}"
                );
                found[known.map_or(2, |there| usize::from(!there))] += 1;
                if let Ok(token) = result {
                    let mut read = vault.read(token);
                    if let Some(password) = password {
                        read = read.password(password);
                    }
                    let value = read.await.unwrap();
                    assert_eq!(value.expose().len() as u64, length, "{what}");
                }
            }
        }
        if is_over {
            return found;
        }
    }
    found
}

async fn begun() -> (MemoryStore, KeyRing) {
    let (begin, keys) = (MemoryStore::new(), KeyRing::new(Key::generate()));
    options(NOW).open(begin.clone(), &keys).await.unwrap();
    (begin, keys)
}

#[tokio::test]
async fn each_of_many_new_values_exists_as_its_result_reports() {
    let (begin, keys) = begun().await;
    let found = five(&begin, &keys, None).await;
    assert!(found.iter().all(|count| *count > 10), "{found:?}");
}

/// The first value creates the password's entry, and the others follow.
#[tokio::test]
async fn each_of_many_values_under_a_new_password_exists_as_its_result_reports() {
    let (begin, keys) = begun().await;
    let found = five(&begin, &keys, Some(PASSWORD)).await;
    assert!(found.iter().all(|count| *count > 5), "{found:?}");
}
