//! Calls while DynamoDB is busy, broken or silent.

mod reads;
mod requests;
mod transactions;
mod writes;

use std::error::Error as _;
use std::io;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use sealtoken_dynamodb::DynamoStore;
use sealtoken_store::{
    Change, Collection, Effect, LabelName, Query, Record, RecordKey, Store as _, StoreError,
    Values, Version,
};
use sealtoken_test_servers::dynamodb::options;
use sealtoken_time::UnixTime;
use serde_json::{Value, json};

use super::fake::{Answer, Fake, error, ok};

const ATTEMPTS: u32 = 3;

async fn open(fake: &Fake) -> DynamoStore {
    let options = options("table", &fake.url).attempts(ATTEMPTS);
    let options = options.timeout(Duration::from_millis(500));
    options.open().await.unwrap()
}

fn notes() -> Collection {
    Collection::new("note").unwrap()
}

fn tag() -> LabelName {
    LabelName::new("tag").unwrap()
}

fn note(id: &str) -> Record {
    let key = RecordKey::new(notes(), id);
    Record::new(key, Version::draw().unwrap(), "body")
}

fn effect<T: std::fmt::Debug>(result: Result<T, StoreError>) -> (Effect, String) {
    match result {
        Err(StoreError::Unavailable { effect, reason, .. }) => (effect, reason),
        other => panic!("expected an unavailable store, got {other:?}"),
    }
}

/// Asserts the effect of each method, and which request it sends, when each request gets nothing
/// but an error.
async fn assert_all(fake: &Fake, reads: Effect, writes: Effect, attempts: usize) {
    let store = open(fake).await;
    let key = note("id").key;
    let keys = [key.clone(), note("other").key];
    let by_label = Query::label(notes(), tag(), Values::exactly("x"));
    let seen = |what: &str| {
        let seen = fake.seen();
        assert!(seen.iter().all(|(target, _)| target == what), "{seen:?}");
        assert_eq!(seen.len(), attempts, "{what}");
        fake.forget();
    };
    assert_eq!(effect(store.get(&key).await).0, reads);
    seen("GetItem");
    assert_eq!(effect(store.get_many(&keys).await).0, reads);
    seen("BatchGetItem");
    assert_eq!(effect(store.scan(&Query::all(notes())).await).0, reads);
    seen("Query");
    assert_eq!(effect(store.scan(&by_label).await).0, reads);
    seen("Query");
    assert_eq!(effect(store.count(&by_label).await).0, reads);
    seen("Query");
    let purged = store.purge(&notes(), UnixTime::from_secs(9), 10).await;
    assert_eq!(effect(purged).0, reads);
    seen("Query");
    let insert = [Change::Insert(note("id"))];
    assert_eq!(effect(store.write(&insert).await).0, writes);
    if writes == Effect::Unknown {
        // It is not sent again: if another caller removed the record in between, it would reappear.
        let (put, rest) = (fake.seen()[0].0.clone(), fake.seen().split_off(1));
        assert_eq!((&*put, rest.len()), ("PutItem", attempts));
        assert!(rest.iter().all(|(target, _)| target == "GetItem"));
        fake.forget();
    } else {
        seen("PutItem");
    }
    let labelled = [Change::Insert(note("id").with_label(tag(), "x"))];
    assert_eq!(effect(store.write(&labelled).await).0, writes);
    seen("TransactWriteItems");
    // A replacement reads the record first, so nothing that writes was sent.
    let replace = [Change::Replace {
        record: note("id"),
        expected: Version::draw().unwrap(),
    }];
    assert_eq!(effect(store.write(&replace).await).0, reads);
    seen("GetItem");
}

#[tokio::test]
async fn throttling_is_tried_again_a_bounded_number_of_times_and_has_no_effect() {
    for (status, code) in [
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
        (400, "RequestLimitExceeded"),
        (503, "ThrottlingException"),
    ] {
        let fake = Fake::new(move |_, _| error(status, code));
        assert_all(&fake, Effect::None, Effect::None, ATTEMPTS as usize).await;
    }
}

#[tokio::test]
async fn an_error_of_the_server_and_a_lost_reply_may_have_had_an_effect() {
    let fakes = [
        Fake::new(|_, _| error(500, "InternalServerError")),
        Fake::new(|_, _| Answer::Reply(502, json!("<html>"))),
        Fake::new(|_, _| Answer::Cut),
    ];
    for fake in fakes {
        assert_all(&fake, Effect::None, Effect::Unknown, ATTEMPTS as usize).await;
    }
}

#[tokio::test]
async fn a_refused_request_is_sent_once() {
    for code in [
        "AccessDeniedException",
        "ValidationException",
        "ResourceNotFoundException",
    ] {
        let fake = Fake::new(move |_, _| error(400, code));
        assert_all(&fake, Effect::None, Effect::None, 1).await;
        let (_, reason) = effect(open(&fake).await.get(&note("id").key).await);
        assert_eq!(reason, code);
    }
}

#[tokio::test]
async fn no_call_waits_longer_than_its_attempts() {
    let fake = Fake::new(|_, _| Answer::Wait);
    let store = open(&fake).await;
    let began = Instant::now();
    let read = effect(store.get(&note("id").key).await);
    assert_eq!(read, (Effect::None, "no answer in time".to_owned()));
    let write = store.write(&[Change::Insert(note("id"))]).await;
    assert_eq!(effect(write).0, Effect::Unknown);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_address_at_which_nobody_listens_has_no_effect() {
    let fake = Fake::new(|_, _| ok());
    let store = open(&fake).await;
    drop(fake);
    let write = effect(store.write(&[Change::Insert(note("id"))]).await);
    assert_eq!(write, (Effect::None, "connection refused".to_owned()));
    let nowhere = options("table", "http://no-such-host.invalid").attempts(1);
    assert_eq!(effect(nowhere.open().await).0, Effect::None);
}

#[tokio::test]
async fn an_error_keeps_its_source() {
    let refusing = Fake::new(|_, _| error(400, "AccessDeniedException"));
    let store = open(&refusing).await;
    let read = store.get(&note("id").key).await.unwrap_err();
    let source = read.source().unwrap().downcast_ref::<GetItemError>();
    assert_eq!(source.unwrap().code(), Some("AccessDeniedException"));
    let write = store
        .write(&[Change::Insert(note("id"))])
        .await
        .unwrap_err();
    let source = write.source().unwrap().downcast_ref::<PutItemError>();
    assert_eq!(source.unwrap().code(), Some("AccessDeniedException"));

    // The source of the SDK's error is that of the operating system.
    drop(refusing);
    let away = store.get(&note("id").key).await.unwrap_err();
    let mut next = away.source();
    let mut refused = false;
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        refused |= io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused);
        next = error.source();
    }
    assert!(refused, "{away:?}");
}

/// The keys of a `BatchGetItem`.
fn keys(body: &Value) -> Vec<Value> {
    body["RequestItems"]["table"]["Keys"]
        .as_array()
        .unwrap()
        .clone()
}

fn processed(items: &[Value], left: &[Value]) -> Answer {
    let mut body = json!({"Responses": {"table": items}, "UnprocessedKeys": {}});
    if !left.is_empty() {
        body["UnprocessedKeys"]["table"]["Keys"] = left.into();
    }
    Answer::Reply(200, body)
}

fn item_of(key: &Value) -> Value {
    let mut item = key.clone();
    item["version"] = json!({"B": "AAAAAAAAAAAAAAAAAAAAAA=="});
    item["body"] = json!({"B": ""});
    item["labels"] = json!({"B": "AA=="});
    item
}

/// The answer to a conditional write that finds this item.
fn failed_condition(item: &Value) -> Answer {
    let mut body =
        json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"});
    body["Item"] = item.clone();
    Answer::Reply(400, body)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn bytes(base64: &str) -> Vec<u8> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(base64).unwrap()
}

fn written(fake: &Fake, kind: &str) -> usize {
    let seen = fake.seen();
    seen.iter().filter(|(target, _)| target == kind).count()
}

/// The item of a note.
fn item_at(note: &Record) -> Value {
    let mut item =
        item_of(&json!({"pk": {"B": base64(b"rnote\0\x05")}, "sk": {"B": base64(b"id")}}));
    item["version"] = json!({"B": base64(note.version.as_bytes())});
    item
}
