//! Around the operations: what the database reveals, dropped futures, and no runtime.

use sealtoken::store::{Collection, MemoryStore, Query};
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Key, KeyRing, ServiceError};

use super::{Bench, RIGHT};
use crate::engine::Engine;

#[tokio::test]
async fn a_database_shows_no_token_value_label_namespace_password_or_time() {
    let bench = Bench::with(Engine::memory(), Vault::options().keep_versions(1)).await;
    let vault = bench.vault.namespace("namespace-of-ada").unwrap();
    let token = "a-token-of-my-own-001";
    let end = super::NOW + 86_400;
    let create = vault
        .create("the-value-itself")
        .token(token)
        .password(RIGHT)
        .label("her-label");
    create
        .expires(sealtoken::UnixTime::from_secs(end))
        .await
        .unwrap();
    vault
        .update(token, "another-value")
        .password(RIGHT)
        .await
        .unwrap();
    vault.soft_delete(token).await.unwrap();

    let mut shown = Vec::new();
    for name in [
        "vault_keysets",
        "vault_passwords",
        "vault_values",
        "vault_versions",
    ] {
        let query = Query::all(Collection::new(name).unwrap());
        for record in bench.store.scan(&query).await.unwrap().records {
            shown.extend([record.key.id.clone(), record.body.clone()]);
            shown.extend(record.labels.iter().map(|label| label.value.clone()));
            assert_eq!(record.purge_at, None);
        }
    }
    assert!(shown.len() > 10);
    let mut secrets: Vec<Vec<u8>> = [
        token,
        "the-value-itself",
        "another-value",
        RIGHT,
        "her-label",
        "namespace-of-ada",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    for second in [super::NOW, end] {
        secrets.push(second.to_string().into_bytes());
        secrets.push(second.to_be_bytes()[3..].to_vec());
        secrets.push(second.to_le_bytes()[..5].to_vec());
    }
    for secret in secrets {
        for bytes in &shown {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{}", String::from_utf8_lossy(&secret));
        }
    }
}

#[tokio::test]
async fn an_operation_that_is_dropped_half_way_is_done_or_not() {
    let bench = Bench::on(Engine::memory()).await;
    for n in 0..20_u64 {
        let token = format!("token-number-{n:08}");
        let create = bench.vault.create("v").token(&token).password(RIGHT);
        let wait = std::time::Duration::from_millis(n * 5);
        let _ = tokio::time::timeout(wait, create.into_future()).await;
        match bench.vault.read(&token).password(RIGHT).await {
            Ok(value) => assert_eq!(value.expose(), b"v"),
            Err(error) => assert_eq!(error, VaultError::NotFound),
        }
    }
}

#[test]
fn outside_of_a_runtime_a_password_is_an_error_and_no_panic() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (vault, id) = runtime.block_on(async {
        let keys = KeyRing::new(Key::generate());
        let vault = Vault::open(MemoryStore::new(), &keys).await.unwrap();
        let id = vault.create("v").password(RIGHT).await.unwrap();
        (vault, id)
    });
    drop(runtime);
    let mut future = vault.read(&id).password(RIGHT).into_future();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = future.as_mut().poll(&mut context);
    assert!(matches!(
        polled,
        std::task::Poll::Ready(Err(VaultError::Service(ServiceError::Hashing)))
    ));
}
