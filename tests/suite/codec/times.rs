//! Lifetimes, leeway, and entries that expired.

use std::time::Duration;

use sealtoken::{ExpiryError, Lifetime, OpenError, SealError, Token, UnixTime};
use serde::{Deserialize, Serialize};

use super::{at, codec};

#[test]
fn lifetimes_are_checked_when_a_token_is_sealed() {
    let seal = |lifetime| codec().seal_value(&1, lifetime).map(|_| ());
    let zero = Err(SealError::Lifetime(ExpiryError::Zero));
    let long = Err(SealError::Lifetime(ExpiryError::TooLong));
    assert_eq!(seal(Lifetime::seconds(0)), zero);
    assert_eq!(seal(Lifetime::minutes(0)), zero);
    assert_eq!(seal(Duration::from_millis(999).into()), zero);
    assert_eq!(seal(Lifetime::seconds(253_402_300_800)), long);
    for of in [
        Lifetime::seconds,
        Lifetime::minutes,
        Lifetime::hours,
        Lifetime::days,
        Lifetime::weeks,
    ] {
        assert_eq!(seal(of(u64::MAX)), long);
        assert_eq!(seal(of(1)), Ok(()));
    }
    assert_eq!(seal(Lifetime::seconds(253_402_300_799)), Ok(()));
    assert_eq!(seal(Lifetime::Forever), Ok(()));
    let seconds = [
        Lifetime::minutes(2),
        Lifetime::hours(2),
        Lifetime::days(2),
        Lifetime::weeks(2),
    ];
    assert_eq!(
        seconds.map(|l| l.as_duration().unwrap().as_secs()),
        [120, 7200, 172_800, 1_209_600]
    );
}

#[test]
fn expired_entries_are_gone_before_the_rest_is_read_as_a_map() {
    #[derive(Serialize, Deserialize)]
    struct Own {
        big: Box<serde_json::value::RawValue>,
        small: u8,
    }
    let (codec, clock) = at(1000);
    let mut token = Token::new();
    codec.seal(&mut token, Lifetime::Forever).unwrap();
    token
        .cargo_mut()
        .insert_with_expiry("big", 1, UnixTime::from_secs(2000))
        .unwrap();
    token.cargo_mut().insert("small", 1).unwrap();
    let text = codec.reseal(&mut token).unwrap();
    let mut own = codec.open_value::<Own>(&text).unwrap();
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    own.value_mut().big = serde_json::value::RawValue::from_string(deep).unwrap();
    let text = codec.reseal(&mut own).unwrap();
    assert_eq!(
        codec.open(&text).err(),
        Some(OpenError::Payload),
        "no map holds it"
    );
    clock.set(UnixTime::from_secs(2000));
    let opened = codec.open(&text).unwrap();
    assert_eq!(opened.cargo().keys().collect::<Vec<_>>(), ["small"]);
}

#[test]
fn leeway_and_future_skew_widen_the_time_of_a_token() {
    let (codec, clock) = at(1000);
    let mut token = Token::new();
    let text = codec.seal(&mut token, Lifetime::seconds(100)).unwrap();
    let lenient = codec.clone().with_leeway(Duration::from_secs(30));
    clock.set(UnixTime::from_secs(1129));
    assert_eq!(
        codec.open(&text).map(|_| ()),
        Err(OpenError::Expired {
            at: UnixTime::from_secs(1100)
        })
    );
    let opened = lenient.open(&text).unwrap();
    // By the codec that opened it, it has not expired yet. The moment itself is exact.
    assert!(!opened.is_expired() && opened.is_expired_at(UnixTime::from_secs(1129)));
    assert!(lenient.reseal(&mut opened.clone()).is_ok());
    clock.set(UnixTime::from_secs(1130));
    assert!(lenient.open(&text).is_err() && opened.is_expired());

    clock.set(UnixTime::from_secs(940));
    assert!(codec.open(&text).is_ok());
    clock.set(UnixTime::from_secs(939));
    let from = UnixTime::from_secs(1000);
    assert_eq!(
        codec.open(&text).map(|_| ()),
        Err(OpenError::NotYetValid { from })
    );
    assert!(
        codec
            .clone()
            .with_future_skew(Duration::from_secs(61))
            .open(&text)
            .is_ok()
    );
    assert!(
        codec
            .clone()
            .with_future_skew(Duration::ZERO)
            .open(&text)
            .is_err()
    );
    assert!(codec.inspect(&text).is_ok());
}
