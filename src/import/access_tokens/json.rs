//! DynamoDB's JSON: an object whose members are objects with one member, which is named for its type.
//!
//! What is read goes down four levels at most, and what is left out is skipped by a loop: no depth of the text costs stack.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::value::RawValue;

use crate::token::entries;

use super::{AccessToken, Attribute, ItemError, known};

/// The attributes of an item that are known. The others were looked at for their names alone.
pub(super) fn attributes(text: &str) -> Result<Vec<(String, Attribute)>, ItemError> {
    if text.len() > AccessToken::MAX_JSON {
        return Err(ItemError::TooLong);
    }
    let mut item = members(text)?;
    // Under `Item`, unless this is an item already, one that has an attribute of that name.
    if !item.iter().any(|(name, _)| name == "tokenId")
        && let Some((_, inner)) = item.iter().find(|(name, _)| name == "Item")
    {
        item = members(inner.get())?;
    }
    let mut attributes = Vec::new();
    for (name, value) in item {
        if known(&name).is_some() {
            let attribute = typed(value.get()).ok_or(ItemError::Malformed)?;
            attributes.push((name.into_owned(), attribute));
        }
    }
    Ok(attributes)
}

type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// The members of an object, none of them twice.
fn members(text: &str) -> Result<Members<'_>, ItemError> {
    let members = entries(text).ok_or(ItemError::Malformed)?;
    let mut names = BTreeSet::new();
    if members.iter().all(|(name, _)| names.insert(&**name)) {
        Ok(members)
    } else {
        Err(ItemError::Repeated)
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

/// A list of values of type `S`. Lists in lists are not gone into.
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

/// The values of a list, as far as they are needed to see that they are too many.
fn list(value: &RawValue) -> Option<Vec<&RawValue>> {
    let mut values: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    values.truncate(AccessToken::MAX_ROLES.saturating_add(1));
    Some(values)
}

fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}
