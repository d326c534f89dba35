//! Entries that expire before their token.

use std::collections::BTreeMap;

use sealtoken::{
    Cargo, CargoError, Expiry, Key, KeyRing, Lifetime, ManualClock, SealError, Token, TypedToken,
    UnixTime, Value,
};

#[test]
fn an_entry_is_gone_at_its_expiry_for_every_reader() {
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

    // In memory, the entry expires by the clock.
    clock.set(end);
    let cargo = opened.cargo();
    assert!(!cargo.contains("mfa") && cargo.value("mfa").is_none());
    assert_eq!(cargo.require::<bool>("mfa"), Err(CargoError::Missing));
    assert_eq!(
        (cargo.len(), cargo.keys().collect::<Vec<_>>()),
        (1, vec!["stays"])
    );
    assert_eq!(cargo.expires_at("mfa"), None);
    let again = codec.open(&text).unwrap();
    assert_eq!(Value::from(cargo), Value::from(again.cargo()));
    assert!(!opened.is_dirty(), "reading it changes nothing");
    assert!(!opened.cargo_mut().remove("mfa"));

    // It is also gone for openers now: as a map, as a type, or lent.
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
        "a new value has no expiry"
    );
    token.cargo_mut().set_expiry("a", at(1150)).unwrap();
    token.cargo_mut().push("a", 2).unwrap();
    assert_eq!(
        token.cargo().expires_at("a"),
        Some(at(1150)),
        "a longer list keeps its expiry"
    );
    token.cargo_mut().set_expiry("c", Expiry::Never).unwrap();
    let text = codec.reseal(&mut token).unwrap();

    clock.set(at(1150));
    let mut opened = codec.open(&text).unwrap();
    assert_eq!(opened.cargo().keys().collect::<Vec<_>>(), ["b", "c"]);
    clock.set(at(1199));
    assert_eq!(opened.cargo_mut().remove_expired(), 0);
    clock.set(at(1200));
    assert_eq!(opened.cargo_mut().remove_expired(), 1);
    assert!(opened.is_dirty());
    assert_eq!(opened.cargo().keys().collect::<Vec<_>>(), ["c"]);

    // A cargo of the caller's own type keeps the expiries of the entries that it still writes.
    clock.set(at(1150));
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
fn an_expiry_that_has_passed_is_not_lost_by_a_typed_reseal() {
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

    // The value still holds an entry that has expired in memory, so it is not sealed again.
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
fn a_map_opened_as_a_type_keeps_its_expiries_and_its_clock() {
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
