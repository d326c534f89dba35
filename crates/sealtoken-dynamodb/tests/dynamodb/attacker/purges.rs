//! Purges of what an attacker made due.

use aws_sdk_dynamodb::types::AttributeValue;
use sealtoken_store::Store as _;
use sealtoken_time::UnixTime;

use super::{all_labels, bytes, filled, in_bucket, notes, partition, put_all};

#[tokio::test]
async fn a_purge_is_not_led_astray() {
    let Some((store, table, client, records)) = filled().await else {
        return;
    };
    // An item that claims to be due, in a partition of records, but is no record.
    let place = partition(&client, &table, b'r', b"b").await;
    let bucket = [b"note\0", &place.as_b().unwrap().as_ref()[6..]].concat();
    let put = client.put_item().table_name(&table.name);
    let put = put
        .item("pk", bytes(b"elsewhere"))
        .item("sk", bytes(b"b"))
        .item("g", bytes(&bucket))
        .item("purge_at", AttributeValue::N("1".to_owned()));
    put.send().await.unwrap();
    let before = UnixTime::from_secs(8);
    assert_eq!(store.purge(&notes(), before, 100).await, Ok(4));
    assert_eq!(store.purge(&notes(), before, 100).await, Ok(0));
    for record in &records {
        assert_eq!(store.get(&record.key).await, Ok(None));
    }
    assert_eq!(store.count(&all_labels()).await, Ok(0));
    let left = client.scan().table_name(&table.name).send().await.unwrap();
    assert_eq!(left.count, 0);
}

/// They are removed under the same limit: one that stayed would block those behind it.
#[tokio::test]
async fn a_purge_removes_items_that_only_claim_to_be_due_and_is_bounded() {
    let Some((store, table, client, _)) = filled().await else {
        return;
    };
    let place = partition(&client, &table, b'r', b"b").await;
    let bucket = |place: &AttributeValue| bytes(&place.as_b().unwrap().as_ref()[1..]);
    let number = |text: &str| AttributeValue::N(text.to_owned());
    let mut items: Vec<_> = (0..1100_u32)
        .map(|at| {
            vec![
                ("pk", bytes(b"elsewhere")),
                ("sk", bytes(&at.to_be_bytes())),
                ("g", bucket(&in_bucket(&place, 0))),
                ("purge_at", number("-1e100")),
            ]
        })
        .collect();
    // A label of a record that is due, and a record whose `purge_at` is no whole second.
    let label = partition(&client, &table, b'l', b"b").await;
    let sort = [&b"b\0\0\0\0\0\0\0\x01"[..], b"b"].concat();
    items.push(vec![
        ("pk", label),
        ("sk", bytes(&sort)),
        ("g", bucket(&place)),
        ("purge_at", number("1")),
    ]);
    items.push(vec![
        ("pk", place.clone()),
        ("sk", bytes(b"b")),
        ("g", bucket(&place)),
        ("purge_at", number("1.5")),
        ("labels", bytes(b"\x01\x00\x06\x03\x00\x01tagb")),
    ]);
    put_all(&client, &table, &items).await;
    let before = UnixTime::from_secs(8);
    let mut purged = Vec::new();
    while purged.last() != Some(&0) {
        assert!(purged.len() < 10, "{purged:?}");
        purged.push(store.purge(&notes(), before, 300).await.unwrap());
    }
    assert_eq!(purged, [300, 300, 300, 204, 0]);
    let left = client.scan().table_name(&table.name).send().await.unwrap();
    assert_eq!(left.count, 0);
}
