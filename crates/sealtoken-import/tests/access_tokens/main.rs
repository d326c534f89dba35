//! Items of the Node system @access-tokens/core, against vectors that Python made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

#[cfg(feature = "dynamodb")]
mod items;
mod properties;

use std::collections::BTreeSet;
use std::error::Error;

use sealtoken::UnixTime;
use sealtoken::pat::ForeignPat;
use sealtoken_import::access_tokens::{self, AccessTokenError};
use serde::Deserialize;
use serde_json::{Value, json};

type Outcome = Result<(), Box<dyn Error>>;

/// The maximum size of an item's JSON, in bytes.
const MAX_JSON: usize = 1 << 20;

#[derive(Deserialize)]
struct Vectors {
    items: Vec<Vector>,
}

/// What the vectors of tokens and of items have in common.
#[derive(Deserialize)]
struct Faults {
    tokens: Vec<Fault>,
    items: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    fault: Option<String>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    item: String,
    item_repeated: Option<(String, String, usize, String)>,
    expect: Option<Expected>,
    error: Option<String>,
    attribute: Option<String>,
}

impl Vector {
    fn item(&self) -> String {
        match &self.item_repeated {
            Some((begin, group, times, end)) => [begin, &*group.repeat(*times), end].concat(),
            None => self.item.clone(),
        }
    }
}

/// What a token holds, by the names of the vectors.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Expected {
    token_id: String,
    secret_phc: String,
    owner: String,
    admin: bool,
    roles: Vec<String>,
    created_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
    expires_at: Option<i64>,
}

impl From<ForeignPat> for Expected {
    fn from(token: ForeignPat) -> Self {
        Self {
            secret_phc: token.hash,
            token_id: token.id.to_string(),
            owner: token.owner,
            admin: token.admin,
            roles: token.roles.into_iter().collect(),
            created_at: token.created_at.as_secs(),
            last_used_at: token.last_used_at.map(UnixTime::as_secs),
            revoked_at: token.revoked_at.map(UnixTime::as_secs),
            expires_at: token.expires_at.map(UnixTime::as_secs),
        }
    }
}

impl Expected {
    /// The item as that system writes it: what is missing has no attribute.
    fn item(&self) -> Value {
        let mut item = json!({
            "tokenId": {"S": self.token_id},
            "secretPhc": {"S": self.secret_phc},
            "owner": {"S": self.owner},
            "isAdmin": {"BOOL": self.admin},
            "createdAt": {"N": self.created_at.to_string()},
        });
        if !self.roles.is_empty() {
            item["roles"] = json!({"SS": self.roles});
        }
        for (name, time) in [
            ("lastUsedAt", self.last_used_at),
            ("revokedAt", self.revoked_at),
            ("expiresAt", self.expires_at),
        ] {
            if let Some(time) = time {
                item[name] = json!({"N": time.to_string()});
            }
        }
        item
    }
}

fn vectors() -> Result<Vec<Vector>, serde_json::Error> {
    let text = include_str!("../../../../tests/vectors/access_tokens.json");
    Ok(serde_json::from_str::<Vectors>(text)?.items)
}

fn good() -> Result<Expected, Box<dyn Error>> {
    let vectors = vectors()?;
    let everything = vectors
        .into_iter()
        .find(|vector| vector.name == "everything");
    everything
        .and_then(|vector| vector.expect)
        .ok_or_else(|| "no such vector".into())
}

/// The attribute that an error names.
fn attribute(error: &AccessTokenError) -> Option<&'static str> {
    match error {
        AccessTokenError::Missing { attribute } | AccessTokenError::Invalid { attribute } => {
            Some(attribute)
        }
        _ => None,
    }
}

fn read(item: &Value) -> Result<Expected, AccessTokenError> {
    access_tokens::from_dynamodb_json(&item.to_string()).map(Expected::from)
}

#[test]
fn every_item_is_read_or_refused_as_its_vector_says() -> Outcome {
    let (mut taken, mut refused) = (0, 0);
    for vector in vectors()? {
        let name = &vector.name;
        let outcome = access_tokens::from_dynamodb_json(&vector.item());
        if let Some(expect) = vector.expect {
            let token = outcome.map_err(|error| format!("{name}: {error}"))?;
            assert_eq!(Expected::from(token), expect, "{name}");
            taken += 1;
        } else {
            let error = outcome.err().ok_or_else(|| format!("{name} was taken"))?;
            assert_eq!(Some(error.code()), vector.error.as_deref(), "{name}");
            assert_eq!(attribute(&error), vector.attribute.as_deref(), "{name}");
            refused += 1;
        }
    }
    assert!(taken >= 42 && refused >= 97, "{taken} and {refused}");
    Ok(())
}

#[test]
fn what_is_taken_comes_back_from_json_from_under_item_and_from_attributes() -> Outcome {
    for expect in vectors()?.into_iter().filter_map(|vector| vector.expect) {
        let item = expect.item();
        assert_eq!(read(&item)?, expect);
        assert_eq!(read(&json!({"Item": item}))?, expect);
        #[cfg(feature = "dynamodb")]
        assert_eq!(
            Expected::from(access_tokens::from_item(expect.attributes())?),
            expect
        );
    }
    Ok(())
}

#[test]
fn neither_tokens_nor_errors_print_the_hash() -> Outcome {
    let good = good()?;
    let token = access_tokens::from_dynamodb_json(&good.item().to_string())?;
    let printed = format!("{token:?}");
    let (_, hash) = good.secret_phc.rsplit_once('$').ok_or("no hash")?;
    assert!(
        !printed.contains(hash) && printed.contains("ForeignPat"),
        "{printed}"
    );

    // Whatever is wrong, an error holds nothing of what was given.
    for vector in vectors()? {
        if let Err(error) = access_tokens::from_dynamodb_json(&vector.item()) {
            let printed = format!("{error} {error:?}");
            let secret = printed.contains("$scrypt") || printed.contains("34Nw");
            assert!(!secret && !printed.contains("@example"), "{printed}");
        }
    }
    Ok(())
}

#[test]
fn the_length_of_the_text_is_bounded() -> Outcome {
    let good = good()?.item().to_string();
    let mut text = good.clone();
    text.push_str(&" ".repeat(MAX_JSON - good.len()));
    assert!(access_tokens::from_dynamodb_json(&text).is_ok());
    text.push(' ');
    let error = access_tokens::from_dynamodb_json(&text).err();
    assert_eq!(error, Some(AccessTokenError::TooLong));
    Ok(())
}

#[test]
fn no_depth_costs_stack() -> Outcome {
    // In an attribute that is read, in one that is left out, and in the place of an item: as deep
    // as fits.
    let good = good()?.item().to_string();
    let roles = r#"{"SS":["reader","writer"]}"#;
    assert!(good.contains(roles));
    for (begin, end) in [(r#"{"L":["#, "]}"), (r#"{"M":{"a":"#, "}}"), ("[", "]")] {
        let times = (MAX_JSON - 1000) / (begin.len() + end.len());
        let nested = begin.repeat(times) + r#"{"S":"x"}"# + &end.repeat(times);
        for text in [
            nested.clone(),
            format!(r#"{{"Item":{nested}}}"#),
            good.replace(roles, &nested),
        ] {
            let error = access_tokens::from_dynamodb_json(&text).err();
            assert!(error.is_some_and(|error| error != AccessTokenError::TooLong));
        }
        let unknown = good.replacen('{', &format!(r#"{{"unknown":{nested},"#), 1);
        assert!(access_tokens::from_dynamodb_json(&unknown).is_ok());
    }
    Ok(())
}

#[test]
fn every_behaviour_of_that_system_has_a_row_in_the_document() -> Outcome {
    let document = include_str!("../../../../docs/from-access-tokens.md");
    let rows: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
        .collect();
    for (letter, last) in [
        ('T', 13),
        ('P', 18),
        ('C', 4),
        ('M', 37),
        ('V', 12),
        ('D', 12),
    ] {
        for number in 1..=last {
            let name = format!("{letter}{number}");
            assert!(rows.contains(&*name), "{name}");
        }
    }
    let vectors: Faults =
        serde_json::from_str(include_str!("../../../../tests/vectors/access_tokens.json"))?;
    let vectors = [vectors.tokens, vectors.items];
    let faults: BTreeSet<String> = vectors
        .into_iter()
        .flatten()
        .filter_map(|vector| vector.fault)
        .collect();
    assert!(faults.len() > 20);
    for fault in faults {
        assert!(rows.contains(&*fault), "{fault}");
    }
    Ok(())
}

#[test]
fn an_invalid_attribute_is_reported_with_its_rule() {
    for (attribute, rule) in [
        ("tokenId", "21 letters"),
        ("secretPhc", "200 characters"),
        ("owner", "a text of 1 to 100"),
        ("isAdmin", "true or false"),
        ("roles", "a set of at most 50"),
        ("createdAt", "seconds since 1970"),
        ("expiresAt", "seconds since 1970"),
    ] {
        let message = AccessTokenError::Invalid { attribute }.to_string();
        assert!(
            message.starts_with(attribute) && message.contains(rule),
            "{message}"
        );
    }
}
