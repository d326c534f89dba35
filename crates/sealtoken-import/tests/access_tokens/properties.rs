//! Tokens that are read back, and text that is nearly an item.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sealtoken::pat::ForeignPat;
use sealtoken_import::access_tokens::{self, AccessTokenError};
use serde_json::Value;

use super::{Expected, read};

fn text(max: usize) -> impl Strategy<Value = String> {
    let letters = prop_oneof![any::<char>(), proptest::char::range(' ', '~')];
    proptest::collection::vec(letters, 1..=max).prop_map(String::from_iter)
}

fn expiry() -> impl Strategy<Value = Option<i64>> {
    proptest::option::of(1..=253_402_300_799_i64)
}

prop_compose! {
    fn token()(
        token_id in "[0-9A-Za-z]{21}",
        secret_phc in text(200),
        owner in text(100),
        admin: bool,
        roles in proptest::collection::btree_set(text(10), 0..=50),
        created_at in 0..=253_402_300_799_i64,
        last_used_at in expiry(),
        revoked_at in expiry(),
        expires_at in expiry(),
    ) -> Expected {
        let roles = roles.into_iter().collect();
        Expected {
            token_id,
            secret_phc,
            owner,
            admin,
            roles,
            created_at,
            last_used_at,
            revoked_at,
            expires_at,
        }
    }
}

/// JSON with the names of an item in it.
fn near() -> impl Strategy<Value = Value> {
    let names = || {
        prop_oneof![
            "tokenId|secretPhc|owner|isAdmin|roles|createdAt|lastUsedAt|revokedAt|expiresAt|Item|x",
            "S|N|BOOL|SS|L|NULL|M|NS",
        ]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[0-9]{0,13}|[0-9A-Za-z]{21}|.{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 10, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(names(), inner, 0..10)
                .prop_map(|map: BTreeMap<_, _>| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Whether a token keeps the documented limits.
fn keeps_the_limits(token: &ForeignPat) -> bool {
    let fits = |text: &str, max| (1..=max).contains(&text.chars().count());
    let id = token.id.as_str();
    let times = [token.last_used_at, token.revoked_at, token.expires_at];
    let mut times = times.into_iter().flatten().chain([token.created_at]);
    id.len() == 21
        && id.chars().all(|letter| letter.is_ascii_alphanumeric())
        && fits(&token.hash, 200)
        && fits(&token.owner, 100)
        && token.roles.len() <= 50
        && token.roles.iter().all(|role| fits(role, 100))
        && times.all(|time| (0..=253_402_300_799).contains(&time.as_secs()))
        && token.revoked_at.is_none_or(|time| time.as_secs() > 0)
        && token.expires_at.is_none_or(|time| time.as_secs() > 0)
}

proptest! {
    #[test]
    fn any_token_comes_back(token in token(), order in any::<proptest::sample::Index>()) {
        let read = read(&token.item());
        prop_assert_eq!(read.as_ref(), Ok(&token));
        let mut members: Vec<(String, Value)> =
            token.item().as_object().cloned().unwrap_or_default().into_iter().collect();
        let first = order.index(members.len());
        members.rotate_left(first);
        let member = |(name, value): (String, Value)| format!("\"{name}\":{value}");
        let members: Vec<String> = members.into_iter().map(member).collect();
        let again = access_tokens::from_dynamodb_json(&format!("{{{}}}", members.join(",")));
        prop_assert!(again.as_ref().is_ok_and(keeps_the_limits));
        prop_assert_eq!(again.map(Expected::from), Ok(token.clone()));
        #[cfg(feature = "dynamodb")]
        {
            let mut attributes = token.attributes();
            let first = order.index(attributes.len());
            attributes.rotate_left(first);
            let again = access_tokens::from_item(attributes);
            prop_assert!(again.as_ref().is_ok_and(keeps_the_limits));
            prop_assert_eq!(again.map(Expected::from), Ok(token));
        }
    }

    #[test]
    fn any_text_ends_without_a_panic(text: String, json in near()) {
        for text in [text, json.to_string()] {
            let token = access_tokens::from_dynamodb_json(&text);
            prop_assert!(token.is_err() || token.as_ref().is_ok_and(keeps_the_limits));
        }
    }

    #[test]
    fn any_other_value_in_an_item_ends_in_a_token_or_a_refusal_of_it(
        token in token(),
        at in 0_usize..9,
        other in near(),
    ) {
        let names: BTreeSet<&str> = [
            "tokenId", "secretPhc", "owner", "isAdmin", "roles", "createdAt", "lastUsedAt",
            "revokedAt", "expiresAt",
        ].into();
        let name = names.iter().nth(at).copied().unwrap_or_default();
        let mut item = token.item();
        item[name] = other;
        match access_tokens::from_dynamodb_json(&item.to_string()) {
            Ok(token) => prop_assert!(keeps_the_limits(&token)),
            Err(error) => prop_assert!(
                matches!(error, AccessTokenError::Malformed | AccessTokenError::Repeated)
                    || super::attribute(&error) == Some(name),
                "{}: {}", name, error
            ),
        }
    }
}
