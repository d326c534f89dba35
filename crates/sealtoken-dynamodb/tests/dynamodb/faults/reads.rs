//! Reads that DynamoDB answers in part, or with keys that no store writes.

use std::time::Duration;

use sealtoken_store::{Effect, Query, RecordKey, Store as _, Values};
use sealtoken_test_servers::dynamodb::options;
use serde_json::{Value, json};

use super::super::fake::{Answer, Fake, ok};
use super::{ATTEMPTS, base64, bytes, effect, item_of, keys, note, notes, open, processed, tag};

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
fn foreign_sort_of(id: usize) -> Value {
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
                return item.map_or_else(ok, |item| Answer::Reply(200, json!({"Item": item})));
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
        Answer::Reply(
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
            foreign_sort_of(id)
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
