//! The states of a token through its life.

use std::time::Duration;

use sealtoken::{
    Codec, JsonFormat, Key, KeyRing, Lifetime, ManualClock, OpenError, SealError, Token, UnixTime,
    Zone,
};

fn setup() -> (Codec, ManualClock) {
    let clock = ManualClock::at(UnixTime::from_secs(1_763_755_200));
    let keys = KeyRing::new(Key::from_bytes([4; 32]));
    (
        keys.codec("states").unwrap().with_clock(clock.clone()),
        clock,
    )
}

/// Dirty, valid, expired, and whether there is a text.
fn states(token: &Token) -> (bool, bool, bool, bool) {
    (
        token.is_dirty(),
        token.is_valid(),
        token.is_expired(),
        token.sealed().is_some(),
    )
}

const NEW: (bool, bool, bool, bool) = (true, false, true, false);
const CLEAN: (bool, bool, bool, bool) = (false, true, false, true);

#[test]
fn a_token_goes_through_the_states_of_the_table() {
    let (codec, clock) = setup();
    let mut token = Token::new();
    assert_eq!(states(&token), NEW);
    assert_eq!(
        (token.issued_at(), token.lifetime(), token.expires_at()),
        (None, None, None)
    );
    assert!(token.is_expired_at(UnixTime::from_secs(0)));

    let text = codec.seal(&mut token, Lifetime::minutes(1)).unwrap();
    assert_eq!(states(&token), CLEAN);
    token.cargo_mut().insert("a", 1).unwrap();
    assert_eq!(states(&token), (true, true, false, true));
    assert!(token.cargo().is_dirty());
    token.cargo_mut().set_clean();
    assert_eq!(states(&token), CLEAN);

    clock.advance(60);
    assert_eq!(states(&token), (false, true, true, true));
    assert!(!token.is_expired_at(UnixTime::from_secs(1_763_755_259)));
    assert_eq!(
        codec.open(&text).map(|_| ()),
        Err(OpenError::Expired {
            at: UnixTime::from_secs(1_763_755_260)
        })
    );

    let uuid = token.uuid();
    token.reset();
    assert_eq!(
        (states(&token), token.uuid(), token.cargo().len()),
        (NEW, uuid, 0)
    );
}

#[test]
fn another_cargo_in_the_place_of_the_sealed_one_is_a_change() {
    let (codec, _) = setup();
    let mut token = Token::new();
    token.cargo_mut().insert("role", "admin").unwrap();
    codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    let as_sealed = token.cargo().clone();
    *token.cargo_mut() = r#"{"role":"user"}"#.parse().unwrap();
    assert!(!token.cargo().is_dirty() && token.is_dirty());
    *token.cargo_mut() = as_sealed;
    assert!(!token.is_dirty());
    std::mem::take(token.cargo_mut());
    assert!(token.is_dirty());

    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    let mut other = codec.open(&text).unwrap();
    std::mem::swap(other.cargo_mut(), token.cargo_mut());
    assert!(other.is_dirty() && token.is_dirty());
}

#[test]
fn loading_takes_what_was_sealed_or_leaves_an_empty_token() {
    let (codec, clock) = setup();
    let mut sealed = Token::new();
    sealed.cargo_mut().insert("a", 1).unwrap();
    let text = codec.seal(&mut sealed, Lifetime::minutes(1)).unwrap();

    let mut token = Token::new();
    codec.load(&mut token, &text).unwrap();
    assert_eq!((token.uuid(), states(&token)), (sealed.uuid(), CLEAN));
    assert_eq!(
        (token.cargo(), token.sealed()),
        (sealed.cargo(), Some(text.as_str()))
    );

    clock.advance(60);
    for (bad, code) in [("nonsense", "malformed"), (text.as_str(), "expired")] {
        let mut token = token.clone();
        let uuid = token.uuid();
        assert_eq!(codec.load(&mut token, bad).map_err(|e| e.code()), Err(code));
        assert_eq!(
            (states(&token), token.uuid(), token.cargo().len()),
            (NEW, uuid, 0)
        );
    }
}

#[test]
fn a_reseal_keeps_identity_times_and_expiry() {
    let (codec, clock) = setup();
    let mut token = Token::new();
    codec.seal(&mut token, Lifetime::minutes(10)).unwrap();
    let before = (
        token.uuid(),
        token.issued_at(),
        token.expires_at(),
        token.lifetime(),
    );
    clock.advance(300);
    token.cargo_mut().insert("a", 1).unwrap();
    let text = codec.reseal(&mut token).unwrap();
    let opened = codec.open(&text).unwrap();
    for token in [&token, &opened] {
        let after = (
            token.uuid(),
            token.issued_at(),
            token.expires_at(),
            token.lifetime(),
        );
        assert_eq!((after, states(token)), (before, CLEAN));
    }
}

#[test]
fn a_renewal_moves_the_expiry_and_keeps_the_first_issue() {
    let (codec, clock) = setup();
    let mut token = Token::new();
    codec.seal(&mut token, Lifetime::minutes(10)).unwrap();
    let (uuid, first) = (token.uuid(), token.issued_at());
    assert_eq!(token.first_issued_at(), first);
    for _ in 0..3 {
        clock.advance(300);
        let text = codec.renew(&mut token, Lifetime::minutes(10)).unwrap();
        token = codec.open(&text).unwrap();
    }
    assert_eq!((token.uuid(), token.first_issued_at()), (uuid, first));
    assert_eq!(
        token.issued_at().unwrap() - first.unwrap(),
        Duration::from_secs(15 * 60)
    );
    assert_eq!(
        token.expires_at().unwrap() - first.unwrap(),
        Duration::from_secs(25 * 60)
    );

    // If the clock ran backwards, the first issue is not after the new one.
    clock.advance(-3600);
    let text = codec.renew(&mut token, Lifetime::minutes(10)).unwrap();
    let token = codec.open(&text).unwrap();
    assert_eq!(token.first_issued_at(), token.issued_at());

    // Sealing it anew is a first issue.
    let mut token = token;
    codec.seal(&mut token, Lifetime::minutes(10)).unwrap();
    clock.advance(1);
    assert_eq!(token.first_issued_at(), token.issued_at());
}

#[test]
fn what_has_expired_or_was_never_sealed_is_not_sealed_again() {
    let (codec, clock) = setup();
    let mut token = Token::new();
    assert_eq!(codec.reseal(&mut token), Err(SealError::NotSealed));
    assert_eq!(
        codec.renew(&mut token, Lifetime::hours(1)),
        Err(SealError::NotSealed)
    );
    let text = codec.seal(&mut token, Lifetime::minutes(1)).unwrap();
    clock.advance(60);
    let mut inspected = codec.inspect(&text).unwrap();
    let at = UnixTime::from_secs(1_763_755_260);
    for token in [&mut token, &mut inspected] {
        assert_eq!(codec.reseal(token), Err(SealError::Expired { at }));
        assert_eq!(
            codec.renew(token, Lifetime::hours(1)),
            Err(SealError::Expired { at })
        );
        assert_eq!(states(token), (false, true, true, true));
    }
}

#[test]
fn a_failed_seal_leaves_the_token_as_it_was() {
    let (codec, clock) = setup();
    let mut token = Token::new();
    token.cargo_mut().insert("a", "x".repeat(5000)).unwrap();
    assert!(matches!(
        codec.seal(&mut token, Lifetime::hours(1)),
        Err(SealError::TooLong { .. })
    ));
    assert!(matches!(
        codec.seal(&mut token, Lifetime::seconds(0)),
        Err(SealError::Lifetime(_))
    ));
    clock.set(UnixTime::from_secs(-1));
    assert_eq!(
        codec.seal(&mut token, Lifetime::hours(1)),
        Err(SealError::Clock)
    );
    assert_eq!((states(&token), token.cargo().len()), (NEW, 1));
}

#[test]
fn a_typed_token_is_dirty_by_its_own_changes() {
    let (codec, _) = setup();
    let mut token = Token::with_value(vec![1, 2]);
    assert!(token.is_dirty() && !token.is_valid());
    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    assert!(!token.is_dirty());
    let mut token = codec.open_value::<Vec<i32>>(&text).unwrap();
    assert_eq!(
        (token.is_dirty(), token.is_valid(), token.sealed()),
        (false, true, None)
    );
    token.set(vec![1, 2]);
    assert!(!token.is_dirty());
    token.set(vec![1]);
    assert!(token.is_dirty());
    codec.reseal(&mut token).unwrap();
    assert!(!token.is_dirty() && token.sealed().is_some());
    token.value_mut().push(9);
    assert!(token.is_dirty());
    token.reset();
    assert!(token.value().is_empty() && !token.is_valid());
}

#[test]
fn a_token_is_not_valid_before_its_time() {
    let (codec, clock) = setup();
    let mut token = Token::new();
    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    assert!(codec.open(&text).is_ok());
    let from = UnixTime::from_secs(1_763_755_300);
    token.set_not_before(Some(from));
    assert!(token.is_dirty());
    let text = codec.reseal(&mut token).unwrap();
    assert_eq!(
        codec.open(&text).map(|_| ()),
        Err(OpenError::NotYetValid { from })
    );
    clock.set(from);
    let opened = codec.open(&text).unwrap();
    assert_eq!(opened.not_before(), Some(from));
    token.set_not_before(Some(UnixTime::from_secs(-5)));
    assert_eq!(token.not_before(), Some(UnixTime::from_secs(0)));
    token.set_not_before(Some(UnixTime::from_secs(i64::MAX)));
    assert_eq!(token.not_before(), Some(UnixTime::MAX_DATE));
}

#[test]
fn json_shows_uuid_times_states_and_cargo_and_the_text_only_when_asked() {
    let (codec, clock) = setup();
    let mut token = Token::new();
    token.cargo_mut().insert("user_id", 123).unwrap();
    let text = codec.seal(&mut token, Lifetime::minutes(30)).unwrap();
    clock.advance(60);
    let uuid = token.uuid();
    let shown = |sealed: &str| {
        format!(
            "{{\"uuid\":\"{uuid}\",\"issued_at\":\"2025-11-21T20:00:00Z\",\"lifetime\":1800,\
             \"not_before\":null,\"expires_at\":\"2025-11-21T20:30:00Z\",\
             \"now\":\"2025-11-21T20:01:00Z\",\"is_valid\":true,\"is_expired\":false,\
             \"is_dirty\":false,\"cargo_is_dirty\":false,\
             \"cargo\":{{\"user_id\":123}}{sealed}}}"
        )
    };
    assert_eq!(token.to_json(JsonFormat::default()), shown(""));
    let with_text = token.to_json(JsonFormat::default().with_sealed_text());
    assert_eq!(with_text, shown(&format!(r#","sealed":"{text}""#)));
    let pretty = token.to_json(JsonFormat::default().pretty());
    assert!(pretty.starts_with(&format!("{{\n  \"uuid\": \"{uuid}\",\n")));
    let value: serde_json::Value = serde_json::from_str(&pretty).unwrap();
    assert_eq!(
        value,
        serde_json::from_str::<serde_json::Value>(&shown("")).unwrap()
    );

    let offset = time::UtcOffset::from_hms(-5, -30, 0).unwrap();
    let shifted = token.to_json(JsonFormat::default().in_zone(offset));
    for member in [
        r#""issued_at":"2025-11-21T14:30:00-05:30""#,
        r#""expires_at":"2025-11-21T15:00:00-05:30""#,
        r#""now":"2025-11-21T14:31:00-05:30""#,
    ] {
        assert!(shifted.contains(member), "{shifted}");
    }
    // A token can differ from what was sealed even if its cargo does not.
    token.set_not_before(Some(UnixTime::from_secs(1_763_755_201)));
    let changed = token.to_json(JsonFormat::default());
    assert!(
        changed.contains(r#""is_dirty":true,"cargo_is_dirty":false"#),
        "{changed}"
    );
    assert!(changed.contains(r#""not_before":"2025-11-21T20:00:01Z""#));
    clock.advance(1740);
    assert!(
        token
            .to_json(JsonFormat::default())
            .contains(r#""is_expired":true"#)
    );
    let new = Token::new().to_json(JsonFormat::default().with_sealed_text());
    for member in [
        r#""issued_at":null,"lifetime":null"#,
        r#""expires_at":null"#,
        r#""is_valid":false"#,
        r#""sealed":null"#,
    ] {
        assert!(new.contains(member), "{new}");
    }
    codec.seal(&mut token, Lifetime::Forever).unwrap();
    let endless = token.to_json(JsonFormat::default());
    assert!(endless.contains(r#""lifetime":null"#) && endless.contains(r#""expires_at":null"#));
}

#[test]
fn an_expiry_beyond_the_calendar_is_shown_as_its_last_second() {
    let (codec, _) = setup();
    let mut token = Token::new();
    codec
        .seal(&mut token, Lifetime::seconds(253_402_300_799))
        .unwrap();
    let end = token.expires_at().unwrap();
    assert_eq!(Zone::UTC.text(end), "9999-12-31T23:59:59Z");
    // In UTC, since the offset would lead out of the calendar.
    let ahead = Zone::from(time::UtcOffset::from_hms(14, 0, 0).unwrap());
    assert_eq!(ahead.text(end), "9999-12-31T23:59:59Z");
    codec.seal(&mut token, Lifetime::Forever).unwrap();
    assert_eq!((token.expires_at(), token.is_expired()), (None, false));
    assert!(!token.is_expired_at(UnixTime::from_secs(i64::MAX)));
}

/// A process reads its zone at the start, so a child process has the other zone.
#[cfg(feature = "local-time")]
#[test]
fn local_text_has_the_offset_of_its_moment_in_the_machines_zone() {
    const CHILD: &str = "SEALTOKEN_TEST_ZONE";
    if std::env::var_os(CHILD).is_none() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "states::local_text_has_the_offset_of_its_moment_in_the_machines_zone",
            ])
            .env("TZ", "EST5EDT,M3.2.0,M11.1.0")
            .env(CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(
            child.status.success() && said.contains("1 passed"),
            "{said}"
        );
        return;
    }
    let (codec, clock) = setup();
    let mut token = Token::new();
    codec.seal(&mut token, Lifetime::minutes(30)).unwrap();
    let text = |token: &Token| Zone::LOCAL.text(token.expires_at().unwrap());
    assert_eq!(text(&token), "2025-11-21T15:30:00-05:00");
    clock.set(UnixTime::from_secs(1_750_000_000));
    codec.seal(&mut token, Lifetime::minutes(30)).unwrap();
    assert_eq!(text(&token), "2025-06-15T11:36:40-04:00");
    let shown = token.to_json(JsonFormat::default().in_zone(Zone::LOCAL));
    assert!(
        shown.contains(r#""expires_at":"2025-06-15T11:36:40-04:00""#),
        "{shown}"
    );
}

#[test]
fn a_token_that_was_reset_is_valid_from_no_moment_of_its_own() {
    let (codec, _) = setup();
    let mut token = Token::new();
    token.set_not_before(Some(UnixTime::from_secs(1_763_755_200 + 60)));
    codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    token.reset();
    assert_eq!(token.not_before(), None);
    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    assert!(codec.open(&text).is_ok());
}
