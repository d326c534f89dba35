//! Items as the AWS SDK returns them.

use aws_sdk_dynamodb::types::AttributeValue;
use sealtoken_import::access_tokens::{AccessTokenError, from_item};

use super::{Expected, Outcome, good};

impl Expected {
    /// The item as the AWS SDK returns it.
    pub(super) fn attributes(&self) -> Vec<(String, AttributeValue)> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let time = |time: i64| AttributeValue::N(time.to_string());
        let expiry = |at: Option<i64>| at.map_or(AttributeValue::Null(true), time);
        let attributes = [
            ("tokenId", text(&self.token_id)),
            ("secretPhc", text(&self.secret_phc)),
            ("owner", text(&self.owner)),
            ("isAdmin", AttributeValue::Bool(self.admin)),
            ("roles", AttributeValue::Ss(self.roles.clone())),
            ("createdAt", time(self.created_at)),
            ("lastUsedAt", expiry(self.last_used_at)),
            ("revokedAt", expiry(self.revoked_at)),
            ("expiresAt", expiry(self.expires_at)),
        ];
        attributes
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }
}

/// A type that no attribute of that system has.
fn other_type() -> AttributeValue {
    AttributeValue::M([].into())
}

#[test]
fn typed_attributes_keep_the_same_rules() -> Outcome {
    let good = good()?.attributes();
    let other = |name: &str, value: AttributeValue| {
        let mut changed = good.clone();
        changed.retain(|(each, _)| each != name);
        changed.push((name.to_owned(), value));
        from_item(changed).err()
    };
    assert_eq!(other("unknown", other_type()), None);
    for attribute in [
        "tokenId",
        "secretPhc",
        "owner",
        "isAdmin",
        "roles",
        "createdAt",
        "lastUsedAt",
        "revokedAt",
        "expiresAt",
    ] {
        let invalid = Some(AccessTokenError::Invalid { attribute });
        assert_eq!(other(attribute, other_type()), invalid);
        let time = attribute.ends_with("At");
        if !time || attribute == "createdAt" {
            assert_eq!(other(attribute, AttributeValue::Null(true)), invalid);
        }
        if attribute != "isAdmin" {
            assert_eq!(other(attribute, AttributeValue::Bool(true)), invalid);
        }
        if !time {
            assert_eq!(other(attribute, AttributeValue::N("1".to_owned())), invalid);
            assert_eq!(other(attribute, AttributeValue::S(String::new())), invalid);
        }
        if attribute != "roles" {
            let texts = vec!["1".to_owned()];
            assert_eq!(other(attribute, AttributeValue::Ss(texts)), invalid);
        }
        let twice = [&good[..], &good[..]].concat();
        assert_eq!(from_item(twice).err(), Some(AccessTokenError::Repeated));
    }
    let ghost = good
        .into_iter()
        .filter(|(name, _)| name == "tokenId" || name == "lastUsedAt");
    let error = from_item(ghost).err();
    assert_eq!(error, Some(AccessTokenError::Ghost));
    Ok(())
}
