//! The cargo map: names, types, ends, and when it is dirty.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sealtoken::{
    Cargo, CargoError, CargoKey, Expiry, ExpiryError, Key, KeyRing, Lifetime, ManualClock, Merge,
    SealError, Token, TypedToken, UnixTime, Value,
};
use serde::{Deserialize, Serialize};

const USER_ID: CargoKey<u64> = CargoKey::new("user_id");
const NAME: CargoKey<String> = CargoKey::new("name");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Role {
    Guest,
    Member { since: u32 },
    Admin(u8),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Profile {
    nick: String,
    roles: Vec<Role>,
    parent: Option<Box<Profile>>,
    pair: (i8, f32),
    unit: (),
}

fn profile() -> Profile {
    let roles = vec![Role::Guest, Role::Member { since: 1999 }, Role::Admin(3)];
    let parent = Profile {
        nick: "root".into(),
        roles: vec![],
        parent: None,
        pair: (0, 0.5),
        unit: (),
    };
    Profile {
        nick: "ada".into(),
        roles,
        parent: Some(Box::new(parent)),
        pair: (-8, 1.25),
        unit: (),
    }
}

#[test]
fn values_are_asked_for_by_type_by_inference_and_by_key() {
    let mut cargo = Cargo::new();
    cargo.insert("user_id", 123).unwrap();
    cargo.insert(NAME, "Ada".to_owned()).unwrap();
    cargo.insert("profile", profile()).unwrap();

    assert_eq!(cargo.require::<u64>("user_id"), Ok(123));
    let inferred: i16 = cargo.require("user_id").unwrap();
    assert_eq!(inferred, 123);
    assert_eq!(cargo.require(USER_ID), Ok(123));
    let by_reference = &USER_ID;
    assert_eq!(cargo.require(by_reference), Ok(123));
    assert_eq!(cargo.require::<u64>(&String::from("user_id")), Ok(123));
    let borrowed: &str = cargo.require("name").unwrap();
    let cow: Cow<'_, str> = cargo.require("name").unwrap();
    assert_eq!((borrowed, &*cow), ("Ada", "Ada"));
    assert_eq!(cargo.require::<Profile>("profile"), Ok(profile()));
    assert_eq!(cargo.get::<Option<u8>>("missing"), Ok(None));
    assert_eq!(cargo.get_or("missing", 7), Ok(7));
    assert_eq!(cargo.get_or("user_id", 7), Ok(123));
}

#[test]
fn a_missing_entry_and_one_of_another_type_are_told_apart() {
    let mut cargo = Cargo::new();
    cargo.insert("text", "12").unwrap();
    cargo.insert("big", 300).unwrap();
    cargo.insert("null", ()).unwrap();
    assert_eq!(cargo.require::<u64>("none"), Err(CargoError::Missing));
    assert_eq!(cargo.require::<u64>("text"), Err(CargoError::WrongType));
    assert_eq!(cargo.require::<u8>("big"), Err(CargoError::WrongType));
    assert_eq!(cargo.get_or::<u8>("big", 1), Err(CargoError::WrongType));
    // A null is an entry, and not a missing one.
    assert!(cargo.contains("null"));
    assert_eq!(cargo.require::<Option<u8>>("null"), Ok(None));
    assert_eq!(cargo.require::<u8>("null"), Err(CargoError::WrongType));
    // Of what stands around it, JSON keeps nothing.
    cargo.insert("some", Some(None::<u8>)).unwrap();
    assert_eq!(cargo.require("some"), Ok(None::<Option<u8>>));
    assert_eq!(cargo.get("some"), Ok(Some(None::<Option<u8>>)));
}

#[test]
fn only_what_changes_something_makes_it_dirty() {
    let mut cargo: Cargo = r#"{"a":1,"list":[1],"x":1.0}"#.parse().unwrap();
    let is_dirty = |cargo: &mut Cargo, change: &dyn Fn(&mut Cargo)| {
        cargo.set_clean();
        change(cargo);
        cargo.is_dirty()
    };
    let no: &[&dyn Fn(&mut Cargo)] = &[
        &|c| drop(c.insert("a", 1_u8)),
        &|c| drop(c.insert("a", 1_i64)),
        &|c| assert!(c.get::<u8>("a").is_ok()),
        &|c| assert!(!c.remove("none")),
        &|c| assert!(c.take::<u8>("none").is_ok()),
        &|c| assert_eq!(c.take::<String>("a"), Err(CargoError::WrongType)),
        &|c| assert!(c.get_or_insert_with("a", || 9_u8).is_ok()),
        &|c| assert_eq!(c.merge(&r#"{"a":1}"#.parse().unwrap(), Merge::Overwrite), 0),
        &|c| assert_eq!(c.merge(&r#"{"a":2}"#.parse().unwrap(), Merge::Keep), 0),
        &|c| c.replace(c.clone()),
        &|c| assert_eq!(c.insert("a", f64::NAN), Err(CargoError::NotFinite)),
        &|c| assert_eq!(c.push("a", 1), Err(CargoError::WrongType)),
        &|c| assert_eq!(c.remove_expired(), 0),
        &|c| assert!(c.set_expiry("a", Expiry::Never).is_ok()),
    ];
    for (at, change) in no.iter().enumerate() {
        assert!(!is_dirty(&mut cargo, change), "{at}");
    }
    let yes: &[&dyn Fn(&mut Cargo)] = &[
        &|c| drop(c.insert("a", 2)),
        &|c| drop(c.insert("a", 2.0)),
        &|c| drop(c.insert("x", -0.0)),
        &|c| drop(c.insert("x", 0.0)),
        &|c| drop(c.insert("b", ())),
        &|c| assert!(c.push("list", 2).is_ok()),
        &|c| assert!(c.push("new", 1).is_ok()),
        &|c| {
            assert!(
                c.set_expiry("a", UnixTime::from_secs(9_999_999_999))
                    .is_ok()
            )
        },
        &|c| drop(c.insert("a", 2.0)),
        &|c| assert!(c.get_or_insert_with("made", || 9_u8).is_ok()),
        &|c| {
            assert_eq!(
                c.merge(&r#"{"m":1,"a":8}"#.parse().unwrap(), Merge::Overwrite),
                2
            )
        },
        &|c| assert_eq!(c.take::<u8>("m"), Ok(Some(1))),
        &|c| assert!(c.remove("a")),
        &|c| c.clear(),
    ];
    for (at, change) in yes.iter().enumerate() {
        assert!(is_dirty(&mut cargo, change), "{at}");
    }
    assert!(cargo.is_empty());
    assert!(!is_dirty(&mut cargo, &Cargo::clear));
}

#[test]
fn what_cannot_be_held_is_refused_and_loses_nothing() {
    let mut cargo = Cargo::new();
    cargo.insert("a", 1).unwrap();
    let nan: &[f64] = &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for value in nan {
        assert_eq!(cargo.insert("a", value), Err(CargoError::NotFinite));
        assert_eq!(cargo.insert("a", *value as f32), Err(CargoError::NotFinite));
        let deep = BTreeMap::from([("x", vec![Some((1, value))])]);
        assert_eq!(cargo.insert("a", deep), Err(CargoError::NotFinite));
        assert_eq!(cargo.push("list", value), Err(CargoError::NotFinite));
        assert!(Value::try_from(*value).is_err());
    }
    let beyond = i128::from(u64::MAX) + 1;
    assert_eq!(cargo.insert("a", beyond), Err(CargoError::Unsupported));
    assert_eq!(
        cargo.insert("a", i128::from(i64::MIN) - 1),
        Err(CargoError::Unsupported)
    );
    assert_eq!(
        cargo.insert("a", BTreeMap::from([((1, 2), 3)])),
        Err(CargoError::Unsupported)
    );
    let end = UnixTime::from_secs(-1);
    assert_eq!(
        cargo.insert_with_expiry("a", 2, end),
        Err(CargoError::Expiry(ExpiryError::OutOfRange))
    );
    assert_eq!(
        cargo.set_expiry("none", Expiry::Never),
        Err(CargoError::Missing)
    );
    assert_eq!(cargo.require::<u8>("a"), Ok(1));
    assert_eq!(cargo.len(), 1);

    assert_eq!(
        cargo.insert("a", u64::MAX).map(|old| old.is_some()),
        Ok(true)
    );
    assert_eq!(cargo.require::<u64>("a"), Ok(u64::MAX));
    cargo.insert("a", i128::from(i64::MIN)).unwrap();
    assert_eq!(cargo.require::<i64>("a"), Ok(i64::MIN));
}

#[test]
fn depth_is_limited_where_a_token_would_be_refused() {
    let nested = |levels: usize| {
        let text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let codec = KeyRing::new(Key::generate()).codec("deep").unwrap();
    let mut token = Token::new();
    token.cargo_mut().insert("a", nested(62)).unwrap();
    token.cargo_mut().push("list", nested(61)).unwrap();
    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    assert_eq!(codec.open(&text).unwrap().cargo(), token.cargo());
    assert_eq!(
        token.cargo_mut().insert("a", nested(63)),
        Err(CargoError::TooDeep)
    );
    assert_eq!(
        token.cargo_mut().push("list", nested(62)),
        Err(CargoError::TooDeep)
    );
}

#[test]
fn json_is_read_by_the_rules_of_a_token() {
    let parse = |text: &str| text.parse::<Cargo>().err();
    assert_eq!(parse(" {\"a\" : [1, 2.5e3, {\"b\": null}]}\n"), None);
    let bad = [
        "",
        "[]",
        "1",
        "null",
        "{",
        "{}}",
        "{} x",
        r#"{"a":1,"a":2}"#,
        r#"{"a":{"b":1,"\u0062":2}}"#,
        r#"{"a":18446744073709551616}"#,
        r#"{"a":-9223372036854775809}"#,
        r#"{"a":1e999}"#,
        r#"{"a":NaN}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"\udc00":1}"#,
        "{\"a\":\"\u{1}\"}",
        "\u{feff}{}",
    ];
    for text in bad {
        assert_eq!(parse(text), Some(CargoError::Json), "{text}");
    }
}

#[test]
fn an_entry_is_gone_at_its_end_for_every_reader() {
    let clock = ManualClock::at(UnixTime::from_secs(1000));
    let codec = KeyRing::new(Key::generate())
        .codec("ends")
        .unwrap()
        .with_clock(clock.clone());
    let mut token = Token::new();
    let end = UnixTime::from_secs(4_000_000_000);
    token.cargo_mut().insert("stays", 1).unwrap();
    token
        .cargo_mut()
        .insert_with_expiry("mfa", true, end)
        .unwrap();
    let text = codec.seal(&mut token, Lifetime::Forever).unwrap();

    clock.set(end.saturating_add(-1));
    let mut opened = codec.open(&text).unwrap();
    assert_eq!(opened.cargo().expires_at("mfa"), Some(end));
    assert_eq!(opened.cargo().require::<bool>("mfa"), Ok(true));
    let typed = codec
        .open_value::<BTreeMap<String, serde_json::Value>>(&text)
        .unwrap();
    assert_eq!(typed.value().len(), 2);

    // In memory, the entry ends with the clock.
    clock.set(end);
    let cargo = opened.cargo();
    assert!(!cargo.contains("mfa") && cargo.value("mfa").is_none());
    assert_eq!(cargo.require::<bool>("mfa"), Err(CargoError::Missing));
    assert_eq!(
        (cargo.len(), cargo.keys().collect::<Vec<_>>()),
        (1, vec!["stays"])
    );
    assert_eq!(cargo.expires_at("mfa"), None);
    assert_eq!(cargo.dump(), codec.open(&text).unwrap().cargo().dump());
    assert!(!opened.is_dirty(), "reading it changes nothing");
    assert!(!opened.cargo_mut().remove("mfa"));

    // And for whoever opens the token now, as a map, as a type, or lent.
    let opened = codec.open(&text).unwrap();
    assert_eq!((opened.cargo().len(), opened.is_dirty()), (1, false));
    let typed = codec
        .open_value::<BTreeMap<String, serde_json::Value>>(&text)
        .unwrap();
    assert_eq!(typed.value().keys().collect::<Vec<_>>(), ["stays"]);
    let lent = codec.open_with(&text, |opened| {
        Ok(opened
            .cargo::<BTreeMap<&str, u8>>()?
            .into_keys()
            .collect::<String>())
    });
    assert_eq!(lent.as_deref(), Ok("stays"));
}

#[test]
fn ends_are_changed_purged_and_kept_through_reseals() {
    let clock = ManualClock::at(UnixTime::from_secs(1000));
    let codec = KeyRing::new(Key::generate())
        .codec("ends")
        .unwrap()
        .with_clock(clock.clone());
    let mut token = Token::new();
    codec.seal(&mut token, Lifetime::Forever).unwrap();
    let at = UnixTime::from_secs;
    for (name, end) in [("a", 1100), ("b", 1200), ("c", 1300)] {
        token
            .cargo_mut()
            .insert_with_expiry(name, 1, at(end))
            .unwrap();
    }
    token.cargo_mut().push("a", 1).expect_err("a is no list");
    token.cargo_mut().insert("a", [1]).unwrap();
    assert_eq!(
        token.cargo().expires_at("a"),
        None,
        "a new value has no end"
    );
    token.cargo_mut().set_expiry("a", at(1150)).unwrap();
    token.cargo_mut().push("a", 2).unwrap();
    assert_eq!(
        token.cargo().expires_at("a"),
        Some(at(1150)),
        "a longer list has the old one"
    );
    token.cargo_mut().set_expiry("c", Expiry::Never).unwrap();
    let text = codec.reseal(&mut token).unwrap();

    clock.set(at(1150));
    let mut opened = codec.open(&text).unwrap();
    assert_eq!(opened.cargo().keys().collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(opened.cargo_mut().remove_expired_at(at(1199)), 0);
    assert_eq!(opened.cargo_mut().remove_expired_at(at(1200)), 1);
    assert!(opened.is_dirty());
    assert_eq!(opened.cargo().keys().collect::<Vec<_>>(), ["c"]);

    // A cargo of the caller's own type keeps the ends of the entries that it still writes.
    let mut typed = codec.open_value::<BTreeMap<String, u8>>(&text).unwrap();
    typed.value_mut().remove("c");
    let resealed = codec.reseal(&mut typed).unwrap();
    assert_eq!(
        codec.open(&resealed).unwrap().cargo().expires_at("b"),
        Some(at(1200))
    );
    clock.set(at(1200));
    assert!(codec.open(&resealed).unwrap().cargo().is_empty());
}

#[test]
fn an_end_that_has_come_is_not_lost_with_a_typed_reseal() {
    let clock = ManualClock::at(UnixTime::from_secs(1000));
    let codec = KeyRing::new(Key::generate())
        .codec("ends")
        .unwrap()
        .with_clock(clock.clone());
    let mut token = Token::new();
    token
        .cargo_mut()
        .insert_with_expiry("mfa", true, UnixTime::from_secs(4_000_000_000))
        .unwrap();
    let text = codec.seal(&mut token, Lifetime::Forever).unwrap();

    // The value still holds the entry when its end has come in memory: it is not sealed again with
    // it.
    let mut typed = codec.open_value::<BTreeMap<String, bool>>(&text).unwrap();
    clock.set(UnixTime::from_secs(4_000_000_000));
    for seal in [
        &|token: &mut TypedToken<_>| codec.reseal(token),
        &|token: &mut TypedToken<_>| codec.renew(token, Lifetime::Forever),
        &|token: &mut TypedToken<_>| codec.seal(token, Lifetime::Forever),
    ]
        as [&dyn Fn(&mut TypedToken<BTreeMap<String, bool>>) -> Result<String, SealError>; 3]
    {
        let at = UnixTime::from_secs(4_000_000_000);
        assert_eq!(seal(&mut typed), Err(SealError::EntryExpired { at }));
        let mut without = typed.clone();
        without.value_mut().clear();
        let text = seal(&mut without).unwrap();
        assert!(codec.open(&text).unwrap().cargo().is_empty());
    }
}

#[test]
fn a_map_asked_for_as_a_type_keeps_its_ends_and_its_clock() {
    let clock = ManualClock::at(UnixTime::from_secs(1000));
    let codec = KeyRing::new(Key::generate())
        .codec("ends")
        .unwrap()
        .with_clock(clock.clone());
    let end = UnixTime::from_secs(2000);
    let mut token = Token::new();
    codec.seal(&mut token, Lifetime::Forever).unwrap();
    token
        .cargo_mut()
        .insert_with_expiry("mfa", true, end)
        .unwrap();
    let text = codec.reseal(&mut token).unwrap();
    let mut opened = codec.open_value::<Cargo>(&text).unwrap();
    assert_eq!(
        (opened.value().expires_at("mfa"), opened.is_dirty()),
        (Some(end), false)
    );
    let text = codec.reseal(&mut opened).unwrap();
    clock.set(end);
    assert!(!opened.value().contains("mfa") && codec.open(&text).unwrap().cargo().is_empty());
}

#[test]
fn a_failed_seal_does_not_touch_the_cargo() {
    let clock = ManualClock::at(UnixTime::from_secs(1000));
    let codec = KeyRing::new(Key::generate())
        .codec("ends")
        .unwrap()
        .with_clock(clock.clone());
    let mut token = Token::new();
    codec.seal(&mut token, Lifetime::Forever).unwrap();
    token
        .cargo_mut()
        .insert_with_expiry("a", 1, UnixTime::from_secs(2000))
        .unwrap();
    token.cargo_mut().insert("long", "x".repeat(300)).unwrap();
    codec.reseal(&mut token).unwrap();
    clock.set(UnixTime::from_secs(2000));
    assert!(codec.clone().with_max_len(100).reseal(&mut token).is_err());
    assert!(!token.is_dirty());
    clock.set(UnixTime::from_secs(1999));
    assert!(token.cargo().contains("a"));
}

#[test]
fn maps_with_other_keys_than_text_come_back_as_they_went_in() {
    let mut cargo = Cargo::new();
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Id(String);
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    enum Day {
        Monday,
        Tuesday,
    }
    let numbers = BTreeMap::from([(1_u64, "a".to_owned()), (u64::MAX, "b".to_owned())]);
    let signed = BTreeMap::from([(-5_i8, true)]);
    let flags = BTreeMap::from([(true, 1), (false, 0)]);
    let ids = BTreeMap::from([(Id("x".into()), 1)]);
    let days = BTreeMap::from([(Day::Monday, 1), (Day::Tuesday, 2)]);
    cargo.insert("numbers", &numbers).unwrap();
    cargo.insert("signed", &signed).unwrap();
    cargo.insert("flags", &flags).unwrap();
    cargo.insert("ids", &ids).unwrap();
    cargo.insert("days", &days).unwrap();
    assert_eq!(cargo.require("numbers"), Ok(numbers));
    assert_eq!(cargo.require("signed"), Ok(signed));
    assert_eq!(cargo.require("flags"), Ok(flags));
    assert_eq!(cargo.require("ids"), Ok(ids));
    assert_eq!(cargo.require("days"), Ok(days));
    assert_eq!(
        cargo.require::<BTreeMap<u8, String>>("numbers"),
        Err(CargoError::WrongType)
    );
}

/// Two names would be one key.
#[test]
fn a_number_for_a_key_has_one_spelling() {
    for (name, key) in [
        ("5", Some(5)),
        (" 5", None),
        ("5 ", None),
        ("\t5", None),
        ("5\n", None),
    ] {
        let mut cargo = Cargo::new();
        cargo.insert("map", BTreeMap::from([(name, 1)])).unwrap();
        let read = cargo.require::<BTreeMap<u64, u8>>("map");
        assert_eq!(
            read.ok().map(|map| map.into_keys().next().unwrap()),
            key,
            "{name:?}"
        );
    }
    for (name, key) in [("true", Some(true)), (" true", None), ("false\r", None)] {
        let mut cargo = Cargo::new();
        cargo.insert("map", BTreeMap::from([(name, 1)])).unwrap();
        let read = cargo.require::<BTreeMap<bool, u8>>("map");
        assert_eq!(
            read.ok().map(|map| map.into_keys().next().unwrap()),
            key,
            "{name:?}"
        );
    }
}

#[test]
fn merging_and_replacing_take_ends_along() {
    let end = UnixTime::from_secs(9_000_000_000);
    let mut other = Cargo::new();
    other.insert_with_expiry("a", 2, end).unwrap();
    other.insert("b", 2).unwrap();
    let mut cargo = Cargo::new();
    cargo.insert("a", 1).unwrap();
    assert_eq!(cargo.clone().merge(&other, Merge::Keep), 1);
    assert_eq!(cargo.merge(&other, Merge::Overwrite), 2);
    assert_eq!((cargo.expires_at("a"), &cargo), (Some(end), &other));
    let mut replaced = Cargo::new();
    replaced.replace(other.clone());
    assert_eq!(
        (replaced.expires_at("a"), replaced.is_dirty()),
        (Some(end), true)
    );
}

#[test]
fn nothing_of_a_cargo_reaches_debug_or_an_error() {
    let mut cargo = Cargo::new();
    cargo.insert("secret-name", "secret-value").unwrap();
    cargo.insert("list", ["secret-value"]).unwrap();
    let errors = [
        cargo.require::<u64>("secret-name").unwrap_err(),
        r#"{"secret-name":"secret-value","secret-name":1}"#
            .parse::<Cargo>()
            .unwrap_err(),
        cargo.insert("x", Fails).unwrap_err(),
    ];
    let token = Token::from(cargo.clone());
    let mut shown = format!(
        "{cargo:?} {:?} {:?} {token:?} {:?}",
        cargo.dump(),
        cargo.value("list"),
        cargo.iter()
    );
    for error in errors {
        shown += &format!("{error:?} {error}");
    }
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn why_a_value_is_not_taken_is_told() {
    let mut cargo = Cargo::new();
    let far = UnixTime::from_secs(9_000_000_000);
    let mut ends = Cargo::new();
    ends.insert_with_expiry("mfa", true, far).unwrap();
    assert_eq!(cargo.insert("a", &ends), Err(CargoError::NestedExpiry));
    assert_eq!(
        cargo.insert("a", [Some(&ends)]),
        Err(CargoError::NestedExpiry)
    );
    assert_eq!(cargo.push("a", &ends), Err(CargoError::NestedExpiry));

    cargo.insert("a", 1).unwrap();
    for second in [-1, 253_402_300_800] {
        let end = UnixTime::from_secs(second);
        assert_eq!(
            cargo.insert_with_expiry("a", 2, end),
            Err(CargoError::Expiry(ExpiryError::OutOfRange))
        );
        assert_eq!(
            cargo.set_expiry("a", end),
            Err(CargoError::Expiry(ExpiryError::OutOfRange))
        );
    }

    #[derive(Serialize)]
    struct Twice {
        a: u8,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u8>,
    }
    let rest = BTreeMap::from([("a", 1)]);
    let twice = Twice { a: 1, rest };
    assert_eq!(cargo.insert("a", &twice), Err(CargoError::Name));
    assert_eq!(cargo.push("list", [&twice]), Err(CargoError::Name));
    assert_eq!(cargo.insert("a", Fails), Err(CargoError::Unsupported));
    assert_eq!(cargo.require::<u8>("a"), Ok(1));
    assert_eq!(cargo.len(), 1);
}

/// A type whose `Serialize` says too much.
struct Fails;

impl Serialize for Fails {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("secret-value"))
    }
}

#[test]
fn each_error_of_a_cargo_says_what_is_wrong() {
    for (error, said) in [
        (CargoError::Missing, "no such entry"),
        (CargoError::WrongType, "another type"),
        (CargoError::NotFinite, "NaN or infinite"),
        (CargoError::Unsupported, "cannot hold the value"),
        (CargoError::TooDeep, "64 levels deep"),
        (CargoError::Name, "occurs twice"),
        (CargoError::NestedExpiry, "an entry that expires"),
        (CargoError::Expiry(ExpiryError::OutOfRange), "before 1970"),
        (CargoError::Json, "not a JSON object"),
    ] {
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// Reads no more of a list or a map than its first element.
#[derive(Debug, PartialEq)]
struct First(u8);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = First;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a first element")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<First, A::Error> {
                Ok(First(list.next_element()?.unwrap_or_default()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<First, A::Error> {
                let entry = map.next_entry::<String, u8>()?;
                Ok(First(entry.map_or(0, |(_, value)| value)))
            }
        }

        from.deserialize_any(Visitor)
    }
}

#[test]
fn what_a_type_leaves_of_a_list_or_a_map_makes_it_another_type() {
    let cargo: Cargo = r#"{"list":[1],"more":[1,2],"map":{"a":1},"wider":{"a":1,"b":2}}"#
        .parse()
        .unwrap();
    for whole in ["list", "map"] {
        assert_eq!(cargo.require::<First>(whole), Ok(First(1)));
    }
    for rest in ["more", "wider"] {
        assert_eq!(cargo.require::<First>(rest), Err(CargoError::WrongType));
    }
}

#[test]
fn an_entry_that_has_ended_keeps_nothing_out_of_a_merge() {
    let mut cargo = Cargo::new();
    let over = UnixTime::from_secs(1);
    cargo.insert_with_expiry("mfa", "old", over).unwrap();
    cargo.insert("theme", "dark").unwrap();
    let defaults: Cargo = r#"{"mfa":"new","theme":"light"}"#.parse().unwrap();
    assert_eq!(cargo.merge(&defaults, Merge::Keep), 1);
    assert_eq!(cargo.require::<&str>("mfa"), Ok("new"));
    assert_eq!(cargo.require::<&str>("theme"), Ok("dark"));
    assert_eq!(cargo.expires_at("mfa"), None);
}

#[test]
fn a_cargo_has_as_many_levels_through_serde_as_from_its_text() {
    for (lists, fits) in [(61, true), (62, true), (63, false), (64, false)] {
        let json = format!(r#"{{"a":{}{}}}"#, "[".repeat(lists), "]".repeat(lists));
        assert_eq!(json.parse::<Cargo>().is_ok(), fits, "{lists}");
        assert_eq!(
            serde_json::from_str::<Cargo>(&json).is_ok(),
            fits,
            "{lists}"
        );
    }
}

#[test]
fn a_map_with_a_second_entry_is_no_variant() {
    let cargo: Cargo = r#"{"one":{"Admin":1},"two":{"Admin":1,"Guest":null},"none":{}}"#
        .parse()
        .unwrap();
    assert_eq!(cargo.require::<Role>("one"), Ok(Role::Admin(1)));
    for other in ["two", "none"] {
        let read = cargo.require::<Role>(other);
        assert_eq!(read, Err(CargoError::WrongType), "{other}");
    }
}

#[test]
fn a_merge_takes_over_an_end_also_where_the_value_is_the_same() {
    let end = UnixTime::now().saturating_add(3600);
    let mut cargo: Cargo = r#"{"mfa":true}"#.parse().unwrap();
    let mut other = cargo.clone();
    other.set_expiry("mfa", end).unwrap();
    assert_eq!(cargo.merge(&other, Merge::Keep), 0);
    assert_eq!(cargo.expires_at("mfa"), None);
    assert_eq!(cargo.merge(&other, Merge::Overwrite), 1);
    assert_eq!(cargo.expires_at("mfa"), Some(end));
    assert_eq!(cargo.merge(&other, Merge::Overwrite), 0);
}

#[test]
fn a_list_that_has_ended_begins_anew_and_has_no_end() {
    let mut cargo = Cargo::new();
    let over = UnixTime::from_secs(1);
    cargo.insert_with_expiry("roles", ["admin"], over).unwrap();
    cargo.push("roles", "reader").unwrap();
    let roles = cargo.require::<Vec<&str>>("roles");
    assert_eq!(roles.as_deref(), Ok(&["reader"][..]));
    assert_eq!(cargo.expires_at("roles"), None);
    // One that is no list any more is in nobody's way either.
    cargo.insert_with_expiry("none", 7, over).unwrap();
    assert_eq!(cargo.push("none", 1), Ok(()));
}

#[test]
fn cargos_with_other_ends_are_not_equal() {
    let end = UnixTime::now().saturating_add(3600);
    let with = |end: Option<UnixTime>| {
        let mut cargo: Cargo = r#"{"a":1,"b":2}"#.parse().unwrap();
        let expiry = end.map_or(Expiry::Never, Expiry::At);
        cargo.set_expiry("a", expiry).unwrap();
        cargo
    };
    assert!(with(Some(end)) == with(Some(end)));
    assert!(with(Some(end)) != with(None));
    assert!(with(Some(end)) != with(Some(end.saturating_add(1))));
}

#[test]
fn a_value_without_end_is_too_deep_and_a_name_prints_as_itself() {
    struct Deep(u8);

    impl Serialize for Deep {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                0 => to.serialize_unit(),
                more => to.collect_seq([Deep(more - 1)]),
            }
        }
    }

    let mut cargo = Cargo::new();
    assert_eq!(cargo.insert("a", Deep(62)), Ok(None));
    for levels in [63, 64, 127, 128, 200] {
        let refused = cargo.insert("b", Deep(levels)).err();
        assert_eq!(refused, Some(CargoError::TooDeep), "{levels}");
    }
    assert_eq!(format!("{USER_ID:?}"), r#"CargoKey("user_id")"#);
}

/// Their shortest decimals lie so near the middle of two `f32` that the `f64` in between is that
/// middle.
#[test]
fn every_f32_comes_back_though_it_is_read_through_an_f64() {
    let floats = [
        7.038_531e-26_f32,
        -7.038_531e-26,
        0.1,
        -0.0,
        f32::MAX,
        1e-45,
    ];
    let bits = |floats: &[f32]| floats.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let mut cargo = Cargo::new();
    cargo.insert("floats", floats).unwrap();
    let back: Vec<f32> = cargo.require("floats").unwrap();
    assert_eq!(bits(&back), bits(&floats));
    // What is usual is written as it was.
    cargo.insert("usual", 0.1_f32).unwrap();
    assert_eq!(cargo.require("usual"), Ok(0.1_f64));
}
