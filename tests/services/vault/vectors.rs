//! Records written once, in `tests/vectors/vault.json`: they still open, so the format is
//! unchanged.
//!
//! `tests/interop/sealed_records.py` opens the same file by `docs/sealed-records.md` alone.

mod maker;

use sealtoken::vault::{Vault, VaultError, VaultOptions};
use sealtoken::{KeyRing, Lifetime, ManualClock, State, UnixTime};
use serde_json::{Value, json};

use self::maker::Maker;
use crate::records::{bytes, file, filled, list, seconds, text};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/vault.json");

const COLLECTIONS: [&str; 4] = [
    "vault_keysets",
    "vault_values",
    "vault_versions",
    "vault_passwords",
];

/// After [`RIGHT`], by a rekey.
const NEXT: &str = "a better horse";

/// A password that has two spellings, in the one that is not NFC.
const TYPED: &str = "pa\u{308}sswo\u{308}rter";

const NAMESPACES: [&str; 2] = ["default", "ada@example.com"];

/// A token in both namespaces.
const SHARED: &str = "service-config-0001";

fn options(clock: &ManualClock) -> VaultOptions {
    Vault::options()
        .keep_versions(2)
        .clock(clock.clone())
        .limiter(())
}

async fn read(vault: &Vault, token: &str, password: Option<&str>) -> Result<Vec<u8>, VaultError> {
    let read = vault.read(token);
    let value = match password {
        Some(password) => read.password(password).await,
        None => read.await,
    };
    value.map(|value| value.expose().to_vec())
}

async fn read_version(
    vault: &Vault,
    token: &str,
    number: u64,
    password: Option<&str>,
) -> Result<Vec<u8>, VaultError> {
    let read = vault.read(token).version(number);
    let value = match password {
        Some(password) => read.password(password).await,
        None => read.await,
    };
    value.map(|value| value.expose().to_vec())
}

async fn check_value(vault: &Vault, value: &Value) {
    let (token, password) = (text(value, "token"), value["password"].as_str());
    let info = vault.get(token).await.unwrap();
    assert_eq!(info.created_at.as_secs(), value["created"], "{token}");
    assert_eq!(info.updated_at.as_secs(), value["updated"], "{token}");
    assert_eq!(json!(seconds(info.expires_at)), value["expires"], "{token}");
    assert_eq!(json!(seconds(info.deleted_at)), value["deleted"], "{token}");
    assert_eq!(json!(info.label), value["label"], "{token}");
    assert_eq!(info.version, value["revision"], "{token}");
    assert_eq!(info.has_password, password.is_some(), "{token}");

    let refused = match info.state {
        State::Live => None,
        State::Expired => Some(VaultError::Expired),
        State::Deleted => Some(VaultError::Deleted),
        other => panic!("no value is {other}"),
    };
    if let Some(refused) = refused {
        assert_eq!(read(vault, token, password).await, Err(refused));
        vault.restore(token).await.unwrap();
        let renew = vault.renew(token).expires(Lifetime::Forever);
        renew.even_expired().await.unwrap();
    }
    let expected = bytes(value, "value");
    assert_eq!(read(vault, token, password).await.unwrap(), expected);
    let versions = vault.versions(token).await.unwrap();
    let earlier = list(value, "earlier");
    assert_eq!(versions.len(), earlier.len() + 1, "{token}");
    for (found, earlier) in versions.iter().skip(1).zip(earlier) {
        assert_eq!(found.number, earlier["revision"], "{token}");
        let written_at = found.written_at.unwrap().as_secs();
        assert_eq!(written_at, earlier["updated"], "{token}");
        let opened = read_version(vault, token, found.number, password).await;
        assert_eq!(opened.unwrap(), bytes(earlier, "value"), "{token}");
    }
}

#[tokio::test]
async fn records_that_were_written_once_open_as_they_did() {
    let file = file(PATH);
    let states = list(&file, "states");
    assert_eq!(states.len(), 4);
    for state in states {
        let clock = ManualClock::at(UnixTime::from_secs(state["now"].as_i64().unwrap()));
        let keys: KeyRing = text(state, "ring").parse().unwrap();
        let store = filled(state).await;
        let root = options(&clock).open(store, &keys).await.unwrap();
        for refused in list(state, "refused") {
            let vault = root.namespace(text(refused, "namespace")).unwrap();
            let password = refused["password"].as_str();
            let answer = read(&vault, text(refused, "token"), password).await;
            assert_eq!(answer.unwrap_err().code(), refused["code"]);
        }
        let labelled = root
            .list()
            .label("backup")
            .with(State::Expired)
            .with(State::Deleted);
        let expected = list(state, "values").iter().filter(|value| {
            value["label"] == "backup" && value["namespace"] == Vault::DEFAULT_NAMESPACE
        });
        assert_eq!(labelled.count().await.unwrap(), expected.count() as u64);
        for value in list(state, "values") {
            let vault = root.namespace(text(value, "namespace")).unwrap();
            check_value(&vault, value).await;
        }
    }
}

/// Writes the file. An existing one is never overwritten: delete it first, and say why.
///
/// ```console
/// cargo test -p sealtoken-service-tests -- --ignored the_vectors_of_the_vault_are_made
/// ```
#[tokio::test]
#[ignore = "it writes tests/vectors/vault.json"]
async fn the_vectors_of_the_vault_are_made() {
    if std::fs::exists(PATH).unwrap() {
        return;
    }
    let mut maker = Maker::new().await;
    maker.first().await;
    maker.rekeyed().await;
    maker.raised().await;
    maker.rewrapped().await;
    let about = "The records of a vault in four states of its life: see docs/sealed-records.md. \
                 Every record is listed, and so is every value, with what opens it. Bytes are \
                 in hexadecimal, times in Unix seconds. `refused` is what does not open, with \
                 the code. Made once by tests/services/vault/vectors.rs, and never changed.";
    let file = json!({ "about": about, "states": maker.states });
    let text = serde_json::to_string_pretty(&file).unwrap();
    std::fs::write(PATH, text + "\n").unwrap();
}
