//! A store whose reads lag behind its writes.

use sealtoken::vault::Vault;
use sealtoken::{Lifetime, UnixTime};

use super::Bench;
use super::faults::{KEPT, value};
use crate::lagging::Lagging;

const VAULT: [&str; 4] = [
    "vault_keysets",
    "vault_values",
    "vault_versions",
    "vault_passwords",
];

/// A store whose reads lag behind would show the last change but one.
#[tokio::test]
async fn what_is_asked_for_again_within_a_lag_is_done_again() {
    let store = Lagging::new();
    let bench = Bench::over(store.clone(), Vault::options().keep_versions(3)).await;
    let vault = &bench.vault;
    vault.create("one").token(KEPT).await.unwrap();

    store.lag(&VAULT).await;
    vault.soft_delete(KEPT).await.unwrap();
    vault.restore(KEPT).await.unwrap();
    store.catch_up();
    assert_eq!(value(&bench, KEPT).await.unwrap(), b"one");

    let hour = || Lifetime::hours(1);
    vault.renew(KEPT).expires(hour()).await.unwrap();
    store.lag(&VAULT).await;
    vault.renew(KEPT).expires(Lifetime::hours(2)).await.unwrap();
    vault.renew(KEPT).expires(hour()).await.unwrap();
    store.catch_up();
    let ends = vault.get(KEPT).await.unwrap().expires_at;
    assert_eq!(ends, Some(UnixTime::from_secs(super::NOW + 3600)));

    // Another process has written meanwhile.
    store.lag(&VAULT).await;
    let options = Vault::options().keep_versions(3).clock(bench.clock.clone());
    let other = options
        .open(store.inner.clone(), &bench.keys)
        .await
        .unwrap();
    for n in 0..2 {
        other.update(KEPT, format!("{n}")).await.unwrap();
    }
    assert_eq!(vault.prune_versions(KEPT, 0).await, Ok(2));
    store.catch_up();
    assert_eq!(vault.versions(KEPT).await.unwrap().len(), 1);

    // The value that was read has changed: the current one is judged, however long the lag is.
    store.lag(&VAULT).await;
    other.update(KEPT, "theirs").await.unwrap();
    vault.update(KEPT, "last").await.unwrap();
    other.renew(KEPT).expires(Lifetime::hours(9)).await.unwrap();
    bench.clock.advance(2 * 3600);
    let tally = vault.purge_expired().await.unwrap();
    assert_eq!((tally.count, tally.tampered), (0, 0));
    store.catch_up();
    assert_eq!(value(&bench, KEPT).await.unwrap(), b"last");
}
