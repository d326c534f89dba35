//! The shape of the table: checking it, and creating it.

use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata as _};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableDescription, TableStatus, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use sealtoken_store::StoreError;

use super::fault::{Fault, unsendable};
use super::item;
use super::retry::Attempts;
use super::table::Table;

/// The attributes of keys, with their types: bytes or a number.
pub(super) const ATTRIBUTES: [(&str, &str); 4] = [
    (item::PARTITION, "B"),
    (item::SORT, "B"),
    (item::DUE, "B"),
    (item::PURGE_AT, "N"),
];

/// A key: the attribute of the partition, and the one that sorts it.
pub(super) type KeyOf = [(&'static str, &'static str); 2];

/// The key of an item.
pub(super) const KEY: KeyOf = [(item::PARTITION, "HASH"), (item::SORT, "RANGE")];

/// The index of records that will be due, and its key. It holds only keys, and only of records with
/// a `purge_at`.
pub(super) const INDEX: &str = "purge";
pub(super) const INDEX_KEY: KeyOf = [(item::DUE, "HASH"), (item::PURGE_AT, "RANGE")];

/// How long to wait for a new table, in seconds.
const MAX_WAIT: u32 = 300;

/// Checks that the table exists and has the shape.
pub(super) async fn check(table: &Table) -> Result<(), StoreError> {
    let found = describe(table).await?.ok_or_else(|| missing(table))?;
    has_shape(&found).map_err(|what| {
        let name = &table.name;
        StoreError::configuration(format!(
            "table {name} has another shape: {what}; see docs/dynamodb.md, or use another table"
        ))
    })?;
    match found.table_status {
        // A table that is being updated can be used.
        Some(TableStatus::Active | TableStatus::Updating) => Ok(()),
        status => {
            let status = status.as_ref().map_or("unknown", TableStatus::as_str);
            Err(StoreError::unavailable(format!("the table is {status}")))
        }
    }
}

/// Creates the table if it is missing, waits until it can be used, and turns TTL on.
pub(super) async fn create(table: &Table) -> Result<(), StoreError> {
    if describe(table).await?.is_none() {
        begin(table).await?;
    }
    let mut waited = 0;
    loop {
        match describe(table).await? {
            Some(found) if found.table_status == Some(TableStatus::Active) => break,
            // A new table is not always visible at once.
            _ if waited < MAX_WAIT => tokio::time::sleep(Duration::from_secs(1)).await,
            _ => return Err(StoreError::unavailable("the table is not active yet")),
        }
        waited = waited.saturating_add(1);
    }
    check(table).await?;
    expire(table).await
}

fn missing(table: &Table) -> StoreError {
    let name = &table.name;
    StoreError::configuration(format!(
        "table {name} does not exist: create it with DynamoOptions::create_table, or with \
         `sealtoken store create --store dynamodb:{name}`"
    ))
}

async fn describe(table: &Table) -> Result<Option<TableDescription>, StoreError> {
    let mut attempts = Attempts::reading(table.attempts);
    loop {
        let request = table.client.describe_table();
        match request.table_name(&*table.name).send().await {
            Ok(answer) => return Ok(answer.table),
            Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
            Err(error) => attempts.again(Fault::of(error)).await?,
        }
    }
}

async fn begin(table: &Table) -> Result<(), StoreError> {
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
    let request = table.client.create_table();
    let request = request
        .table_name(&*table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.map_err(unsendable)?))
        .set_key_schema(Some(schema(KEY)?))
        .global_secondary_indexes(index.build().map_err(unsendable)?);
    let mut attempts = Attempts::writing(table.attempts);
    loop {
        let Err(error) = request.clone().send().await else {
            return Ok(());
        };
        // Another process was faster, or an earlier attempt whose reply was lost.
        if let Some(CreateTableError::ResourceInUseException(_)) = error.as_service_error() {
            return Ok(());
        }
        attempts.again(Fault::of(error)).await?;
    }
}

/// Turns TTL on. A TTL by another attribute is refused: it would remove records that are not due.
async fn expire(table: &Table) -> Result<(), StoreError> {
    let request = table.client.describe_time_to_live();
    let request = request.table_name(&*table.name);
    let answer = table.ask(|| request.clone().send()).await?;
    if let Some(ttl) = answer.time_to_live_description
        && let Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) =
            ttl.time_to_live_status
    {
        return match ttl.attribute_name.as_deref() {
            Some(item::PURGE_AT) => Ok(()),
            _ => Err(StoreError::configuration(
                "the TTL of the table uses another attribute than purge_at: turn it off",
            )),
        };
    }
    let ttl = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(item::PURGE_AT)
        .build()
        .map_err(unsendable)?;
    let request = table.client.update_time_to_live();
    let request = request
        .table_name(&*table.name)
        .time_to_live_specification(ttl);
    let mut attempts = Attempts::writing(table.attempts);
    loop {
        match request.clone().send().await {
            Ok(_) => return Ok(()),
            Err(error) => attempts.again(Fault::of(error)).await?,
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
    elements.map_err(unsendable)
}

/// Checks the shape of a table. The error says what is wrong.
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
