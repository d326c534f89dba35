//! The ring is rotated: one record is sealed again, and no token notices.

use sealtoken::PublicError;
use sealtoken::ServiceError;
use sealtoken::pat::{PatError, PatId, PersonalAccessTokens, Reason};
use sealtoken::store::{Change, Collection, MemoryStore, Query, RecordKey, Store as _};
use sealtoken::{Key, KeyRing};

use super::ADA;
use crate::faulty::{Fault, Faulty};

#[tokio::test]
async fn a_key_can_go_after_a_rewrap_and_a_standby_key_is_not_left() {
    let (old, new) = (Key::generate(), Key::generate());
    let ring = |text: String| text.parse::<KeyRing>().unwrap();
    let [old_text, new_text] = [&old, &new].map(|key| key.expose().to_string());
    let store = MemoryStore::new();
    let opened = |text: String| {
        let store = store.clone();
        async move { PersonalAccessTokens::open(store, &ring(text)).await }
    };
    let first = opened(old_text.clone()).await.unwrap();
    let token = first.issue(ADA).await.unwrap().token;

    // One server is a step ahead of the other: what it sealed again stays so.
    opened(format!("{new_text} {old_text}")).await.unwrap();
    let behind = opened(format!("{old_text} +{new_text}")).await.unwrap();
    assert!(behind.verify(token.expose()).await.is_ok());
    let lone = opened(new_text.clone()).await.unwrap();
    assert!(lone.verify(token.expose()).await.is_ok());
    let lost = opened(old_text).await;
    assert!(matches!(
        lost,
        Err(PatError::Service(ServiceError::UnknownKey(_)))
    ));

    // A keyset that is gone is no success: this process has the only copy.
    assert_eq!(lone.rewrap().await.map(|done| done.unchanged), Ok(1));
    let keysets = Query::all(Collection::new("pat_keysets").unwrap());
    for record in store.scan(&keysets).await.unwrap().records {
        let remove = Change::Remove {
            key: record.key,
            expected: None,
        };
        let _ = store.write(&[remove]).await.unwrap();
    }
    let gone = lone.rewrap().await;
    assert!(
        matches!(gone, Err(PatError::Service(ServiceError::KeysetMissing(_)))),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_found_text_tells_whose_it_is_without_a_look_up() {
    let keys = KeyRing::new(Key::generate());
    let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await;
    let pats = pats.unwrap();
    let id = PatId::generate().unwrap();
    let made = pats.generate_as(id).unwrap();
    assert_eq!(pats.id_of(made.token.expose()), Ok(id));
    let mistyped = super::with_other(made.token.expose(), 30);
    assert_eq!(pats.id_of(&mistyped), Err(Reason::InvalidFormat));
    assert_eq!(pats.id_of("ghp_0123"), Err(Reason::InvalidPrefix));
}

/// A keyset that is made in its place would never open a token again.
#[tokio::test]
async fn a_keyset_that_is_gone_is_no_new_store_and_comes_back_with_its_record() {
    let keys = KeyRing::new(Key::generate());
    let store = MemoryStore::new();
    let opened = || PersonalAccessTokens::open(store.clone(), &keys);
    let pats = opened().await.unwrap();
    let keyset = RecordKey::new(Collection::new("pat_keysets").unwrap(), "pat");
    let record = store.get(&keyset).await.unwrap().unwrap();
    let remove = async || {
        let (key, expected) = (keyset.clone(), None);
        let _ = store
            .write(&[Change::Remove { key, expected }])
            .await
            .unwrap();
    };
    // Where nothing is, nothing is lost.
    remove().await;
    let pats_anew = opened().await.unwrap();
    assert_ne!(store.get(&keyset).await.unwrap(), Some(record));
    drop((pats, pats_anew));

    let token = opened().await.unwrap().issue(ADA).await.unwrap().token;
    let record = store.get(&keyset).await.unwrap().unwrap();
    remove().await;
    let gone = opened().await.unwrap_err();
    assert_eq!(
        gone,
        PatError::Service(ServiceError::KeysetMissing(keyset.clone()))
    );
    assert_eq!(
        (gone.code(), gone.public()),
        ("keyset_missing", PublicError::Unavailable)
    );
    let message = gone.to_string();
    assert!(
        message.contains("\"pat\" of the collection pat_keysets from a backup"),
        "{message}"
    );
    assert_eq!(store.get(&keyset).await.unwrap(), None);

    let _ = store.write(&[Change::Insert(record)]).await.unwrap();
    assert!(opened().await.unwrap().verify(token.expose()).await.is_ok());
}

/// The ring opens the keyset as it is: sealing it again can wait.
#[tokio::test]
async fn a_store_that_takes_no_write_opens_under_a_retired_key() {
    let (old, new) = (Key::generate(), Key::generate());
    let store = Faulty::new(Fault::ForGood, u64::MAX);
    let first = PersonalAccessTokens::open(store.clone(), &KeyRing::new(old.clone())).await;
    let token = first.unwrap().issue(ADA).await.unwrap().token;
    let ring = KeyRing::new(new).with_retired(old).unwrap();
    // The keyset is read, and read again to see who sealed it; then it would be written.
    for call in [2, 3] {
        store.fail_from(call);
        let opened = PersonalAccessTokens::open(store.clone(), &ring).await;
        assert!(store.has_failed(), "{call}");
        assert_eq!(store.has_failed_writing(), call == 3);
        store
            .at
            .store(u64::MAX, std::sync::atomic::Ordering::SeqCst);
        assert!(opened.unwrap().verify(token.expose()).await.is_ok());
    }
}
