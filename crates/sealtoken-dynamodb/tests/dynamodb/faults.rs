//! Calls while DynamoDB is busy, broken or silent.

use std::error::Error as _;
use std::io;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use sealtoken_dynamodb::DynamoStore;
use sealtoken_store::{
    Change, Collection, Effect, LabelName, Outcome, Query, Record, RecordKey, Store as _,
    StoreError, Values, Version,
};
use sealtoken_time::UnixTime;
use serde_json::{Value, json};

use super::fake::{Answer, Fake, Request, error, ok};
use sealtoken_test_servers::dynamodb::options;

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
        Fake::new(|_, _| Answer::Say(502, json!("<html>"))),
        Fake::new(|_, _| Answer::Hang),
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

    // Behind the error of the SDK is that of the operating system.
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
    Answer::Say(200, body)
}

fn item_of(key: &Value) -> Value {
    let mut item = key.clone();
    item["version"] = json!({"B": "AAAAAAAAAAAAAAAAAAAAAA=="});
    item["body"] = json!({"B": ""});
    item["labels"] = json!({"B": "AA=="});
    item
}

#[tokio::test]
async fn unprocessed_keys_are_asked_for_again_while_that_helps() {
    let wanted: Vec<RecordKey> = (0..10).map(|at| note(&at.to_string()).key).collect();
    let never = Fake::new(|_, (_, body)| processed(&[], &keys(body)));
    let read = open(&never).await.get_many(&wanted).await;
    assert_eq!(effect(read), (Effect::None, "UnprocessedKeys".to_owned()));
    assert_eq!(never.seen().len(), ATTEMPTS as usize);

    // One at a time needs more requests than the limit for attempts without progress.
    let slowly = Fake::new(|_, (_, body)| {
        let keys = keys(body);
        processed(&[item_of(&keys[0])], &keys[1..])
    });
    let read = open(&slowly).await.get_many(&wanted).await.unwrap();
    assert!(read.iter().all(Option::is_some));
    assert_eq!(slowly.seen().len(), wanted.len());
}

/// The sort key of a label with the value "x": the value, padded to eight bytes and counted, and
/// the record's id.
fn sort_of(id: usize) -> Value {
    json!({"B": base64(format!("x\0\0\0\0\0\0\0\u{1}{id:08}").as_bytes())})
}

/// A key of 1,024 bytes with the same beginning, which does not end in the hash of an id.
fn odd_sort_of(id: usize) -> Value {
    let sort = format!("x\0\0\0\0\0\0\0\u{1}{id:08}{:1007}", "");
    json!({"B": base64(sort.as_bytes())})
}

/// The id in such a key.
fn id_in(sort: &Value) -> Option<usize> {
    let sort = String::from_utf8(bytes(sort["B"].as_str()?)).unwrap();
    sort.get(9..17)?.parse().ok()
}

/// Endless labels with the value "x", each under its sort key. Every `nth` has a record.
fn labels_without_end(nth: usize, sort_of: fn(usize, usize) -> Value) -> Fake {
    Fake::new(move |_, (target, body)| {
        let item_at = |key: Value| {
            let id = bytes(key["sk"]["B"].as_str().unwrap());
            let id: usize = String::from_utf8(id).unwrap().parse().unwrap();
            let mut item = item_of(&key);
            // One label, from the sixth byte on.
            item["labels"] = json!({"B": base64(b"\x01\x00\x06\x03\x00\x01tagx")});
            (id % nth == nth - 1).then_some(item)
        };
        match &**target {
            "GetItem" => {
                let item = item_at(body["Key"].clone());
                return item.map_or_else(ok, |item| Answer::Say(200, json!({"Item": item})));
            }
            "BatchGetItem" => {
                let existing = keys(body).into_iter().filter_map(item_at);
                return processed(&existing.collect::<Vec<_>>(), &[]);
            }
            _ => {}
        }
        let begin = match id_in(&body["ExclusiveStartKey"]["sk"]) {
            Some(last) => last + 1,
            None => id_in(&body["ExpressionAttributeValues"][":s"]).unwrap_or(0),
        };
        let end = begin + usize::try_from(body["Limit"].as_u64().unwrap()).unwrap();
        let place = |id| json!({"pk": {"B": base64(b"l")}, "sk": sort_of(id, nth)});
        let items: Vec<Value> = (begin..end).map(place).collect();
        Answer::Say(
            200,
            json!({"Items": items, "LastEvaluatedKey": place(end - 1)}),
        )
    })
}

/// Only every `nth` key is one that a store writes.
#[tokio::test]
async fn a_page_passes_by_so_many_keys_that_no_store_makes_and_its_cursor_goes_on() {
    let by_label = Query::label(notes(), tag(), Values::exactly("x"));
    let fake = labels_without_end(10_000, |id, nth| {
        if id % nth == nth - 1 {
            sort_of(id)
        } else {
            odd_sort_of(id)
        }
    });
    // The answers are large, and other tests run at the same time.
    let options = options("table", &fake.url).timeout(Duration::from_secs(30));
    let store = options.open().await.unwrap();
    let mut query = by_label.limit(10);
    for _ in 0..20 {
        let page = store.scan(&query).await.unwrap();
        assert!(fake.seen().len() <= 20, "{}", fake.seen().len());
        fake.forget();
        query.after = page.next;
        if let [record] = &page.records[..] {
            assert_eq!(record.key.id, b"00009999");
            return;
        }
        assert!(page.records.is_empty() && query.after.is_some());
    }
    panic!("the record is not found");
}

#[tokio::test]
async fn a_page_passes_by_so_many_labels_that_lead_nowhere_and_its_cursor_goes_on() {
    let by_label = Query::label(notes(), tag(), Values::exactly("x"));
    for (limit, nth) in [(1, 5000), (100, 5000), (1000, 5000), (1000, 40)] {
        let fake = labels_without_end(nth, |id, _| sort_of(id));
        let store = open(&fake).await;
        let (mut ids, mut next) = (Vec::new(), None);
        while ids.len() < 3 {
            let query = by_label.clone().limit(limit).after(next);
            let page = store.scan(&query).await.unwrap();
            assert!(fake.seen().len() <= 60, "{limit}: {}", fake.seen().len());
            fake.forget();
            ids.extend(page.records.into_iter().map(|record| record.key.id));
            next = page.next;
            assert!(next.is_some());
        }
        // None is missing and none comes twice.
        for (id, at) in ids.iter().zip(1..) {
            let expected = format!("{:08}", at * nth - 1);
            assert_eq!(*id, expected.as_bytes(), "{limit}");
        }
    }
}

/// A conditional write that finds this item.
fn misfit(item: &Value) -> Answer {
    let mut body =
        json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"});
    body["Item"] = item.clone();
    Answer::Say(400, body)
}

#[tokio::test]
async fn a_single_write_whose_reply_was_lost_is_found() {
    // The first attempt succeeds, but its reply is lost. The second finds its result.
    let fake = Fake::new(|at, (target, body)| match (at, &**target) {
        (0, _) => Answer::Hang,
        (_, "PutItem") => misfit(&body["Item"]),
        _ => Answer::Say(200, json!({"Item": PUT.lock().unwrap().clone()})),
    });
    static PUT: std::sync::Mutex<Value> = std::sync::Mutex::new(Value::Null);
    let record = note("id");
    let version = json!({"B": base64(record.version.as_bytes())});
    let mut item =
        item_of(&json!({"pk": {"B": base64(b"rnote\0\x05")}, "sk": {"B": base64(b"id")}}));
    item["version"] = version;
    *PUT.lock().unwrap() = item;
    let store = open(&fake).await;
    assert_eq!(
        store.write(&[Change::Insert(record)]).await,
        Ok(Outcome::Written)
    );
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

#[tokio::test]
async fn a_lone_write_whose_place_another_took_is_unknown() {
    let other = item_of(&json!({"pk": {"B": base64(b"rnote\0\x05")}, "sk": {"B": base64(b"id")}}));
    let theirs = other.clone();
    let fake = Fake::new(move |at, (target, _)| match (at, &**target) {
        (0, _) => Answer::Hang,
        (_, "PutItem") => misfit(&other),
        _ => Answer::Say(200, json!({"Item": other})),
    });
    let store = open(&fake).await;
    let write = store.write(&[Change::Insert(note("id"))]).await;
    assert_eq!(effect(write).0, Effect::Unknown);

    // Without a lost reply it is a conflict, with the existing record.
    let fake = Fake::new(move |_, _| misfit(&theirs));
    let write = open(&fake).await.write(&[Change::Insert(note("id"))]).await;
    let Ok(Outcome::Conflict {
        index: 0,
        current: Some(current),
    }) = write
    else {
        panic!("{write:?}");
    };
    assert_eq!(current.version, Version::from_bytes([0; 16]));
    assert_eq!(fake.seen().len(), 1, "it is not read again");
}

fn written(fake: &Fake, kind: &str) -> usize {
    let seen = fake.seen();
    seen.iter().filter(|(target, _)| target == kind).count()
}

/// It was removed in between, or never written. If it were sent again, it could reappear.
#[tokio::test]
async fn an_insertion_whose_reply_was_lost_is_not_sent_again() {
    let fake = Fake::new(|at, _| if at == 0 { Answer::Hang } else { ok() });
    let write = open(&fake).await.write(&[Change::Insert(note("id"))]).await;
    assert_eq!(effect(write).0, Effect::Unknown);
    assert_eq!(written(&fake, "PutItem"), 1);
}

#[tokio::test]
async fn a_removal_whose_reply_was_lost_and_that_finds_nothing_is_done() {
    let existing = note("id");
    let mut item =
        item_of(&json!({"pk": {"B": base64(b"rnote\0\x05")}, "sk": {"B": base64(b"id")}}));
    item["version"] = json!({"B": base64(existing.version.as_bytes())});
    for expected in [None, Some(existing.version)] {
        let item = item.clone();
        let fake = Fake::new(move |at, (target, _)| match (at, &**target) {
            (_, "GetItem") => Answer::Say(200, json!({"Item": item})),
            (1, _) => Answer::Hang,
            _ => error(400, "ConditionalCheckFailedException"),
        });
        let remove = Change::Remove {
            key: existing.key.clone(),
            expected,
        };
        let write = open(&fake).await.write(&[remove]).await;
        assert_eq!(write, Ok(Outcome::Written));
        assert_eq!(written(&fake, "DeleteItem"), 2);
    }
}

/// A broken record has no version. If its removal were sent again, it could remove a record that
/// another process has written since.
#[tokio::test]
async fn a_removal_of_a_broken_record_whose_reply_was_lost_is_not_sent_again() {
    let mut broken =
        item_of(&json!({"pk": {"B": base64(b"rnote\0\x05")}, "sk": {"B": base64(b"id")}}));
    broken.as_object_mut().unwrap().remove("version");
    let fake = Fake::new(move |at, (target, _)| match (at, &**target) {
        (_, "GetItem") => Answer::Say(200, json!({"Item": broken})),
        (1, _) => Answer::Hang,
        _ => ok(),
    });
    let remove = Change::Remove {
        key: note("id").key,
        expected: None,
    };
    let write = open(&fake).await.write(&[remove]).await;
    assert_eq!(effect(write).0, Effect::Unknown);
    assert_eq!(written(&fake, "DeleteItem"), 1);
}

/// If the read after a lost reply fails too, the effect is unknown.
#[tokio::test]
async fn a_lost_reply_and_then_no_answer_is_unknown() {
    let fake = Fake::new(|at, _| match at {
        0 => Answer::Hang,
        _ => error(400, "AccessDeniedException"),
    });
    let write = open(&fake).await.write(&[Change::Insert(note("id"))]).await;
    let said = (Effect::Unknown, "AccessDeniedException".to_owned());
    assert_eq!(effect(write), said);
}

fn tokens(seen: &[Request]) -> Vec<String> {
    let writes = seen
        .iter()
        .filter(|(target, _)| target == "TransactWriteItems");
    let tokens = writes.map(|(_, body)| body["ClientRequestToken"].as_str().unwrap().to_owned());
    tokens.collect()
}

#[tokio::test]
async fn a_transaction_is_sent_again_under_its_token() {
    let fake = Fake::new(|at, _| match at {
        0 => Answer::Hang,
        1 => error(400, "TransactionInProgressException"),
        _ => ok(),
    });
    let store = open(&fake).await;
    let insert = [Change::Insert(note("id").with_label(tag(), "x"))];
    assert_eq!(store.write(&insert).await, Ok(Outcome::Written));
    let first = tokens(&fake.seen());
    assert!(first.len() == 3 && first.iter().all(|token| *token == first[0]));
    assert_eq!(store.write(&insert).await, Ok(Outcome::Written));
    assert_ne!(
        tokens(&fake.seen())[3],
        first[0],
        "another write is another one"
    );
}

#[tokio::test]
async fn throttling_after_a_lost_reply_leaves_the_write_unknown() {
    let fake = Fake::new(|at, _| match at {
        0 => Answer::Hang,
        _ => error(400, "ThrottlingException"),
    });
    let write = open(&fake).await.write(&[Change::Insert(note("id"))]).await;
    assert_eq!(
        effect(write),
        (Effect::Unknown, "ThrottlingException".to_owned())
    );
}

fn cancelled(codes: &[&str]) -> Answer {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({"Code": code})).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    Answer::Say(400, json!({"__type": kind, "CancellationReasons": reasons}))
}

#[tokio::test]
async fn a_cancelled_transaction_is_judged_by_its_reasons() {
    let insert = [Change::Insert(note("id").with_label(tag(), "x"))];
    // Others changed the same items: it is retried until they are done.
    let contended = Fake::new(|at, _| match at {
        0..6 => cancelled(&["None", "TransactionConflict"]),
        _ => ok(),
    });
    let store = open(&contended).await;
    assert_eq!(store.write(&insert).await, Ok(Outcome::Written));
    assert_eq!(tokens(&contended.seen()).len(), 7);

    let throttled = Fake::new(|_, _| cancelled(&["ThrottlingError", "None"]));
    let write = open(&throttled).await.write(&insert).await;
    assert_eq!(effect(write), (Effect::None, "ThrottlingError".to_owned()));
    assert_eq!(tokens(&throttled.seen()).len(), ATTEMPTS as usize);

    let refused = Fake::new(|_, _| cancelled(&["ThrottlingError", "ValidationError"]));
    let write = open(&refused).await.write(&insert).await;
    assert_eq!(effect(write), (Effect::None, "ValidationError".to_owned()));
    assert_eq!(refused.seen().len(), 1);
}

/// A transaction whose first step finds this item, or none.
fn misfit_in_transaction(item: Option<&Value>) -> Answer {
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let mut reasons = json!([{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]);
    if let Some(item) = item {
        reasons[0]["Item"] = item.clone();
    }
    Answer::Say(400, json!({"__type": kind, "CancellationReasons": reasons}))
}

/// The item of a note.
fn item_at(note: &Record) -> Value {
    let mut item =
        item_of(&json!({"pk": {"B": base64(b"rnote\0\x05")}, "sk": {"B": base64(b"id")}}));
    item["version"] = json!({"B": base64(note.version.as_bytes())});
    item
}

/// Answers reads with this item, and does not answer the first transaction.
fn loses_one_reply(
    item: Option<Value>,
    later: impl Fn() -> Answer + Send + Sync + 'static,
) -> Fake {
    let lost = std::sync::atomic::AtomicBool::new(false);
    Fake::new(move |_, (target, body)| match (&**target, &item) {
        ("TransactWriteItems", _) if !lost.swap(true, std::sync::atomic::Ordering::SeqCst) => {
            Answer::Hang
        }
        ("TransactWriteItems", _) => later(),
        ("BatchGetItem", Some(item)) => {
            let existing = keys(body).into_iter().filter(|key| key["sk"] == item["sk"]);
            processed(&existing.map(|_| item.clone()).collect::<Vec<_>>(), &[])
        }
        ("BatchGetItem", None) => processed(&[], &[]),
        (_, Some(item)) => Answer::Say(200, json!({"Item": item})),
        (_, None) => ok(),
    })
}

/// The token proves that no attempt succeeded before the last one, but not that none succeeds
/// later.
#[tokio::test]
async fn a_transaction_whose_place_another_took_after_a_lost_reply_is_unknown() {
    let (ours, theirs) = (note("id").with_label(tag(), "x"), note("id"));
    let insert = [Change::Insert(ours.clone())];
    let two = [Change::Insert(note("id")), Change::Insert(note("other"))];
    let replace = [Change::Replace {
        record: note("id").with_label(tag(), "y"),
        expected: theirs.version,
    }];
    for batch in [&insert[..], &two, &replace] {
        let item = item_at(&theirs);
        let found = item.clone();
        let fake = loses_one_reply(Some(item), move || misfit_in_transaction(Some(&found)));
        let write = open(&fake).await.write(batch).await;
        assert_eq!(effect(write).0, Effect::Unknown, "{batch:?}");
        assert_eq!(written(&fake, "TransactWriteItems"), 2);
    }
    // At a later step, whose item is not returned.
    let fake = loses_one_reply(None, || cancelled(&["None", "ConditionalCheckFailed"]));
    let write = open(&fake).await.write(&two).await;
    assert_eq!(effect(write).0, Effect::Unknown);

    // Our own version shows that it was written.
    let item = item_at(&ours);
    let found = item.clone();
    let fake = loses_one_reply(Some(item), move || misfit_in_transaction(Some(&found)));
    let write = open(&fake).await.write(&insert).await;
    assert_eq!(write, Ok(Outcome::Written));
}

#[tokio::test]
async fn a_removal_with_labels_whose_reply_was_lost_and_that_finds_nothing_is_done() {
    let existing = note("id").with_label(tag(), "x");
    let mut item = item_at(&existing);
    // One label, from the sixth byte on.
    item["labels"] = json!({"B": base64(b"\x01\x00\x06\x03\x00\x01tagx")});
    for expected in [None, Some(existing.version)] {
        let remove = Change::Remove {
            key: existing.key.clone(),
            expected,
        };
        let fake = loses_one_reply(Some(item.clone()), || misfit_in_transaction(None));
        let write = open(&fake).await.write(&[remove]).await;
        assert_eq!(write, Ok(Outcome::Written));
        assert_eq!(written(&fake, "TransactWriteItems"), 2);
    }
}

/// Emulators accept requests that DynamoDB refuses.
#[tokio::test]
async fn requests_keep_to_what_dynamodb_takes() {
    let fake = Fake::new(|_, _| ok());
    let store = open(&fake).await;
    let zeros = Query::label(notes(), tag(), Values::beginning_with(vec![0; 9000]));
    store.scan(&zeros).await.unwrap();
    store.count(&zeros).await.unwrap();
    store
        .scan(&Query::all(notes()).limit(u32::MAX))
        .await
        .unwrap();
    let behind = Query::label(notes(), tag(), Values::between("b", "a"));
    store.scan(&behind).await.unwrap();
    store
        .purge(&notes(), UnixTime::from_secs(i64::MAX), u32::MAX)
        .await
        .unwrap();
    let seen = fake.seen();
    assert_eq!(seen.len(), 16 * 4, "an empty range is not asked for");
    for (target, body) in seen {
        // Never a scan of the table.
        assert_eq!(target, "Query");
        assert!(
            body["Limit"]
                .as_i64()
                .is_none_or(|limit| (1..=1000).contains(&limit))
        );
        let condition = body["KeyConditionExpression"].as_str().unwrap();
        for (name, value) in body["ExpressionAttributeValues"].as_object().unwrap() {
            assert!(condition.contains(&**name));
            let text = value["B"].as_str().unwrap_or_default();
            assert!(text.len() <= 1024 * 4 / 3 + 4);
        }
        // An index cannot be read consistently.
        let index = body["IndexName"].is_string();
        assert_eq!(body["ConsistentRead"] == json!(true), !index);
    }
}

#[tokio::test]
async fn reads_are_consistent_unless_it_is_said_otherwise() {
    let fake = Fake::new(|_, _| ok());
    let eventual = options("table", &fake.url).consistent_reads(false);
    let eventual = eventual.open().await.unwrap();
    for (store, consistent) in [(open(&fake).await, true), (eventual, false)] {
        store.get(&note("id").key).await.unwrap();
        store
            .get_many(&[note("a").key, note("b").key])
            .await
            .unwrap();
        store.scan(&Query::all(notes())).await.unwrap();
        for (_, body) in fake.seen() {
            let many = &body["RequestItems"]["table"]["ConsistentRead"];
            let read = body["ConsistentRead"].as_bool().or(many.as_bool());
            assert_eq!(read, Some(consistent), "{body}");
        }
        fake.forget();
        // A write always reads consistently.
        let _ = store
            .write(&[Change::Remove {
                key: note("id").key,
                expected: None,
            }])
            .await;
        assert_eq!(fake.seen()[0].1["ConsistentRead"], json!(true));
        fake.forget();
    }
}
