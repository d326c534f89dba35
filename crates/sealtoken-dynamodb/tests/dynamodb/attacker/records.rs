//! Items of records: corrupt, large, or in another partition.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use sealtoken_store::{Change, Outcome, Query, Record, RecordKey, Store as _, Version};
use sealtoken_test_servers::dynamodb::{client, fresh};

use super::{all_labels, bytes, filled, ids, in_bucket, note, notes, paged, partition, put_all};

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
