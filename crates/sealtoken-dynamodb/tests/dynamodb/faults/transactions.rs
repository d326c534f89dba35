//! Transactions: their tokens, their reasons, and lost replies.

use sealtoken_store::{Change, Effect, Outcome, Store as _};
use serde_json::{Value, json};

use super::super::fake::{Answer, Fake, Request, error, ok};
use super::{ATTEMPTS, base64, effect, item_at, keys, note, open, processed, tag, written};

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
        0 => Answer::Cut,
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
        0 => Answer::Cut,
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
    Answer::Reply(400, json!({"__type": kind, "CancellationReasons": reasons}))
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

/// The answer to a transaction whose first step finds this item, or none.
fn failed_in_transaction(item: Option<&Value>) -> Answer {
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let mut reasons = json!([{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]);
    if let Some(item) = item {
        reasons[0]["Item"] = item.clone();
    }
    Answer::Reply(400, json!({"__type": kind, "CancellationReasons": reasons}))
}

/// Answers reads with this item, and does not answer the first transaction.
fn loses_one_reply(
    item: Option<Value>,
    later: impl Fn() -> Answer + Send + Sync + 'static,
) -> Fake {
    let lost = std::sync::atomic::AtomicBool::new(false);
    Fake::new(move |_, (target, body)| match (&**target, &item) {
        ("TransactWriteItems", _) if !lost.swap(true, std::sync::atomic::Ordering::SeqCst) => {
            Answer::Cut
        }
        ("TransactWriteItems", _) => later(),
        ("BatchGetItem", Some(item)) => {
            let existing = keys(body).into_iter().filter(|key| key["sk"] == item["sk"]);
            processed(&existing.map(|_| item.clone()).collect::<Vec<_>>(), &[])
        }
        ("BatchGetItem", None) => processed(&[], &[]),
        (_, Some(item)) => Answer::Reply(200, json!({"Item": item})),
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
        let fake = loses_one_reply(Some(item), move || failed_in_transaction(Some(&found)));
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
    let fake = loses_one_reply(Some(item), move || failed_in_transaction(Some(&found)));
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
        let fake = loses_one_reply(Some(item.clone()), || failed_in_transaction(None));
        let write = open(&fake).await.write(&[remove]).await;
        assert_eq!(write, Ok(Outcome::Written));
        assert_eq!(written(&fake, "TransactWriteItems"), 2);
    }
}
