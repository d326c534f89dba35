//! Single writes whose reply is lost.

use sealtoken_store::{Change, Effect, Outcome, Store as _, Version};
use serde_json::{Value, json};

use super::super::fake::{Answer, Fake, error, ok};
use super::{base64, effect, failed_condition, item_of, note, open, written};

#[tokio::test]
async fn a_single_write_whose_reply_was_lost_is_found() {
    // The first attempt succeeds, but its reply is lost. The second finds its result.
    let fake = Fake::new(|at, (target, body)| match (at, &**target) {
        (0, _) => Answer::Cut,
        (_, "PutItem") => failed_condition(&body["Item"]),
        _ => Answer::Reply(200, json!({"Item": PUT.lock().unwrap().clone()})),
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

#[tokio::test]
async fn a_lone_write_whose_place_another_took_is_unknown() {
    let other = item_of(&json!({"pk": {"B": base64(b"rnote\0\x05")}, "sk": {"B": base64(b"id")}}));
    let theirs = other.clone();
    let fake = Fake::new(move |at, (target, _)| match (at, &**target) {
        (0, _) => Answer::Cut,
        (_, "PutItem") => failed_condition(&other),
        _ => Answer::Reply(200, json!({"Item": other})),
    });
    let store = open(&fake).await;
    let write = store.write(&[Change::Insert(note("id"))]).await;
    assert_eq!(effect(write).0, Effect::Unknown);

    // Without a lost reply it is a conflict, with the existing record.
    let fake = Fake::new(move |_, _| failed_condition(&theirs));
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

/// It was removed in between, or never written. If it were sent again, it could reappear.
#[tokio::test]
async fn an_insertion_whose_reply_was_lost_is_not_sent_again() {
    let fake = Fake::new(|at, _| if at == 0 { Answer::Cut } else { ok() });
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
            (_, "GetItem") => Answer::Reply(200, json!({"Item": item})),
            (1, _) => Answer::Cut,
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
        (_, "GetItem") => Answer::Reply(200, json!({"Item": broken})),
        (1, _) => Answer::Cut,
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
        0 => Answer::Cut,
        _ => error(400, "AccessDeniedException"),
    });
    let write = open(&fake).await.write(&[Change::Insert(note("id"))]).await;
    let unknown = (Effect::Unknown, "AccessDeniedException".to_owned());
    assert_eq!(effect(write), unknown);
}
