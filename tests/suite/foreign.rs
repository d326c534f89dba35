//! Tokens of other systems, brought in by the public hook.

use sealtoken::{
    Cargo, ExpiryError, ForeignToken, Key, KeyRing, Lifetime, ManualClock, OpenError, SealError,
    UnixTime,
};
use uuid::Uuid;

const NOW: i64 = 1_763_755_200;

fn clock(now: i64) -> ManualClock {
    ManualClock::at(UnixTime::from_secs(now))
}

fn foreign(lifetime: Lifetime) -> ForeignToken {
    let mut cargo = Cargo::new();
    cargo.insert("user_id", 123).unwrap();
    ForeignToken::new(cargo, UnixTime::from_secs(NOW), lifetime).clock(clock(NOW))
}

#[test]
fn it_is_clean_and_valid_has_no_text_and_keeps_uuid_times_and_cargo_when_resealed() {
    let uuid = Uuid::from_u128(7);
    let start = UnixTime::from_secs(NOW + 1);
    let mut token = foreign(Lifetime::hours(1))
        .uuid(uuid)
        .not_before(start)
        .into_token()
        .unwrap();
    assert!(token.is_valid() && !token.is_dirty() && !token.cargo().is_dirty());
    assert!(token.needs_reseal() && token.sealed().is_none() && !token.is_expired());

    let keys = KeyRing::new(Key::generate());
    let codec = keys.codec("session").unwrap().with_clock(clock(NOW + 9));
    let text = codec.reseal(&mut token).unwrap();
    assert!(!token.needs_reseal());
    let opened = codec.open(&text).unwrap();
    assert_eq!(opened.uuid(), uuid);
    assert_eq!(opened.cargo().require::<u8>("user_id"), Ok(123));
    assert_eq!(opened.issued_at(), Some(UnixTime::from_secs(NOW)));
    assert_eq!(opened.lifetime(), Some(Lifetime::hours(1)));
    assert_eq!(opened.not_before(), Some(start));
}

#[test]
fn a_fresh_uuid_is_drawn_where_there_is_none_or_the_nil_one() {
    let uuid = |foreign: ForeignToken| foreign.into_token().unwrap().uuid();
    let with_nil = || foreign(Lifetime::Forever).uuid(Uuid::nil());
    let drawn = [
        uuid(foreign(Lifetime::Forever)),
        uuid(foreign(Lifetime::Forever)),
        uuid(with_nil()),
        uuid(with_nil()),
    ];
    for (at, one) in drawn.iter().enumerate() {
        assert_eq!(one.get_version_num(), 4);
        assert!(!drawn[..at].contains(one));
    }
}

#[test]
fn one_that_has_expired_is_made_and_says_so_and_is_not_resealed() {
    let mut token = foreign(Lifetime::seconds(1))
        .clock(clock(NOW + 1))
        .into_token()
        .unwrap();
    assert!(token.is_valid() && token.is_expired());
    let keys = KeyRing::new(Key::generate());
    let codec = keys.codec("session").unwrap().with_clock(clock(NOW + 1));
    let at = UnixTime::from_secs(NOW + 1);
    assert_eq!(codec.reseal(&mut token), Err(SealError::Expired { at }));
}

#[test]
fn expired_entries_are_gone_and_others_expire_by_its_clock() {
    let mut cargo = Cargo::new();
    let time = clock(NOW);
    for (name, end) in [("gone", NOW), ("later", NOW + 10)] {
        cargo
            .insert_with_expiry(name, 1, UnixTime::from_secs(end))
            .unwrap();
    }
    let token = ForeignToken::new(cargo, UnixTime::from_secs(NOW), Lifetime::Forever)
        .clock(time.clone())
        .into_token()
        .unwrap();
    assert!(!token.cargo().contains("gone") && token.cargo().contains("later"));
    time.advance(10);
    assert!(!token.cargo().contains("later"));
}

#[test]
fn what_no_token_can_have_is_refused_and_a_not_before_is_clamped() {
    for second in [i64::MIN, -1, 253_402_300_800, i64::MAX] {
        let moment = UnixTime::from_secs(second);
        let made = ForeignToken::new(Cargo::new(), moment, Lifetime::Forever).into_token();
        assert_eq!(made.err(), Some(SealError::IssuedAt), "{second}");
        let token = foreign(Lifetime::Forever).not_before(moment).into_token();
        let shown = token.unwrap().not_before().unwrap().as_secs();
        assert_eq!(shown, second.clamp(0, 253_402_300_799));
    }
    let message = SealError::IssuedAt.to_string();
    assert!(message.contains("issued before 1970"), "{message}");
    for (lifetime, error) in [
        (Lifetime::seconds(0), ExpiryError::Zero),
        (Lifetime::seconds(u64::MAX), ExpiryError::TooLong),
    ] {
        let made = foreign(lifetime).into_token();
        assert_eq!(made.err(), Some(SealError::Lifetime(error)));
    }
}

#[test]
fn no_codec_opens_the_text_that_it_came_from() {
    let keys = KeyRing::new(Key::generate());
    let codec = keys.codec("session").unwrap();
    for text in [
        "2fd8811b74d9ad0ff598c73cf36c",
        "v2:AAAA",
        "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
    ] {
        assert_eq!(codec.open(text).err(), Some(OpenError::Malformed));
    }
}
