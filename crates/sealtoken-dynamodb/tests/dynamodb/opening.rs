//! Opening and creating a table.

use std::error::Error;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use sealtoken_dynamodb::DynamoStore;
use sealtoken_store::{
    Change, Collection, Outcome, Record, RecordKey, Store as _, StoreError, Version,
};
use serde_json::{Value, json};

use sealtoken_test_servers::dynamodb::{Table, client, options};

async fn works(store: &DynamoStore) {
    let key = RecordKey::new(Collection::new("note").unwrap(), "id");
    let record = Record::new(key, Version::draw().unwrap(), "body");
    let written = store.write(&[Change::Insert(record.clone())]).await;
    assert_eq!(written, Ok(Outcome::Written));
    assert_eq!(store.get(&record.key).await, Ok(Some(record)));
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named_with_the_command_that_creates_it() {
    let Some(table) = Table::new() else {
        return;
    };
    let Err(StoreError::Configuration { reason, .. }) = table.options().open().await else {
        panic!("there is no such table");
    };
    let command = format!("sealtoken store create --store dynamodb:{}", table.name);
    assert!(reason.contains(&command), "{reason}");
}

#[tokio::test]
async fn a_table_of_another_shape_is_refused() {
    let Some(table) = Table::new() else {
        return;
    };
    let request = client(&table.endpoint).create_table();
    let attribute = AttributeDefinition::builder()
        .attribute_name("pk")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("pk")
        .key_type(KeyType::Hash);
    let made = request
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(key.build().unwrap())
        .send()
        .await;
    made.unwrap();
    for opened in [
        table.options().open().await,
        table.options().create_table().await,
    ] {
        let error = opened.unwrap_err();
        let is_configuration = matches!(&error, StoreError::Configuration { .. });
        assert!(is_configuration, "{error:?}");
    }
}

#[tokio::test]
async fn processes_that_create_one_table_at_once_all_succeed() {
    let Some(table) = Table::new() else {
        return;
    };
    let creating: Vec<_> = (0..4)
        .map(|_| tokio::spawn(table.options().create_table()))
        .collect();
    for created in creating {
        created.await.unwrap().unwrap();
    }
    works(&table.options().create_table().await.unwrap()).await;
    let mine = DynamoStore::options(&*table.name).client(client(&table.endpoint));
    let store = mine.open().await.unwrap();
    let key = RecordKey::new(Collection::new("note").unwrap(), "id");
    assert!(store.get(&key).await.unwrap().is_some());
}

/// The created table matches the templates in every attribute.
#[tokio::test]
async fn the_template_describes_the_table_that_is_created() {
    let Some(table) = Table::new() else {
        return;
    };
    table.options().create_table().await.unwrap();
    let client = client(&table.endpoint);
    let described = client.describe_table().table_name(&table.name).send().await;
    let described = described.unwrap().table.unwrap();
    let key = |elements: &[KeySchemaElement]| -> Value {
        let element = |element: &KeySchemaElement| {
            let role = element.key_type().as_str();
            json!({"AttributeName": element.attribute_name(), "KeyType": role})
        };
        elements.iter().map(element).collect()
    };
    let attributes = described.attribute_definitions().iter().map(|at| {
        let kind = at.attribute_type().as_str();
        json!({"AttributeName": at.attribute_name(), "AttributeType": kind})
    });
    let mut attributes: Vec<Value> = attributes.collect();
    let index = &described.global_secondary_indexes()[0];
    assert_eq!(described.global_secondary_indexes().len(), 1);
    let projection = index.projection().unwrap().projection_type().unwrap();
    let ttl = client
        .describe_time_to_live()
        .table_name(&table.name)
        .send();
    let ttl = ttl.await.unwrap().time_to_live_description.unwrap();
    assert_eq!(ttl.time_to_live_status.unwrap().as_str(), "ENABLED");

    let template = DynamoStore::cloud_formation(&table.name);
    let template: Value = serde_json::from_str(&template).unwrap();
    let mut expected = template["Resources"]["SealtokenTable"]["Properties"].clone();
    let by_name = |at: &Value| at["AttributeName"].to_string();
    attributes.sort_by_key(by_name);
    expected["AttributeDefinitions"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(by_name);
    let created = json!({
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": key(described.key_schema()),
        "GlobalSecondaryIndexes": [{
            "IndexName": index.index_name(),
            "KeySchema": key(index.key_schema()),
            "Projection": {"ProjectionType": projection.as_str()},
        }],
        "TimeToLiveSpecification": {"AttributeName": ttl.attribute_name, "Enabled": true},
    });
    assert_eq!(created, expected);
}

#[tokio::test]
async fn neither_errors_nor_debug_show_the_credentials() {
    let options = options("table", "http://127.0.0.1:1")
        .credentials("AKIAHUNTER", "hunter2")
        .session_token("hunter3")
        .attempts(1);
    let mut shown = format!("{options:?}");
    let error = options.open().await.unwrap_err();
    assert!(error.source().is_some(), "{error:?}");
    let mut next: Option<&dyn Error> = Some(&error);
    while let Some(error) = next {
        shown += &format!(" {error} {error:?}");
        next = error.source();
    }
    assert!(!shown.to_lowercase().contains("hunter"), "{shown}");
}
