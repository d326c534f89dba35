//! What requests look like.

use sealtoken_store::{Change, Query, Store as _, Values};
use sealtoken_test_servers::dynamodb::options;
use sealtoken_time::UnixTime;
use serde_json::json;

use super::super::fake::{Fake, ok};
use super::{note, notes, open, tag};

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
    let reversed = Query::label(notes(), tag(), Values::between("b", "a"));
    store.scan(&reversed).await.unwrap();
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
