//! Records as `tests/vectors/vault.json` and `pat.json` write them.

use sealtoken::UnixTime;
use sealtoken::store::{
    Change, Collection, Label, LabelName, MemoryStore, Outcome, Query, Record, RecordKey, Store,
    Version,
};
use serde_json::{Value, json};

pub(crate) fn file(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("{name}"))
}

pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}"))
}

pub(crate) fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(value, name)).unwrap()
}

pub(crate) fn seconds(at: Option<UnixTime>) -> Option<i64> {
    at.map(UnixTime::as_secs)
}

fn from_json(from: &Value) -> Record {
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

fn to_json(record: &Record) -> Value {
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

/// A store with the records of a state in a file.
pub(crate) async fn filled(state: &Value) -> MemoryStore {
    let store = MemoryStore::new();
    for record in list(state, "records") {
        let written = store.write(&[Change::Insert(from_json(record))]).await;
        assert_eq!(written, Ok(Outcome::Written));
    }
    store
}

/// All records in these collections, as a file has them.
pub(crate) async fn all(store: &dyn Store, collections: &[&str]) -> Vec<Value> {
    let mut records = Vec::new();
    for collection in collections {
        let collection = Collection::new((*collection).to_owned()).unwrap();
        let page = store.scan(&Query::all(collection).limit(1000)).await;
        let page = page.unwrap();
        assert!(page.next.is_none());
        records.extend(page.records.iter().map(to_json));
    }
    records
}
