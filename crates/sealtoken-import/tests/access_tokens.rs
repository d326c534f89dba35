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

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use proptest::prelude::*;
use sealtoken::UnixTime;
use sealtoken_import::access_tokens::{AccessToken, Attribute, ItemError};
use serde::Deserialize;
use serde_json::{Value, json};

type Outcome = Result<(), Box<dyn Error>>;

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

/// What a token holds, in the words of the vectors.
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

impl From<AccessToken> for Expected {
    fn from(token: AccessToken) -> Self {
        Self {
            secret_phc: token.secret_phc.expose().to_owned(),
            token_id: token.token_id.to_string(),
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
    /// The item as that system writes it: no attribute for what there is not.
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

    /// The same without JSON.
    fn attributes(&self) -> Vec<(String, Attribute)> {
        let text = |text: &str| Attribute::Text(text.to_owned());
        let time = |time: i64| Attribute::Number(time.to_string());
        let ends = |at: Option<i64>| at.map_or(Attribute::Null, time);
        let attributes = [
            ("tokenId", text(&self.token_id)),
            ("secretPhc", text(&self.secret_phc)),
            ("owner", text(&self.owner)),
            ("isAdmin", Attribute::Bool(self.admin)),
            ("roles", Attribute::Texts(self.roles.clone())),
            ("createdAt", time(self.created_at)),
            ("lastUsedAt", ends(self.last_used_at)),
            ("revokedAt", ends(self.revoked_at)),
            ("expiresAt", ends(self.expires_at)),
        ];
        attributes
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }
}

fn vectors() -> Result<Vec<Vector>, serde_json::Error> {
    let text = include_str!("../../../tests/vectors/access_tokens.json");
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

fn read(item: &Value) -> Result<Expected, ItemError> {
    AccessToken::from_dynamodb_json(&item.to_string()).map(Expected::from)
}

#[test]
fn every_item_is_read_or_refused_as_its_vector_says() -> Outcome {
    let (mut taken, mut refused) = (0, 0);
    for vector in vectors()? {
        let name = &vector.name;
        let outcome = AccessToken::from_dynamodb_json(&vector.item());
        if let Some(expect) = vector.expect {
            let token = outcome.map_err(|error| format!("{name}: {error}"))?;
            assert_eq!(Expected::from(token), expect, "{name}");
            taken += 1;
        } else {
            let error = outcome.err().ok_or_else(|| format!("{name} was taken"))?;
            assert_eq!(Some(error.code()), vector.error.as_deref(), "{name}");
            assert_eq!(error.attribute(), vector.attribute.as_deref(), "{name}");
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
        let token = AccessToken::from_attributes(expect.attributes())?;
        assert_eq!(Expected::from(token), expect);
    }
    Ok(())
}

#[test]
fn typed_attributes_keep_the_same_rules() -> Outcome {
    let good = good()?.attributes();
    let other = |name: &str, value: Attribute| {
        let mut changed = good.clone();
        changed.retain(|(each, _)| each != name);
        changed.push((name.to_owned(), value));
        AccessToken::from_attributes(changed).err()
    };
    assert_eq!(other("unknown", Attribute::Other), None);
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
        let invalid = Some(ItemError::Invalid { attribute });
        assert_eq!(other(attribute, Attribute::Other), invalid);
        let time = attribute.ends_with("At");
        if !time || attribute == "createdAt" {
            assert_eq!(other(attribute, Attribute::Null), invalid);
        }
        if attribute != "isAdmin" {
            assert_eq!(other(attribute, Attribute::Bool(true)), invalid);
        }
        if !time {
            assert_eq!(other(attribute, Attribute::Number("1".to_owned())), invalid);
            assert_eq!(other(attribute, Attribute::Text(String::new())), invalid);
        }
        if attribute != "roles" {
            let texts = vec!["1".to_owned()];
            assert_eq!(other(attribute, Attribute::Texts(texts)), invalid);
        }
        let twice = [&good[..], &good[..]].concat();
        assert_eq!(
            AccessToken::from_attributes(twice).err(),
            Some(ItemError::Repeated)
        );
    }
    let ghost = good
        .into_iter()
        .filter(|(name, _)| name == "tokenId" || name == "lastUsedAt");
    let error = AccessToken::from_attributes(ghost).err();
    assert_eq!(error, Some(ItemError::Ghost));
    Ok(())
}

#[test]
fn neither_tokens_nor_attributes_nor_errors_print_the_hash() -> Outcome {
    let good = good()?;
    let token = AccessToken::from_attributes(good.attributes())?;
    let printed = format!("{token:?} {:?}", good.attributes());
    let (_, hash) = good.secret_phc.rsplit_once('$').ok_or("no hash")?;
    assert!(
        !printed.contains(hash) && printed.contains("SecretPhc"),
        "{printed}"
    );

    // Whatever is wrong, an error holds nothing of what was given.
    for vector in vectors()? {
        if let Err(error) = AccessToken::from_dynamodb_json(&vector.item()) {
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
    text.push_str(&" ".repeat(AccessToken::MAX_JSON - good.len()));
    assert!(AccessToken::from_dynamodb_json(&text).is_ok());
    text.push(' ');
    let error = AccessToken::from_dynamodb_json(&text).err();
    assert_eq!(error, Some(ItemError::TooLong));
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
        let times = (AccessToken::MAX_JSON - 1000) / (begin.len() + end.len());
        let nested = begin.repeat(times) + r#"{"S":"x"}"# + &end.repeat(times);
        for text in [
            nested.clone(),
            format!(r#"{{"Item":{nested}}}"#),
            good.replace(roles, &nested),
        ] {
            let error = AccessToken::from_dynamodb_json(&text).err();
            assert!(error.is_some_and(|error| error != ItemError::TooLong));
        }
        let unknown = good.replacen('{', &format!(r#"{{"unknown":{nested},"#), 1);
        assert!(AccessToken::from_dynamodb_json(&unknown).is_ok());
    }
    Ok(())
}

#[test]
fn every_behaviour_of_that_system_has_a_row_in_the_document() -> Outcome {
    let document = include_str!("../../../docs/from-access-tokens.md");
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
        serde_json::from_str(include_str!("../../../tests/vectors/access_tokens.json"))?;
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

fn text(most: usize) -> impl Strategy<Value = String> {
    let letters = prop_oneof![any::<char>(), proptest::char::range(' ', '~')];
    proptest::collection::vec(letters, 1..=most).prop_map(String::from_iter)
}

fn end() -> impl Strategy<Value = Option<i64>> {
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
        last_used_at in end(),
        revoked_at in end(),
        expires_at in end(),
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

/// JSON that has the words of an item in it.
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

/// What every token keeps.
fn keeps_the_limits(token: &AccessToken) -> bool {
    let fits = |text: &str, most| (1..=most).contains(&text.chars().count());
    let id = token.token_id.as_str();
    let times = [token.last_used_at, token.revoked_at, token.expires_at];
    let mut times = times.into_iter().flatten().chain([token.created_at]);
    id.len() == 21
        && id.chars().all(|letter| letter.is_ascii_alphanumeric())
        && fits(token.secret_phc.expose(), AccessToken::MAX_PHC)
        && fits(&token.owner, AccessToken::MAX_TEXT)
        && token.roles.len() <= AccessToken::MAX_ROLES
        && token
            .roles
            .iter()
            .all(|role| fits(role, AccessToken::MAX_TEXT))
        && times.all(|time| (0..=253_402_300_799).contains(&time.as_secs()))
        && token.revoked_at.is_none_or(|time| time.as_secs() > 0)
        && token.expires_at.is_none_or(|time| time.as_secs() > 0)
}

proptest! {
    #[test]
    fn any_token_comes_back(token in token(), order in any::<proptest::sample::Index>()) {
        let read = read(&token.item());
        prop_assert_eq!(read.as_ref(), Ok(&token));
        let mut attributes = token.attributes();
        let first = order.index(attributes.len());
        attributes.rotate_left(first);
        let again = AccessToken::from_attributes(attributes);
        prop_assert!(again.as_ref().is_ok_and(keeps_the_limits));
        prop_assert_eq!(again.map(Expected::from), Ok(token));
    }

    #[test]
    fn any_text_ends_without_a_panic(text: String, json in near()) {
        for text in [text, json.to_string()] {
            let token = AccessToken::from_dynamodb_json(&text);
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
        match AccessToken::from_dynamodb_json(&item.to_string()) {
            Ok(token) => prop_assert!(keeps_the_limits(&token)),
            Err(error) => prop_assert!(
                matches!(error, ItemError::Malformed | ItemError::Repeated)
                    || error.attribute() == Some(name),
                "{}: {}", name, error
            ),
        }
    }
}

#[test]
fn an_attribute_that_is_not_as_it_must_be_is_told_its_own_rule() {
    for (attribute, rule) in [
        ("tokenId", "21 letters"),
        ("secretPhc", "200 characters"),
        ("owner", "a text of 1 to 100"),
        ("isAdmin", "true or false"),
        ("roles", "a set of at most 50"),
        ("createdAt", "seconds since 1970"),
        ("expiresAt", "seconds since 1970"),
    ] {
        let told = ItemError::Invalid { attribute }.to_string();
        assert!(told.starts_with(attribute) && told.contains(rule), "{told}");
    }
}
