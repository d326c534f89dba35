//! Values that borrow, cargos as tokens, lifetimes as expiries, and times through serde.

use std::time::{Duration, SystemTime};

use sealtoken::{
    Cargo, CargoError, Codec, Expiry, ExpiryError, Key, KeyRing, Lifetime, ManualClock, Token,
    TypedToken, UnixTime,
};

fn codec() -> Codec {
    KeyRing::new(Key::from_bytes([3; 32])).codec("api").unwrap()
}

#[test]
fn a_value_that_borrows_is_sealed_in_a_token() {
    let name = String::from("Ada");
    let mut token = TypedToken::with_value((name.as_str(), 42));
    let text = codec().seal(&mut token, Lifetime::hours(1)).unwrap();
    assert!(!token.is_dirty());
    token.set(("Grace", 42));
    assert!(token.is_dirty());
    let opened = codec().open_value::<(String, u8)>(&text).unwrap();
    assert_eq!(opened.value(), &(name.clone(), 42));
}

#[test]
fn a_cargo_becomes_a_token_and_comes_out_of_it() {
    let cargo: Cargo = r#"{"a":1}"#.parse().unwrap();
    let mut token = Token::from(cargo.clone());
    let text = codec().seal(&mut token, Lifetime::hours(1)).unwrap();
    assert_eq!(codec().open(&text).unwrap().into_cargo(), cargo);
}

#[test]
fn a_lifetime_and_a_duration_are_one_expiry() {
    let hour = Duration::from_secs(3600);
    assert_eq!(Expiry::from(Lifetime::hours(1)), Expiry::from(hour));
    assert_eq!(Expiry::from(Lifetime::Forever), Expiry::Never);
    assert_eq!(Lifetime::from(hour), Lifetime::hours(1));
    assert_eq!(Lifetime::hours(1).as_duration(), Some(hour));
    assert_eq!(Lifetime::Forever.as_duration(), None);
}

#[test]
fn an_entry_expires_after_a_lifetime_at_a_moment_or_never() {
    let now = UnixTime::from_secs(1_000);
    let clock = ManualClock::at(now);
    let codec = codec().with_clock(clock.clone());
    let mut token = Token::new();
    codec.seal(&mut token, Lifetime::Forever).unwrap(); // the cargo follows this clock now
    let cargo = token.cargo_mut();
    let minute = Duration::from_secs(60);
    cargo.insert_with_expiry("a", 1, minute).unwrap();
    cargo
        .insert_with_expiry("b", 1, Lifetime::minutes(1))
        .unwrap();
    cargo
        .insert_with_expiry("c", 1, SystemTime::from(now + minute))
        .unwrap();
    cargo.insert_with_expiry("d", 1, Expiry::Never).unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(cargo.expires_at(name), Some(now + minute), "{name}");
    }
    assert_eq!(cargo.expires_at("d"), None);
    for zero in [Expiry::In(Duration::ZERO), Lifetime::seconds(0).into()] {
        let refused = Err(CargoError::Expiry(ExpiryError::Zero));
        assert_eq!(cargo.set_expiry("d", zero), refused);
    }
    let refused = Err(CargoError::Expiry(ExpiryError::TooLong));
    assert_eq!(cargo.set_expiry("d", Duration::MAX), refused);
    clock.advance(60);
    assert_eq!(token.cargo_mut().remove_expired(), 3);
    assert_eq!(token.cargo().keys().collect::<Vec<_>>(), ["d"]);
}

#[test]
fn a_moment_is_rfc_3339_text_through_serde() {
    let moment = UnixTime::from_secs(1_763_755_200);
    let json = serde_json::to_string(&moment).unwrap();
    assert_eq!(json, r#""2025-11-21T20:00:00Z""#);
    assert_eq!(serde_json::from_str::<UnixTime>(&json).unwrap(), moment);
    let with_offset = r#""2025-11-21T21:00:00.9+01:00""#;
    assert_eq!(
        serde_json::from_str::<UnixTime>(with_offset).unwrap(),
        moment
    );
    for refused in ["1763755200", "null", r#""2025-11-21""#] {
        assert!(
            serde_json::from_str::<UnixTime>(refused).is_err(),
            "{refused}"
        );
    }

    let mut token = Token::new();
    token.cargo_mut().insert("signed_in", moment).unwrap();
    assert_eq!(token.cargo().require::<UnixTime>("signed_in"), Ok(moment));
}

/// An error is better than a moment that comes back changed.
#[test]
fn a_moment_that_no_date_names_is_not_serialised() {
    for seconds in [i64::MIN, -62_167_219_201, 253_402_300_800, i64::MAX] {
        let moment = UnixTime::from_secs(seconds);
        assert!(serde_json::to_string(&moment).is_err(), "{seconds}");
    }
    for seconds in [-62_167_219_200, -1, 253_402_300_799] {
        let json = serde_json::to_string(&UnixTime::from_secs(seconds)).unwrap();
        let moment = serde_json::from_str::<UnixTime>(&json).unwrap();
        assert_eq!(moment.as_secs(), seconds);
    }
}
