//! The ring is rotated: one record is sealed again, and no token notices.

use sealtoken::pat::{PatError, PatId, PersonalAccessTokens, Reason};
use sealtoken::store::{Change, Collection, MemoryStore, Query, Store as _};
use sealtoken::{Key, KeyRing};

use super::ada;

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
    let token = first.issue(ada()).await.unwrap().token;

    // One server is a step ahead of the other: what it sealed again stays so.
    opened(format!("{new_text} {old_text}")).await.unwrap();
    let behind = opened(format!("{old_text} +{new_text}")).await.unwrap();
    assert!(behind.verify(token.expose()).await.is_ok());
    let lone = opened(new_text.clone()).await.unwrap();
    assert!(lone.verify(token.expose()).await.is_ok());
    let lost = opened(old_text).await;
    assert!(matches!(lost, Err(PatError::UnknownKey(_))));

    // A keyset that is gone is no success: this process has the only copy.
    assert_eq!(lone.rewrap().await, Ok(()));
    let keysets = Query::all(Collection::new("pat_keysets").unwrap());
    for record in store.scan(&keysets).await.unwrap().records {
        let remove = Change::Remove {
            key: record.key,
            expected: None,
        };
        let _ = store.write(&[remove]).await.unwrap();
    }
    assert_eq!(lone.rewrap().await, Err(PatError::Tampered));
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
