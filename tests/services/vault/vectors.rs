//! Records written once, in `tests/vectors/vault.json`: they still open, so the format is
//! unchanged.
//!
//! `tests/interop/sealed_records.py` opens the same file by `docs/sealed-records.md` alone.

use sealtoken::State;
use sealtoken::store::{
    Change, Collection, Label, LabelName, MemoryStore, Outcome, Query, Record, RecordKey,
    Store as _, Version,
};
use sealtoken::vault::{Argon2Cost, Vault, VaultError, VaultOptions};
use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};
use serde_json::{Value, json};

use super::{NOW, RIGHT, WRONG};

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

fn file() -> Value {
    serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("{name}"))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}"))
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(value, name)).unwrap()
}

fn seconds(at: Option<UnixTime>) -> Option<i64> {
    at.map(UnixTime::as_secs)
}

fn record(from: &Value) -> Record {
    let label = |label: &Value| {
        let name = LabelName::new(text(label, "name").to_owned()).unwrap();
        Label::new(name, bytes(label, "value"))
    };
    let collection = Collection::new(text(from, "collection").to_owned()).unwrap();
    Record {
        key: RecordKey::new(collection, bytes(from, "id")),
        version: Version::from_bytes(bytes(from, "version").try_into().unwrap()),
        body: bytes(from, "body"),
        purge_at: from["purge_at"].as_i64().map(UnixTime::from_secs),
        labels: list(from, "labels").iter().map(label).collect(),
    }
}

/// A store with the records of a state in the file.
async fn filled(state: &Value) -> MemoryStore {
    let store = MemoryStore::new();
    for from in list(state, "records") {
        let written = store.write(&[Change::Insert(record(from))]).await;
        assert_eq!(written, Ok(Outcome::Written));
    }
    store
}

fn options(clock: &ManualClock) -> VaultOptions {
    Vault::options()
        .keep_versions(2)
        .clock(clock.clone())
        .attempts(())
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
    let file = file();
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

struct Maker {
    store: MemoryStore,
    clock: ManualClock,
    keys: KeyRing,
    ring: String,
    vault: Vault,
    ada: Vault,
    values: Vec<Value>,
    refused: Vec<Value>,
    states: Vec<Value>,
}

impl Maker {
    async fn new() -> Self {
        let (store, key) = (MemoryStore::new(), Key::generate());
        let clock = ManualClock::at(UnixTime::from_secs(NOW));
        let keys = KeyRing::new(key.clone());
        let opened = options(&clock).open(store.clone(), &keys).await;
        let vault = opened.unwrap();
        Self {
            ada: vault.namespace(NAMESPACES[1]).unwrap(),
            ring: key.expose().to_string(),
            store,
            clock,
            keys,
            vault,
            values: Vec::new(),
            refused: Vec::new(),
            states: Vec::new(),
        }
    }

    fn in_namespace(&self, namespace: &str) -> Vault {
        self.vault.namespace(namespace).unwrap()
    }

    /// Notes a value that was just created.
    async fn note(&mut self, namespace: &str, token: &str, password: Option<&str>, value: &[u8]) {
        self.values.push(json!({
            "namespace": namespace,
            "token": token,
            "password": password,
            "value": hex::encode(value),
            "earlier": [],
        }));
    }

    fn refuse(&mut self, namespace: &str, token: &str, password: Option<&str>, code: &str) {
        self.refused.push(json!({
            "namespace": namespace,
            "token": token,
            "password": password,
            "code": code,
        }));
    }

    /// Updates a value, and notes the previous one as an earlier value; two are kept.
    async fn update(&mut self, at: usize, new: &str) {
        let noted = self.values[at].clone();
        let vault = self.in_namespace(text(&noted, "namespace"));
        let token = text(&noted, "token");
        let info = vault.get(token).await.unwrap();
        let update = vault.update(token, new);
        match noted["password"].as_str() {
            Some(password) => update.password(password).await.unwrap(),
            None => update.await.unwrap(),
        }
        let was = json!({
            "revision": info.version,
            "updated": info.updated_at.as_secs(),
            "value": noted["value"],
        });
        let mut earlier = vec![was];
        earlier.extend_from_slice(list(&noted, "earlier"));
        earlier.truncate(2);
        self.values[at]["earlier"] = earlier.into();
        self.values[at]["value"] = hex::encode(new).into();
    }

    /// Adds the current state, with every record and every value.
    async fn keep(&mut self, name: &str) {
        for at in 0..self.values.len() {
            let vault = self.in_namespace(text(&self.values[at], "namespace"));
            let info = vault.get(text(&self.values[at], "token")).await.unwrap();
            let value = &mut self.values[at];
            value["created"] = info.created_at.as_secs().into();
            value["updated"] = info.updated_at.as_secs().into();
            value["expires"] = json!(seconds(info.expires_at));
            value["deleted"] = json!(seconds(info.deleted_at));
            value["label"] = json!(info.label);
            value["revision"] = info.version.into();
        }
        let mut records = Vec::new();
        for collection in COLLECTIONS {
            let all = Query::all(Collection::new(collection).unwrap()).limit(1000);
            let page = self.store.scan(&all).await.unwrap();
            assert!(page.next.is_none());
            records.extend(page.records.iter().map(as_json));
        }
        self.states.push(json!({
            "name": name,
            "now": UnixTime::as_secs(sealtoken::Clock::now(&self.clock)),
            "ring": self.ring,
            "namespaces": NAMESPACES,
            "records": records,
            "values": self.values,
            "refused": self.refused,
        }));
    }

    /// Values of every kind.
    async fn first(&mut self) {
        let (home, hers) = (NAMESPACES[0], NAMESPACES[1]);
        let vault = self.vault.clone();
        let token = vault.create("in the clear").await.unwrap();
        self.note(home, token.expose(), None, b"in the clear").await;
        self.refuse(home, token.expose(), Some(RIGHT), "invalid_password");

        let create = vault.create("db-password").password(RIGHT).label("backup");
        let token = create.expires(Lifetime::days(1)).await.unwrap();
        self.note(home, token.expose(), Some(RIGHT), b"db-password")
            .await;
        self.refuse(home, token.expose(), Some(WRONG), "invalid_password");
        self.refuse(home, token.expose(), None, "invalid_password");
        self.refuse(hers, token.expose(), Some(RIGHT), "not_found");

        let create = vault.create("").password(WRONG).token(SHARED);
        create.label("backup").await.unwrap();
        self.note(home, SHARED, Some(WRONG), b"").await;

        let bytes: Vec<u8> = (0..=255).collect();
        let create = self.ada.create(bytes.clone()).token(SHARED).password(TYPED);
        create.label("größe").await.unwrap();
        self.note(hers, SHARED, Some(TYPED), &bytes).await;

        let create = vault.create("one").password(RIGHT).label("backup");
        let token = create.await.unwrap();
        self.note(home, token.expose(), Some(RIGHT), b"one").await;
        let changing = self.values.len() - 1;

        let create = vault.create("hidden").expires(Lifetime::hours(1));
        let token = create.await.unwrap();
        self.note(home, token.expose(), None, b"hidden").await;
        self.clock.advance(7);
        vault.soft_delete(&token).await.unwrap();
        let create = self.ada.create("over").expires(Lifetime::seconds(5));
        let token = create.await.unwrap();
        self.note(hers, token.expose(), None, b"over").await;
        for new in ["two", "three", "four"] {
            self.clock.advance(60);
            self.update(changing, new).await;
        }
        self.keep("made: seven values, two namespaces, three passwords, one cost")
            .await;
    }

    /// Another password, and values written later.
    async fn rekeyed(&mut self) {
        self.clock.advance(1000);
        assert_eq!(self.vault.rekey(RIGHT, NEXT).await, Ok(2));
        for value in &mut self.values {
            if value["password"] == RIGHT {
                value["password"] = NEXT.into();
            }
        }
        self.refused
            .retain(|refused| refused["code"] == "not_found");
        let moved = self.values[1].clone();
        let home = NAMESPACES[0];
        self.refuse(home, text(&moved, "token"), Some(RIGHT), "invalid_password");
        let later = self.vault.create("later").password(NEXT);
        let token = later.weak_length(15).await.unwrap();
        self.note(home, token.expose(), Some(NEXT), b"later").await;
        let changing = self.values.iter();
        let mut changing = changing.map(|value| list(value, "earlier").len());
        let changing = changing.position(|earlier| earlier > 0).unwrap();
        self.update(changing, "five").await;
        self.keep(
            "rekeyed: one password took the place of another, and the list has two data keys",
        )
        .await;
    }

    /// A higher cost: one password has moved to it, the others have not.
    async fn raised(&mut self) {
        let cost = Argon2Cost::new(20, 2, 2).unwrap();
        let raised = options(&self.clock).argon2_cost(cost);
        self.vault = raised.open(self.store.clone(), &self.keys).await.unwrap();
        self.ada = self.vault.namespace(NAMESPACES[1]).unwrap();
        let moved = self.values[1].clone();
        let read = self.vault.read(text(&moved, "token")).password(NEXT).await;
        assert!(read.is_ok());
        let new = self.vault.create("at the new cost").password(RIGHT);
        let token = new.await.unwrap();
        let value = b"at the new cost";
        self.note(NAMESPACES[0], token.expose(), Some(RIGHT), value)
            .await;
        self.keep("raised: two costs, one password moved up, one is new, two are where they were")
            .await;
    }

    /// Another key of the ring, without the old one.
    async fn rewrapped(&mut self) {
        let old: Key = self.ring.parse().unwrap();
        let new = Key::generate();
        let both = KeyRing::new(new.clone()).with_retired(old).unwrap();
        self.keys.replace(&both).unwrap();
        assert_eq!(self.vault.rewrap().await.unwrap().resealed, 3);
        self.keys.replace(&KeyRing::new(new.clone())).unwrap();
        self.ring = new.expose().to_string();
        self.keep("rewrapped: another key of the ring seals the keysets, and nothing else changed")
            .await;
    }
}

fn as_json(record: &Record) -> Value {
    let label =
        |label: &Label| json!({ "name": label.name.as_str(), "value": hex::encode(&label.value) });
    let mut labels: Vec<&Label> = record.labels.iter().collect();
    labels.sort_unstable();
    json!({
        "collection": record.key.collection.as_str(),
        "id": hex::encode(&record.key.id),
        "version": hex::encode(record.version.as_bytes()),
        "purge_at": seconds(record.purge_at),
        "labels": labels.into_iter().map(label).collect::<Vec<_>>(),
        "body": hex::encode(&record.body),
    })
}
