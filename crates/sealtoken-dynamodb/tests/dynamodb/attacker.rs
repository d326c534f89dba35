//! What an attacker, or DynamoDB's own TTL, does to the table never causes a panic.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use sealtoken_dynamodb::DynamoStore;
use sealtoken_store::{
    Change, Collection, LabelName, Outcome, Query, Record, RecordKey, Store as _, Values, Version,
};
use sealtoken_time::UnixTime;

use sealtoken_test_servers::dynamodb::{Table, client, fresh};

fn notes() -> Collection {
    Collection::new("note").unwrap()
}

fn tag() -> LabelName {
    LabelName::new("tag").unwrap()
}

fn all_labels() -> Query {
    Query::label(notes(), tag(), Values::beginning_with(""))
}

fn note(id: &str) -> Record {
    let key = RecordKey::new(notes(), id);
    Record::new(key, Version::draw().unwrap(), id)
        .with_label(tag(), id)
        .with_purge_at(UnixTime::from_secs(7))
}

/// A table with the records `a`, `b` and `c`, each with its id as its label.
async fn filled() -> Option<(DynamoStore, Table, Client, [Record; 3])> {
    let (store, table) = fresh().await?;
    let records = ["a", "b", "c"].map(note);
    let batch = records.clone().map(Change::Insert);
    assert_eq!(store.write(&batch).await, Ok(Outcome::Written));
    let client = client(&table.endpoint);
    Some((store, table, client, records))
}

fn bytes(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// The partition of a record, found as an attacker would find it.
async fn partition(client: &Client, table: &Table, letter: u8, sort: &[u8]) -> AttributeValue {
    let found = client.scan().table_name(&table.name).send().await.unwrap();
    let item = found.items().iter().find(|item| {
        let partition = item["pk"].as_b().unwrap().as_ref();
        partition[0] == letter && item["sk"].as_b().unwrap().as_ref().starts_with(sort)
    });
    item.unwrap()["pk"].clone()
}

fn ids(records: &[Record]) -> Vec<&[u8]> {
    records.iter().map(|record| &*record.key.id).collect()
}

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

#[tokio::test]
async fn large_items_that_cannot_be_read_end_a_page() {
    let Some((store, table)) = fresh().await else {
        return;
    };
    let client = client(&table.endpoint);
    for n in 0..16 {
        let mut record = note(&format!("{n:02}"));
        record.body = vec![0; 380 * 1024];
        let insert = [Change::Insert(record)];
        assert_eq!(store.write(&insert).await, Ok(Outcome::Written));
    }
    let items = client
        .scan()
        .table_name(&table.name)
        .projection_expression("pk, sk");
    let items = items.into_paginator().items().send();
    let items: Vec<_> = items.collect::<Result<_, _>>().await.unwrap();
    for item in items
        .into_iter()
        .filter(|item| item["pk"].as_b().unwrap().as_ref()[0] == b'r')
    {
        let update = client
            .update_item()
            .table_name(&table.name)
            .set_key(Some(item));
        let update = update.update_expression("SET version = :v");
        let update = update.expression_attribute_values(":v", bytes(b"short"));
        update.send().await.unwrap();
    }
    for query in [Query::all(notes()), all_labels()] {
        let (found, pages) = paged(&store, query).await;
        assert_eq!(found.len(), 16);
        assert!(pages > 1, "6 MB in one page");
    }
}

/// All records that a query finds, and the number of pages.
async fn paged(store: &DynamoStore, mut query: Query) -> (Vec<Vec<u8>>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = store.scan(&query).await.unwrap();
        pages += 1;
        assert!(pages < 100, "the scan does not end");
        found.extend(page.records.into_iter().map(|record| record.key.id));
        query.after = page.next;
        if query.after.is_none() {
            return (found, pages);
        }
    }
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

/// The partition of records or labels with this bucket, derived from another one.
fn in_bucket(partition: &AttributeValue, bucket: u8) -> AttributeValue {
    let mut partition = partition.as_b().unwrap().as_ref().to_vec();
    *partition.last_mut().unwrap() = bucket;
    bytes(&partition)
}

/// Writes items, as many at once as DynamoDB accepts.
async fn put_all(client: &Client, table: &Table, items: &[Vec<(&str, AttributeValue)>]) {
    for items in items.chunks(25) {
        let puts = items.iter().map(|item| {
            let put = item
                .iter()
                .fold(PutRequest::builder(), |put, (name, value)| {
                    put.item(*name, value.clone())
                });
            let put = put.build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let write = client.batch_write_item();
        let write = write.request_items(&table.name, puts.collect());
        let left = write.send().await.unwrap().unprocessed_items;
        assert!(left.is_none_or(|left| left.is_empty()));
    }
}

/// No read of its key looks into that bucket, and a cursor there leads into no other partition.
#[tokio::test]
async fn a_record_in_the_partition_of_another_is_skipped() {
    let Some((store, table, client, _)) = filled().await else {
        return;
    };
    let one = partition(&client, &table, b'r', b"b").await;
    let own = one.as_b().unwrap().as_ref().last().copied();
    let places = (0..16).filter(|bucket| Some(*bucket) != own);
    let mut places: Vec<_> = places.map(|bucket| (bucket, b"b".to_vec())).collect();
    places.extend((0..1500_u32).map(|at| (9, format!("odd{at}").into_bytes())));
    let items: Vec<_> = places
        .into_iter()
        .map(|(bucket, id)| vec![("pk", in_bucket(&one, bucket)), ("sk", bytes(&id))])
        .collect();
    put_all(&client, &table, &items).await;
    // Some of them are in the bucket of their ids.
    let existing = async |id: Vec<u8>| store.get(&RecordKey::new(notes(), id)).await.unwrap();
    let mut expected = BTreeSet::new();
    for id in (0..1500)
        .map(|at| format!("odd{at}"))
        .chain(["a", "b", "c"].map(String::from))
    {
        if existing(id.clone().into_bytes()).await.is_some() {
            expected.insert(id.into_bytes());
        }
    }
    assert!((50..200).contains(&expected.len()), "{}", expected.len());
    for limit in [7, 20, 1000] {
        let (mut found, pages) = paged(&store, Query::all(notes()).limit(limit)).await;
        found.sort();
        assert_eq!(found, Vec::from_iter(expected.clone()));
        assert!(pages > 1, "one page skipped all of them");
    }
}

#[tokio::test]
async fn a_broken_record_hides_no_other() {
    let strange = [
        AttributeValue::S("text".to_owned()),
        AttributeValue::N("1.5".to_owned()),
        AttributeValue::Null(true),
        AttributeValue::L(vec![]),
        bytes(b"\xff"),
    ];
    let Some((store, table, client, records)) = filled().await else {
        return;
    };
    let place = partition(&client, &table, b'r', b"b").await;
    for (name, strange) in ["version", "body", "labels", "purge_at"]
        .iter()
        .flat_map(|name| strange.iter().map(move |strange| (*name, strange)))
    {
        // A body may be any bytes, and DynamoDB enforces the types of the index's key.
        if matches!((name, strange), ("body", AttributeValue::B(_)))
            || (name == "purge_at" && !matches!(strange, AttributeValue::N(_)))
        {
            continue;
        }
        let remove = Change::Remove {
            key: records[1].key.clone(),
            expected: None,
        };
        let again = [remove.clone()];
        assert_eq!(store.write(&again).await, Ok(Outcome::Written));
        let fresh = Change::Insert(records[1].clone());
        assert_eq!(store.write(&[fresh]).await, Ok(Outcome::Written));
        let update = client.update_item().table_name(&table.name);
        let update = update.key("pk", place.clone()).key("sk", bytes(b"b"));
        let update = update
            .update_expression("SET #n = :v")
            .expression_attribute_names("#n", name)
            .expression_attribute_values(":v", strange.clone());
        update.send().await.unwrap();

        let case = format!("{name} as {strange:?}");
        let key = &records[1].key;
        let broken = Record::new(key.clone(), Version::from_bytes([0; 16]), "");
        let existing = Some(broken.clone());
        assert_eq!(store.get(key).await, Ok(existing.clone()), "{case}");
        let keys = records.clone().map(|record| record.key);
        let [a, _, c] = records.clone().map(Some);
        let read = store.get_many(&keys).await.unwrap();
        assert_eq!(read, [a, existing.clone(), c], "{case}");
        let all = store.scan(&Query::all(notes())).await.unwrap().records;
        assert_eq!(all.len(), 3, "{case}");
        let by_label = store.scan(&all_labels()).await.unwrap().records;
        assert_eq!(ids(&by_label), [b"a", b"b", b"c"], "{case}");
        assert_eq!(by_label[1].version, Version::from_bytes([0; 16]), "{case}");
        assert!(by_label[1].body.is_empty());
        assert_eq!(store.count(&Query::all(notes())).await, Ok(3));
        let conflict = Ok(Outcome::Conflict {
            index: 0,
            current: existing,
        });
        let stale = Change::Remove {
            key: key.clone(),
            expected: Some(Version::draw().unwrap()),
        };
        let mut bare = Record::new(key.clone(), Version::draw().unwrap(), "");
        for change in [
            Change::Insert(bare.clone()),
            Change::Insert(note("b")),
            stale,
        ] {
            let write = store.write(&[change]).await;
            assert_eq!(write, conflict, "{case}");
        }
        // A batch is checked change by change.
        bare.key.id = b"new".to_vec();
        let batch = [Change::Insert(note("b")), Change::Insert(bare)];
        assert_eq!(store.write(&batch).await, conflict, "{case}");
        assert_eq!(store.write(&[remove]).await, Ok(Outcome::Written), "{case}");
        assert_eq!(store.get(key).await, Ok(None), "{case}");
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
