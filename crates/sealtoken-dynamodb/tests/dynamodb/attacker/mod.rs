//! What an attacker, or DynamoDB's own TTL, does to the table never causes a panic.

mod labels;
mod purges;
mod records;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use sealtoken_dynamodb::DynamoStore;
use sealtoken_store::{
    Change, Collection, LabelName, Outcome, Query, Record, RecordKey, Store as _, Values, Version,
};
use sealtoken_test_servers::dynamodb::{Table, client, fresh};
use sealtoken_time::UnixTime;

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
