//! Items of labels: without their record, in another partition, under other keys.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use sealtoken_store::{Change, Outcome, Query, Store as _, Values};

use super::{all_labels, bytes, filled, ids, note, notes, paged, partition, tag};

#[tokio::test]
async fn a_label_without_its_record_is_skipped() {
    let Some((store, table, client, records)) = filled().await else {
        return;
    };
    let delete = client.delete_item().table_name(&table.name);
    let place = partition(&client, &table, b'r', b"b").await;
    let deleted = delete.key("pk", place).key("sk", bytes(b"b")).send().await;
    deleted.unwrap();
    for limit in [1, 2, 100] {
        let mut query = all_labels().limit(limit);
        let mut found = Vec::new();
        loop {
            let page = store.scan(&query).await.unwrap();
            found.extend(page.records);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(ids(&found), [b"a", b"c"]);
    }
    // Until TTL removes it too.
    assert_eq!(store.count(&all_labels()).await, Ok(3));
    assert_eq!(store.get(&records[1].key).await, Ok(None));
    // A new record takes over the label.
    let again = note("b");
    let insert = [Change::Insert(again.clone())];
    assert_eq!(store.write(&insert).await, Ok(Outcome::Written));
    let by_label = Query::label(notes(), tag(), Values::exactly("b"));
    assert_eq!(store.scan(&by_label).await.unwrap().records, [again]);
}

#[tokio::test]
async fn a_label_that_its_record_does_not_have_is_skipped() {
    let Some((store, table, client, _)) = filled().await else {
        return;
    };
    let partition = partition(&client, &table, b'l', b"a").await;
    let whole = [&b"a\0\0\0\0\0\0\0\x01"[..], b"b"].concat();
    for sort in [
        &whole[..],
        b"x",
        b"a\0\0\0\0\0\0\0\x01",
        b"\0\0\0\0\0\0\0\0\0a",
        &[0xff; 1024],
    ] {
        let put = client.put_item().table_name(&table.name);
        let put = put.item("pk", partition.clone()).item("sk", bytes(sort));
        put.send().await.unwrap();
    }
    let by_label = Query::label(notes(), tag(), Values::exactly("a"));
    assert_eq!(ids(&store.scan(&by_label).await.unwrap().records), [b"a"]);
    let found = store.scan(&all_labels()).await.unwrap().records;
    assert_eq!(ids(&found), [b"a", b"b", b"c"]);
}

/// However many there are: each page skips some of them, and its cursor continues from there.
#[tokio::test]
async fn keys_that_no_store_writes_are_skipped_in_pages() {
    let Some((store, table, client, _)) = filled().await else {
        return;
    };
    let all = client.scan().table_name(&table.name).send().await.unwrap();
    let places = all.items().iter().map(|item| item["pk"].as_b().unwrap());
    let labels = places.map(|pk| pk.as_ref()).filter(|pk| pk[0] == b'l');
    let labels: BTreeSet<Vec<u8>> = labels.map(<[u8]>::to_vec).collect();
    // Before, between and behind the labels, in all their partitions.
    let sorts = (0..1300_u32)
        .map(|at| format!("\0bad{at:04}").into_bytes())
        .chain((0..40).map(|at| format!("a\0bad{at:04}").into_bytes()))
        .chain((0..40).map(|at| [vec![0xff; 1000], format!("{at:024}").into_bytes()].concat()));
    let places: Vec<_> = sorts
        .flat_map(|sort| labels.iter().map(move |pk| (bytes(pk), sort.clone())))
        .collect();
    for places in places.chunks(25) {
        let puts = places.iter().map(|(pk, sort)| {
            let put = PutRequest::builder()
                .item("pk", pk.clone())
                .item("sk", bytes(sort))
                .build()
                .unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let write = client.batch_write_item();
        let write = write.request_items(&table.name, puts.collect());
        assert!(
            write
                .send()
                .await
                .unwrap()
                .unprocessed_items()
                .is_none_or(|left| left.is_empty())
        );
    }
    let first = store.scan(&all_labels().limit(1)).await.unwrap();
    assert!(first.records.is_empty());
    let raw = first.next.unwrap();
    for limit in [1, 2, 100] {
        let (found, pages) = paged(&store, all_labels().limit(limit)).await;
        assert_eq!(found, [b"a", b"b", b"c"]);
        assert!(
            (places.len() / 1100..20).contains(&pages),
            "{limit}: {pages}"
        );
    }
    // A cursor at such a key does not lead out of the range.
    for (values, expected) in [
        (Values::exactly("b"), vec![b"b"]),
        (Values::between("b", "d"), vec![b"b", b"c"]),
        (Values::between("\0", "\0a"), vec![]),
    ] {
        let query = Query::label(notes(), tag(), values).after(raw.clone());
        assert_eq!(paged(&store, query).await.0, expected);
    }
}

/// A copy of a label is in a bucket where no read of its value looks.
#[tokio::test]
async fn a_label_in_the_partition_of_another_value_is_skipped() {
    let Some((store, table, client, _)) = filled().await else {
        return;
    };
    let sort = [&b"a\0\0\0\0\0\0\0\x01"[..], b"a"].concat();
    for other in [b"b", b"c"] {
        let partition = partition(&client, &table, b'l', other).await;
        let put = client.put_item().table_name(&table.name);
        let put = put.item("pk", partition).item("sk", bytes(&sort));
        put.send().await.unwrap();
    }
    for limit in [1, 2, 100] {
        let (found, _) = paged(&store, all_labels().limit(limit)).await;
        assert_eq!(found, [b"a", b"b", b"c"]);
    }
}

/// The item lists other labels than those that lead to it. When it is removed, those stay, and lead
/// nowhere.
#[tokio::test]
async fn a_label_that_a_changed_record_leaves_behind_is_skipped() {
    let Some((store, table, client, records)) = filled().await else {
        return;
    };
    let update = client.update_item().table_name(&table.name);
    let place = partition(&client, &table, b'r', b"b").await;
    let update = update.key("pk", place).key("sk", bytes(b"b"));
    let update = update
        .update_expression("SET labels = :v")
        // One label, from the sixth byte on.
        .expression_attribute_values(":v", bytes(b"\x01\x00\x06\x03\x00\x01tagq"));
    update.send().await.unwrap();
    let b = store.get(&records[1].key).await.unwrap().unwrap();
    assert_eq!(b.labels[0].value, b"q");
    let remove = Change::Remove {
        key: b.key,
        expected: Some(b.version),
    };
    assert_eq!(store.write(&[remove]).await, Ok(Outcome::Written));
    let found = store.scan(&all_labels()).await.unwrap().records;
    assert_eq!(ids(&found), [b"a", b"c"]);
    // A count counts keys alone, as docs/dynamodb.md says.
    assert_eq!(store.count(&all_labels()).await, Ok(3));
    let again = note("b");
    let insert = [Change::Insert(again.clone())];
    assert_eq!(store.write(&insert).await, Ok(Outcome::Written));
    let by_label = Query::label(notes(), tag(), Values::exactly("b"));
    assert_eq!(store.scan(&by_label).await.unwrap().records, [again]);
    assert_eq!(store.count(&all_labels()).await, Ok(3));
}
