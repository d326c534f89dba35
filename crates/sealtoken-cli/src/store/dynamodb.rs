//! DynamoDB, in builds with its feature.

use std::sync::Arc;

use sealtoken::store::Store;
use sealtoken_dynamodb::{DynamoOptions, DynamoStore};

use crate::failure::Failure;

use super::Template;

pub(crate) use sealtoken_import::access_tokens::Table;

pub(super) async fn open(address: &str) -> Result<Arc<dyn Store>, Failure> {
    Ok(Arc::new(options(address)?.open().await?))
}

pub(super) async fn create(address: &str) -> Result<(), Failure> {
    options(address)?.create_table().await?;
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "it fails in builds without it")]
pub(super) fn template(template: Template, table: &str) -> Result<String, Failure> {
    Ok(match template {
        Template::Cloudformation => DynamoStore::cloud_formation(table),
        Template::Terraform => DynamoStore::terraform(table),
    })
}

/// The table of the Node system access-tokens at `dynamodb:TABLE`, after the item with this id.
pub(crate) async fn access_tokens(address: &str, after: Option<&str>) -> Result<Table, Failure> {
    let address = address.strip_prefix("dynamodb:").ok_or_else(|| {
        Failure::Problem("--from names no table: give dynamodb:TABLE?region=REGION".into())
    })?;
    let table = address.split_once('?').map_or(address, |(table, _)| table);
    let table = Table::new(options(address)?.into_client().await?, table);
    Ok(match after {
        Some(id) => table.after(id),
        None => table,
    })
}

/// Reads `TABLE?region=…&endpoint=…`, where the query may be left out. Credentials come only from
/// the environment.
fn options(address: &str) -> Result<DynamoOptions, Failure> {
    let (table, query) = address.split_once('?').unwrap_or((address, ""));
    let wrong = |what: &str| Err(Failure::Problem(what.into()));
    if table.is_empty() {
        return wrong("the store names no table: give dynamodb:TABLE");
    }
    let mut options = DynamoStore::options(table);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        options = match pair.split_once('=') {
            Some(("region", region)) => options.region(region),
            Some(("endpoint", url)) => options.endpoint(url),
            _ => return wrong("only ?region=REGION&endpoint=URL may follow the table"),
        };
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_may_say_where_it_is() {
        let shown = |address| options(address).map(|options| format!("{options:?}")).ok();
        let whole = shown("t?region=r&endpoint=http://127.0.0.1:8000").unwrap();
        for part in ["\"t\"", "Some(\"r\")", "Some(\"http://127.0.0.1:8000\")"] {
            assert!(whole.contains(part), "{whole}");
        }
        assert!(shown("t").is_some() && shown("t?").is_some());
        for strange in ["", "?region=r", "t?zone=z", "t?region"] {
            assert_eq!(shown(strange), None, "{strange}");
        }
    }
}
