//! That system's table, read page by page.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::AttributeValue;

use super::{AccessToken, Attribute, ItemError};

/// The table of `@access-tokens/core` in DynamoDB. It is only read.
///
/// ```no_run
/// use sealtoken_import::access_tokens::{Table, TableError};
///
/// # async fn example(client: aws_sdk_dynamodb::Client) -> Result<(), TableError> {
/// let table = Table::new(client, "tokens");
/// let mut after = None;
/// loop {
///     let page = table.page(after.as_deref()).await?;
///     println!("{} items", page.items.len());
///     after = page.next;
///     if after.is_none() { break }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
}

/// A page of the table.
#[derive(Debug)]
#[non_exhaustive]
pub struct TablePage {
    /// The tokens. An item that is not a token is an error, with the item's id if it has one.
    pub items: Vec<Result<AccessToken, (Option<String>, ItemError)>>,
    /// The id after which the next page begins; `None` at the end. An interrupted import can
    /// continue after it.
    pub next: Option<String>,
}

/// The table could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    code: String,
}

impl Table {
    /// The table with this name or ARN.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
        }
    }

    /// A page: the items after this id, in DynamoDB's order, which does not change. The id need not
    /// exist.
    ///
    /// The read is consistent. A page of at most 1 MB costs up to 128 read units.
    ///
    /// # Errors
    ///
    /// [`TableError`], after the retries that the client is configured for.
    pub async fn page(&self, after: Option<&str>) -> Result<TablePage, TableError> {
        let after = after.map(|id| {
            let id = AttributeValue::S(id.to_owned());
            HashMap::from([("tokenId".to_owned(), id)])
        });
        let page = self
            .client
            .scan()
            .table_name(&self.name)
            .consistent_read(true)
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(|error| TableError::new(error.code().unwrap_or("no answer")))?;
        let next = match &page.last_evaluated_key {
            Some(key) => Some(id(key).ok_or_else(|| TableError::new("another key than tokenId"))?),
            None => None,
        };
        let items = page.items.unwrap_or_default();
        Ok(TablePage {
            items: items.into_iter().map(read).collect(),
            next,
        })
    }
}

fn read(item: HashMap<String, AttributeValue>) -> Result<AccessToken, (Option<String>, ItemError)> {
    let id = id(&item);
    let attributes = item.into_iter().map(|(name, value)| (name, typed(value)));
    AccessToken::from_attributes(attributes).map_err(|error| (id, error))
}

fn id(item: &HashMap<String, AttributeValue>) -> Option<String> {
    item.get("tokenId")?.as_s().ok().cloned()
}

fn typed(value: AttributeValue) -> Attribute {
    match value {
        AttributeValue::S(text) => Attribute::Text(text),
        AttributeValue::N(digits) => Attribute::Number(digits),
        AttributeValue::Bool(value) => Attribute::Bool(value),
        AttributeValue::Ss(texts) => Attribute::Texts(texts),
        AttributeValue::Null(true) => Attribute::Null,
        AttributeValue::L(values) => {
            let text = |value: AttributeValue| match value {
                AttributeValue::S(text) => Some(text),
                _ => None,
            };
            let texts: Option<Vec<String>> = values.into_iter().map(text).collect();
            texts.map_or(Attribute::Other, Attribute::Texts)
        }
        _ => Attribute::Other,
    }
}

impl TableError {
    /// Filters the code: it comes from whoever answers at that address.
    fn new(code: &str) -> Self {
        let fits = |c: &char| c.is_ascii_alphanumeric() || *c == ' ';
        Self {
            code: code.chars().filter(fits).take(64).collect(),
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the table cannot be read ({}): check its name, the region and the right to scan it",
            self.code
        )
    }
}

impl std::error::Error for TableError {}
