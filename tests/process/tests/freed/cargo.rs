//! Cargo: values that are replaced, removed, taken, merged, cleared or refused leave nothing
//! behind.

use sealtoken::{Cargo, CargoError, Merge, UnixTime, Value};
use sealtoken_process_tests::freed::{alone, record};
use zeroize::Zeroize as _;

use super::Wiped;
use super::secrets::{NAME, NESTED, OTHER, PLAIN, TEXTS};

fn full() -> Cargo {
    let mut cargo = Cargo::new();
    cargo.insert("plain", PLAIN).expect("text");
    cargo.insert(NAME, [OTHER, OTHER]).expect("a list");
    cargo
        .insert(
            "map",
            std::collections::BTreeMap::from([("inside", [[NESTED]])]),
        )
        .expect("a map");
    cargo
}

#[test]
fn inserted_and_removed_entries_leave_nothing() {
    let alone = alone();
    let ((), freed) = record(&alone, || {
        let mut cargo = full();
        cargo.insert("plain", OTHER).expect("text");
        cargo.insert("plain", PLAIN).expect("text");
        assert!(cargo.remove("plain") && cargo.remove(NAME));
        cargo.insert(NAME, Wiped(PLAIN.to_owned())).expect("text");
        let mut taken: String = cargo.take(NAME).expect("text").expect("there");
        taken.zeroize();
        for _ in 0..20 {
            cargo.push("list", PLAIN).expect("a list");
        }
        let made = cargo
            .get_or_insert_with("made", || Wiped(OTHER.to_owned()))
            .expect("text");
        drop(made);
        drop(Value::from(&cargo));
        cargo.clear();
        cargo.replace(full());
        assert_eq!(cargo.require::<&str>("plain"), Ok(PLAIN));
    });
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[("name", NAME.as_bytes())]);
}

#[test]
fn copies_and_merges_leave_nothing() {
    let alone = alone();
    let ((), freed) = record(&alone, || {
        let mut cargo = full();
        let mut other = cargo.clone();
        other.insert("plain", NESTED).expect("text");
        cargo.merge(&other, Merge::Keep);
        cargo.merge(&other, Merge::Overwrite);
        cargo.replace(other);
        drop(
            cargo
                .iter()
                .map(|(_, value)| value.clone())
                .collect::<Vec<_>>(),
        );
    });
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn entries_with_an_expiry_leave_nothing() {
    let alone = alone();
    let ((), freed) = record(&alone, || {
        let mut cargo = Cargo::new();
        cargo
            .insert_with_expiry("plain", PLAIN, UnixTime::from_secs(5))
            .expect("in range");
        cargo
            .insert_with_expiry(NAME, OTHER, UnixTime::from_secs(5))
            .expect("in range");
        assert!(cargo.is_empty());
        cargo.insert("plain", NESTED).expect("text");
        assert_eq!(cargo.remove_expired(), 1);
        let wrong = cargo.insert_with_expiry("plain", OTHER, UnixTime::from_secs(-1));
        assert!(wrong.is_err());
    });
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[("name", NAME.as_bytes())]);
}

#[test]
fn parsed_and_refused_json_leaves_nothing() {
    let alone = alone();
    let good = format!(r#"{{"a":"{PLAIN}","{NAME}":["{OTHER}",{{"b":"{NESTED}"}}]}}"#);
    let wrong = [
        format!(r#"{{"a":"{PLAIN}","{NAME}":["{OTHER}",{{"b":"{NESTED}"#),
        format!(r#"{{"a":"{PLAIN}","a":["{OTHER}",{{"b":"{NESTED}"}}]}}"#),
        format!(r#"{{"a":"{PLAIN}","b":["{OTHER}","{NESTED}",18446744073709551616]}}"#),
        format!(r#"["{PLAIN}","{OTHER}","{NESTED}"]"#),
        format!(
            r#"{{"a":"{PLAIN}","b":["{OTHER}","{NESTED}",{}{}]}}"#,
            "[".repeat(70),
            "]".repeat(70)
        ),
    ];
    let (refused, freed) = record(&alone, || {
        let cargo: Cargo = good.parse().expect("a cargo");
        assert!(serde_json::from_str::<Cargo>(&good).is_ok_and(|other| other == cargo));
        wrong
            .iter()
            .filter(|json| json.parse::<Cargo>() == Err(CargoError::Json))
            .count()
    });
    assert_eq!(refused, wrong.len());
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[("name", NAME.as_bytes())]);
}

#[test]
fn a_refused_value_leaves_nothing() {
    let alone = alone();
    let deep = (0..70).fold(serde_json::json!([PLAIN, OTHER]), |inside, _| {
        serde_json::json!([inside])
    });
    let (refused, freed) = record(&alone, || {
        let mut cargo = full();
        let not_finite =
            cargo.insert("plain", (PLAIN, OTHER, f64::NAN)) == Err(CargoError::NotFinite);
        let wide =
            cargo.insert("plain", (PLAIN, NESTED, u128::MAX)) == Err(CargoError::Unsupported);
        let too_deep = cargo.push("new", &deep) == Err(CargoError::TooDeep);
        let no_list = cargo.push("plain", OTHER) == Err(CargoError::WrongType);
        let no_number = cargo.require::<u64>("plain") == Err(CargoError::WrongType);
        let no_type = cargo.take::<(Wiped, u64)>(NAME).is_err();
        [not_finite, wide, too_deep, no_list, no_number, no_type]
    });
    assert_eq!(refused, [true; 6]);
    freed.holds_nothing_of(&TEXTS);
}
