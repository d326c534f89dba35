//! What makes a cargo dirty, and merges.

use sealtoken::{Cargo, CargoError, Expiry, Merge, UnixTime};

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
fn merging_and_replacing_take_expiries_along() {
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
fn an_expired_entry_keeps_nothing_out_of_a_merge() {
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
fn a_merge_takes_over_an_expiry_even_if_the_value_is_the_same() {
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
fn a_list_that_has_expired_begins_anew_and_does_not_expire() {
    let mut cargo = Cargo::new();
    let over = UnixTime::from_secs(1);
    cargo.insert_with_expiry("roles", ["admin"], over).unwrap();
    cargo.push("roles", "reader").unwrap();
    let roles = cargo.require::<Vec<&str>>("roles");
    assert_eq!(roles.as_deref(), Ok(&["reader"][..]));
    assert_eq!(cargo.expires_at("roles"), None);
    // An expired entry that is not a list is replaced by one, too.
    cargo.insert_with_expiry("none", 7, over).unwrap();
    assert_eq!(cargo.push("none", 1), Ok(()));
}

#[test]
fn cargos_with_other_expiries_are_not_equal() {
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
