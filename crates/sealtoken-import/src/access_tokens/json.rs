//! DynamoDB's JSON: an object whose members are objects with one member, named after its type.
//!
//! At most four levels are read, and a loop skips the rest: deeply nested text costs no stack.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::value::RawValue;

use crate::entries::entries;

use super::attribute::Attribute;
use super::{AccessTokenError, MAX_ROLES, known};

/// The maximum size of an item's JSON, in bytes.
const MAX_JSON: usize = 1 << 20;

/// The known attributes of an item. For others, only the names are read.
pub(super) fn attributes(text: &str) -> Result<Vec<(String, Attribute)>, AccessTokenError> {
    if text.len() > MAX_JSON {
        return Err(AccessTokenError::TooLong);
    }
    let mut item = members(text)?;
    // Under `Item`, unless this is an item itself that has an attribute of that name.
    if !item.iter().any(|(name, _)| name == "tokenId")
        && let Some((_, inner)) = item.iter().find(|(name, _)| name == "Item")
    {
        item = members(inner.get())?;
    }
    let mut attributes = Vec::new();
    for (name, value) in item {
        if known(&name).is_some() {
            let attribute = typed(value.get()).ok_or(AccessTokenError::Malformed)?;
            attributes.push((name.into_owned(), attribute));
        }
    }
    Ok(attributes)
}

type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// The members of an object. A repeated name is an error.
fn members(text: &str) -> Result<Members<'_>, AccessTokenError> {
    let members = entries(text).ok_or(AccessTokenError::Malformed)?;
    let mut names = BTreeSet::new();
    if members.iter().all(|(name, _)| names.insert(&**name)) {
        Ok(members)
    } else {
        Err(AccessTokenError::Repeated)
    }
}

fn typed(value: &str) -> Option<Attribute> {
    let (kind, value) = only_member(value)?;
    Some(match &*kind {
        "S" => Attribute::Text(string(value)?),
        "N" => Attribute::Number(string(value)?),
        "BOOL" => Attribute::Bool(serde_json::from_str(value.get()).ok()?),
        "SS" => Attribute::Texts(
            list(value)?
                .into_iter()
                .map(string)
                .collect::<Option<_>>()?,
        ),
        "L" => texts(list(value)?),
        "NULL" => match value.get() {
            "true" => Attribute::Null,
            _ => return None,
        },
        "B" | "BS" | "M" | "NS" => Attribute::Other,
        _ => return None,
    })
}

/// A list of values of type `S`. Nested lists are not read.
fn texts(values: Vec<&RawValue>) -> Attribute {
    let text = |value: &RawValue| {
        let (kind, value) = only_member(value.get())?;
        if kind == "S" { string(value) } else { None }
    };
    let texts: Option<Vec<String>> = values.into_iter().map(text).collect();
    texts.map_or(Attribute::Other, Attribute::Texts)
}

fn only_member(object: &str) -> Option<(Cow<'_, str>, &RawValue)> {
    let mut members = entries(object)?.into_iter();
    match (members.next(), members.next()) {
        (Some(member), None) => Some(member),
        _ => None,
    }
}

/// The values of a list, up to one more than the limit.
fn list(value: &RawValue) -> Option<Vec<&RawValue>> {
    let mut values: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    values.truncate(MAX_ROLES.saturating_add(1));
    Some(values)
}

fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}
