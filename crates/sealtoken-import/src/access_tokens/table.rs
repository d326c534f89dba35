//! That system's table, read from DynamoDB.

use std::collections::HashMap;
use std::{fmt, vec};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::AttributeValue;
use sealtoken::pat::ForeignPat;
use sealtoken::store::StoreError;

use super::attribute::Attribute;
use super::{AccessTokenError, token};

/// Reads one item as the AWS SDK returns it, by the rules of
/// [`from_dynamodb_json`](super::from_dynamodb_json).
///
/// ```
/// use std::collections::HashMap;
///
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use sealtoken_import::access_tokens::{self, AccessTokenError};
///
/// /// The owner of the token in an item, as `GetItem` returns it.
/// fn owner(item: HashMap<String, AttributeValue>) -> Result<String, AccessTokenError> {
///     Ok(access_tokens::from_item(item)?.owner)
/// }
/// # let secret = "A".repeat(43);
/// # let phc = format!("$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA${secret}");
/// # let text = |text: &str| AttributeValue::S(text.to_owned());
/// # let item = HashMap::from([
/// #     ("tokenId".to_owned(), text("34NwRzvnBbgI3uedkrQ3Q")),
/// #     ("secretPhc".to_owned(), text(&phc)),
/// #     ("owner".to_owned(), text("ada@example.com")),
/// #     ("createdAt".to_owned(), AttributeValue::N("1763755200".to_owned())),
/// # ]);
/// # assert_eq!(owner(item).as_deref(), Ok("ada@example.com"));
/// ```
///
/// # Errors
///
/// [`Repeated`](AccessTokenError::Repeated), [`Ghost`](AccessTokenError::Ghost),
/// [`Missing`](AccessTokenError::Missing) and [`Invalid`](AccessTokenError::Invalid).
pub fn from_item(
    item: impl IntoIterator<Item = (String, AttributeValue)>,
) -> Result<ForeignPat, AccessTokenError> {
    token(item.into_iter().map(|(name, value)| (name, typed(value))))
}

/// The table of `@access-tokens/core` in DynamoDB, token by token. It is only read.
///
/// Tokens come in DynamoDB's order, which does not change. Only one page of the table is in memory.
///
/// ```no_run
/// use sealtoken::pat::PersonalAccessTokens;
/// use sealtoken_import::access_tokens::Table;
///
/// # async fn example(
/// #     client: aws_sdk_dynamodb::Client,
/// #     pats: PersonalAccessTokens,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let mut table = Table::new(client, "tokens");
/// while let Some(token) = table.next().await {
///     let imported = pats.import([token?]).await?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct Table {
    client: Client,
    name: String,
    /// What is left of the page that was read last.
    page: vec::IntoIter<Item>,
    /// Where the next page begins; `None` if there is no other page.
    next: Option<Start>,
    last_id: Option<String>,
}

type Item = HashMap<String, AttributeValue>;

/// The id after which a page begins; `None` for the first page.
type Start = Option<String>;

impl Table {
    /// The table with this name or ARN.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
            page: Vec::new().into_iter(),
            next: Some(None),
            last_id: None,
        }
    }

    /// Begins after the item with this id, which need not exist.
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        self.page = Vec::new().into_iter();
        self.next = Some(Some(id.clone()));
        self.last_id = Some(id);
        self
    }

    /// The next token, or `None` at the end.
    ///
    /// The read is consistent. A page of at most 1 MB costs up to 128 read units.
    ///
    /// # Errors
    ///
    /// - [`Table`](AccessTokenError::Table), after the retries that the client is configured for.
    ///   Calling `next` again tries again.
    /// - Any other [`AccessTokenError`] concerns one item, which [`last_id`](Self::last_id) names
    ///   if it has an id. Calling `next` again goes on after it.
    pub async fn next(&mut self) -> Option<Result<ForeignPat, AccessTokenError>> {
        loop {
            if let Some(item) = self.page.next() {
                self.last_id = id(&item);
                return Some(from_item(item));
            }
            let after = self.next.clone()?;
            if let Err(error) = self.read_page(after).await {
                return Some(Err(AccessTokenError::Table(error)));
            }
        }
    }

    /// The id of the item that [`next`](Self::next) returned last, even if that is not a token;
    /// `None` if the item has no id. An interrupted import continues [`after`](Self::after) the
    /// last id that was not `None`.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    async fn read_page(&mut self, after: Start) -> Result<(), StoreError> {
        let after = after.map(|id| HashMap::from([("tokenId".into(), AttributeValue::S(id))]));
        let scan = self.client.scan().table_name(&self.name);
        let page = scan
            .consistent_read(true)
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(|error| {
                let unavailable = unavailable(error.code().unwrap_or("no answer"));
                match error.into_source() {
                    Ok(source) => unavailable.with_source(source),
                    Err(_) => unavailable,
                }
            })?;
        self.next = match &page.last_evaluated_key {
            Some(key) => Some(Some(
                id(key).ok_or_else(|| unavailable("another key than tokenId"))?,
            )),
            None => None,
        };
        self.page = page.items.unwrap_or_default().into_iter();
        Ok(())
    }
}

/// The name alone: the page holds hashes.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The error with this code, filtered: it comes from whoever answers at that address.
fn unavailable(code: &str) -> StoreError {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == ' ';
    StoreError::unavailable(code.chars().filter(is_plain).take(64).collect::<String>())
}

fn id(item: &Item) -> Option<String> {
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
