//! The table: its shape, whether one has it, and how one is made.

use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata as _};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableDescription, TableStatus, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use sealtoken_store::StoreError;

use super::DynamoStore;
use super::fault::Fault;
use super::item;
use super::read;
use super::retry::Attempts;

/// The attributes that are part of a key, with their types: bytes or a number.
pub(super) const ATTRIBUTES: [(&str, &str); 4] = [
    (item::PARTITION, "B"),
    (item::SORT, "B"),
    (item::DUE, "B"),
    (item::PURGE_AT, "N"),
];

/// A key: first the partition, then the order in it.
pub(super) type KeyOf = [(&'static str, &'static str); 2];

/// The key of an item.
pub(super) const KEY: KeyOf = [(item::PARTITION, "HASH"), (item::SORT, "RANGE")];

/// The index of what is due, and its key. It holds keys alone, and records with a `purge_at` alone.
pub(super) const INDEX: &str = "purge";
pub(super) const INDEX_KEY: KeyOf = [(item::DUE, "HASH"), (item::PURGE_AT, "RANGE")];

/// How long a new table may take until it can be used, in seconds.
const PATIENCE: u32 = 300;

/// Looks whether the table is there, and has the shape.
pub(super) async fn check(store: &DynamoStore) -> Result<(), StoreError> {
    let table = described(store).await?.ok_or_else(|| missing(store))?;
    has_shape(&table).map_err(|what| {
        let name = &store.shared.table;
        StoreError::Configuration(format!(
            "the table {name} is not one of this store's: {what} (see docs/dynamodb.md)"
        ))
    })?;
    match table.table_status {
        // An index that is built anew and such things are no reason to wait.
        Some(TableStatus::Active | TableStatus::Updating) => Ok(()),
        status => {
            let status = status.as_ref().map_or("unknown", TableStatus::as_str);
            Err(StoreError::unavailable(format!("the table is {status}")))
        }
    }
}

/// Creates the table where it is not there, turns its TTL on where that is off, and waits until it can be used.
pub(super) async fn create(store: &DynamoStore) -> Result<(), StoreError> {
    if described(store).await?.is_none() {
        begin(store).await?;
    }
    let mut waited = 0;
    loop {
        match described(store).await? {
            Some(table) if table.table_status == Some(TableStatus::Active) => break,
            // What was made moments before is not always seen.
            _ if waited < PATIENCE => tokio::time::sleep(Duration::from_secs(1)).await,
            _ => return Err(StoreError::unavailable("the table is not active yet")),
        }
        waited = waited.saturating_add(1);
    }
    check(store).await?;
    expire(store).await
}

fn missing(store: &DynamoStore) -> StoreError {
    let name = &store.shared.table;
    StoreError::Configuration(format!(
        "there is no table {name}: create it by DynamoOptions::create_table or `sealtoken store create --store dynamodb:{name}`"
    ))
}

async fn described(store: &DynamoStore) -> Result<Option<TableDescription>, StoreError> {
    let mut attempts = Attempts::reading(store.shared.attempts);
    loop {
        let request = store.shared.client.describe_table();
        match request.table_name(&store.shared.table).send().await {
            Ok(answer) => return Ok(answer.table),
            Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
            Err(error) => attempts.again(Fault::of(&error)).await?,
        }
    }
}

async fn begin(store: &DynamoStore) -> Result<(), StoreError> {
    let index = GlobalSecondaryIndex::builder()
        .index_name(INDEX)
        .set_key_schema(Some(schema(INDEX_KEY)?))
        .projection(keys_only());
    let attributes = ATTRIBUTES.map(|(name, kind)| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::from(kind))
            .build()
    });
    let attributes: Result<Vec<_>, BuildError> = attributes.into_iter().collect();
    let request = store.shared.client.create_table();
    let request = request
        .table_name(&store.shared.table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.map_err(|_| read::unsendable())?))
        .set_key_schema(Some(schema(KEY)?))
        .global_secondary_indexes(index.build().map_err(|_| read::unsendable())?);
    let mut attempts = Attempts::writing(store.shared.attempts);
    loop {
        let Err(error) = request.clone().send().await else {
            return Ok(());
        };
        // Another process was faster, or an attempt whose reply was lost.
        if let Some(CreateTableError::ResourceInUseException(_)) = error.as_service_error() {
            return Ok(());
        }
        attempts.again(Fault::of(&error)).await?;
    }
}

/// Turns TTL on. A table whose TTL goes by another attribute is left as it is: it would remove what is not due.
async fn expire(store: &DynamoStore) -> Result<(), StoreError> {
    let request = store.shared.client.describe_time_to_live();
    let request = request.table_name(&store.shared.table);
    let answer = store.ask(|| request.clone().send()).await?;
    if let Some(ttl) = answer.time_to_live_description
        && let Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) =
            ttl.time_to_live_status
    {
        return match ttl.attribute_name.as_deref() {
            Some(item::PURGE_AT) => Ok(()),
            _ => Err(StoreError::Configuration(
                "the TTL of the table goes by another attribute than purge_at".to_owned(),
            )),
        };
    }
    let ttl = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(item::PURGE_AT)
        .build()
        .map_err(|_| read::unsendable())?;
    let request = store.shared.client.update_time_to_live();
    let request = request
        .table_name(&store.shared.table)
        .time_to_live_specification(ttl);
    let mut attempts = Attempts::writing(store.shared.attempts);
    loop {
        match request.clone().send().await {
            Ok(_) => return Ok(()),
            Err(error) => attempts.again(Fault::of(&error)).await?,
        }
    }
}

fn keys_only() -> Projection {
    Projection::builder()
        .projection_type(ProjectionType::KeysOnly)
        .build()
}

fn schema(key: KeyOf) -> Result<Vec<KeySchemaElement>, StoreError> {
    let elements = key.map(|(name, role)| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(KeyType::from(role))
            .build()
    });
    let elements: Result<Vec<_>, BuildError> = elements.into_iter().collect();
    elements.map_err(|_| read::unsendable())
}

/// What is wrong with a table.
fn has_shape(table: &TableDescription) -> Result<(), &'static str> {
    if !is_key(table.key_schema(), KEY) {
        return Err("its key is not pk and sk");
    }
    let indexes = table.global_secondary_indexes();
    let index = indexes
        .iter()
        .find(|index| index.index_name() == Some(INDEX));
    let index = index.ok_or("it has no index named purge")?;
    if !is_key(index.key_schema(), INDEX_KEY) {
        return Err("the key of its index is not g and purge_at");
    }
    let has = |(name, kind): &(&str, &str)| {
        let mut attributes = table.attribute_definitions().iter();
        attributes.any(|at| at.attribute_name() == *name && at.attribute_type().as_str() == *kind)
    };
    if ATTRIBUTES.iter().all(has) {
        Ok(())
    } else {
        Err("its keys are not bytes")
    }
}

fn is_key(elements: &[KeySchemaElement], key: KeyOf) -> bool {
    let found = elements.iter().map(|element| {
        let role = element.key_type().as_str();
        (element.attribute_name(), role)
    });
    found.eq(key)
}
