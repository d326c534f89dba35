//! Values go in and come out as the types that are asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sealtoken::{Cargo, CargoError, CargoKey, Object, Value};
use serde::{Deserialize, Serialize};

use super::USER_ID;

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
fn a_missing_entry_and_one_of_another_type_are_different_errors() {
    let mut cargo = Cargo::new();
    cargo.insert("text", "12").unwrap();
    cargo.insert("big", 300).unwrap();
    cargo.insert("null", ()).unwrap();
    assert_eq!(cargo.require::<u64>("none"), Err(CargoError::Missing));
    assert_eq!(cargo.require::<u64>("text"), Err(CargoError::WrongType));
    assert_eq!(cargo.require::<u8>("big"), Err(CargoError::WrongType));
    assert_eq!(cargo.get_or::<u8>("big", 1), Err(CargoError::WrongType));
    // A null is an entry; it is not missing.
    assert!(cargo.contains("null"));
    assert_eq!(cargo.require::<Option<u8>>("null"), Ok(None));
    assert_eq!(cargo.require::<u8>("null"), Err(CargoError::WrongType));
    // JSON keeps nothing of the `Some` around it.
    cargo.insert("some", Some(None::<u8>)).unwrap();
    assert_eq!(cargo.require("some"), Ok(None::<Option<u8>>));
    assert_eq!(cargo.get("some"), Ok(Some(None::<Option<u8>>)));
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

/// Otherwise two names would become one key.
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

/// Reads only the first element of a list or map.
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

/// Read as an `f64`, the shortest decimals of the first two fall exactly between two `f32`.
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
    // An ordinary float is written as before.
    cargo.insert("usual", 0.1_f32).unwrap();
    assert_eq!(cargo.require("usual"), Ok(0.1_f64));
}

#[test]
fn an_object_is_collected_and_read_by_name_or_in_order() {
    let entries = [
        ("b", Value::from(2_u64)),
        ("a", Value::from(1_u64)),
        ("b", 3_u64.into()),
    ];
    let object: Object = entries.into_iter().collect();
    assert_eq!(object.get("b"), Some(&Value::from(3_u64)));
    assert_eq!(object.get("c"), None);
    let names: Vec<&str> = object.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!((&object).into_iter().count(), 2);
    assert_eq!(format!("{object:?}"), "Object(2)");

    let mut cargo = Cargo::new();
    cargo.insert("map", Value::Object(object.clone())).unwrap();
    let read: BTreeMap<&str, u8> = cargo.require("map").unwrap();
    assert_eq!(read, BTreeMap::from([("a", 1), ("b", 3)]));
    assert!(matches!(cargo.value("map"), Some(Value::Object(inside)) if *inside == object));
}

#[test]
fn a_cargo_as_a_value_is_an_object() {
    let cargo: Cargo = r#"{"a":1,"b":null}"#.parse().unwrap();
    let entries = [("b", Value::Null), ("a", Value::from(1_u64))];
    let object = Value::Object(entries.into_iter().collect());
    assert_eq!(Value::from(&cargo), object);
    assert_eq!(
        serde_json::to_string(&object).unwrap(),
        r#"{"a":1,"b":null}"#
    );
}
