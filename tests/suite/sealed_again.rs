//! Sealing again what was opened: entries that expired meanwhile, other leeways, and sessions with
//! two expiries.

use std::time::Duration;

use sealtoken::{
    Cargo, Codec, Key, KeyRing, Lifetime, ManualClock, OpenError, SealError, Token, Typed,
    TypedToken, UnixTime,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const BEGIN: i64 = 1_763_755_200;

fn second(after: i64) -> UnixTime {
    UnixTime::from_secs(BEGIN + after)
}

fn setup() -> (Codec, ManualClock) {
    let clock = ManualClock::at(second(0));
    let keys = KeyRing::new(Key::from_bytes([4; 32]));
    let codec = keys.codec("again").unwrap();
    (codec.with_clock(clock.clone()), clock)
}

/// A token for an hour whose entry `mfa` expires after a minute.
fn with_second_factor(codec: &Codec) -> String {
    let mut token = Token::new();
    token.cargo_mut().insert("user", 42).unwrap();
    token
        .cargo_mut()
        .insert_with_expiry("mfa", true, second(60))
        .unwrap();
    codec.seal(&mut token, Lifetime::hours(1)).unwrap()
}

/// A way to seal a token once more.
type Again<C = Cargo> = fn(&Codec, &mut Token<C>) -> Result<String, SealError>;

#[test]
fn a_map_held_past_an_entrys_expiry_is_sealed_again_without_the_entry() {
    let again: [Again; 3] = [
        |codec, token| codec.reseal(token),
        |codec, token| codec.renew(token, Lifetime::hours(1)),
        |codec, token| codec.seal(token, Lifetime::hours(1)),
    ];
    for again in again {
        let (codec, clock) = setup();
        let mut held = codec.open(&with_second_factor(&codec)).unwrap();
        clock.set(second(60));
        let text = again(&codec, &mut held).unwrap();
        // It is not merely hidden by its expiry: an earlier clock does not bring it back.
        clock.set(second(0));
        let inside = codec.open_with(&text, |opened| opened.cargo::<Value>());
        assert_eq!(inside, Ok(serde_json::json!({ "user": 42 })));
        assert_eq!(codec.open(&text).unwrap().cargo().expires_at("mfa"), None);
        assert!(!held.cargo().contains("mfa"));
    }
}

#[test]
fn a_typed_token_that_dropped_an_entry_opens_and_keeps_the_expiries_of_the_others() {
    #[derive(Serialize, Deserialize)]
    struct Own {
        user: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        mfa: Option<bool>,
    }
    let (codec, clock) = setup();
    let mut token = codec
        .open_value::<Own>(&with_second_factor(&codec))
        .unwrap();
    assert_eq!(token.value().mfa, Some(true));
    let kept = codec.reseal(&mut token).unwrap();
    token.value_mut().mfa = None;
    let dropped = codec.reseal(&mut token).unwrap();
    let opened = codec.open_value::<Own>(&dropped).unwrap();
    assert_eq!((opened.value().user, opened.value().mfa), (42, None));
    assert_eq!(
        codec.open(&kept).unwrap().cargo().expires_at("mfa"),
        Some(second(60))
    );
    clock.set(second(60));
    assert_eq!(codec.open_value::<Own>(&kept).unwrap().value().mfa, None);
}

/// No opener would accept it: the entry is gone, and the type requires it.
#[test]
fn a_value_that_still_has_an_expired_entry_is_not_sealed() {
    #[derive(Serialize, Deserialize, Clone)]
    struct Own {
        user: u64,
        mfa: bool,
    }
    let again: [Again<Typed<Own>>; 3] = [
        |codec, token| codec.reseal(token),
        |codec, token| codec.renew(token, Lifetime::hours(1)),
        |codec, token| codec.seal(token, Lifetime::hours(1)),
    ];
    let (codec, clock) = setup();
    let text = with_second_factor(&codec);
    let held = codec.open_value::<Own>(&text).unwrap();
    for again in again {
        clock.set(second(59));
        let text = again(&codec, &mut held.clone()).unwrap();
        assert!(codec.open_value::<Own>(&text).unwrap().value().mfa);
        clock.set(second(60));
        let at = second(60);
        let refused = again(&codec, &mut held.clone());
        assert_eq!(refused, Err(SealError::EntryExpired { at }));
        assert!(codec.open_value::<Own>(&text).is_err());
    }
}

#[test]
fn what_a_retired_key_sealed_needs_a_reseal_however_it_is_written_and_read() {
    let (codec, clock) = setup();
    let plain = codec.seal_value(&Value::Null, Lifetime::hours(1)).unwrap();
    let with_ends = with_second_factor(&codec);
    let ring = KeyRing::new(Key::from_bytes([5; 32]));
    let ring = ring.with_retired(Key::from_bytes([4; 32])).unwrap();
    let newer = ring.codec("again").unwrap().with_clock(clock);
    for text in [plain, with_ends] {
        for (codec, expected) in [(&newer, true), (&codec, false)] {
            let lent = codec.open_with(&text, |opened| Ok(opened.needs_reseal()));
            assert_eq!(lent, Ok(expected));
            let own = codec.open_value::<Value>(&text).unwrap();
            assert_eq!(own.needs_reseal(), expected);
        }
    }
}

#[test]
fn the_leeway_is_that_of_the_codec_that_seals_again_and_then_judges() {
    let (strict, clock) = setup();
    let lenient = strict.clone().with_leeway(Duration::from_secs(10));
    let text = strict.seal_value(&1, Lifetime::minutes(1)).unwrap();
    let open = |codec: &Codec| codec.open_value::<u8>(&text).unwrap();
    let (by_strict, by_lenient) = (open(&strict), open(&lenient));

    clock.set(second(65));
    assert!(by_strict.is_expired() && !by_lenient.is_expired());
    for token in [by_strict, by_lenient] {
        let expired = Err(SealError::Expired { at: second(60) });
        assert_eq!(strict.reseal(&mut token.clone()), expired);
        let mut again = token.clone();
        assert!(lenient.reseal(&mut again).is_ok());
        assert!(!again.is_expired());
    }
    clock.set(second(0));
    let mut token = open(&lenient);
    strict.reseal(&mut token).unwrap();
    clock.set(second(65));
    assert!(token.is_expired());
}

const IDLE: Lifetime = Lifetime::minutes(20);
const ABSOLUTE: Lifetime = Lifetime::hours(2);

#[test]
fn a_session_in_use_is_renewed_after_half_of_its_idle_time_up_to_its_absolute_expiry() {
    let (codec, clock) = setup();
    let mut text = codec.seal_value(&42, IDLE).unwrap();
    let mut renewed = Vec::new();
    let refused = loop {
        clock.advance(60);
        let mut session: TypedToken<u64> = match codec.open_value(&text) {
            Ok(session) => session,
            Err(error) => break error,
        };
        let before = session.remaining();
        let age = session.age().unwrap().as_secs();
        match codec.renew_if_due(&mut session, IDLE, ABSOLUTE).unwrap() {
            Some(newer) => {
                renewed.push(age / 60);
                text = newer;
                assert!(session.remaining() > before);
                assert_eq!(
                    codec.open_value::<u64>(&text).unwrap().remaining(),
                    session.remaining()
                );
            }
            None => assert_eq!(session.remaining(), before),
        }
        assert!(session.remaining().unwrap().as_secs() + age <= 7200);
    };
    assert_eq!(renewed, [11, 22, 33, 44, 55, 66, 77, 88, 99, 110]);
    assert_eq!(refused, OpenError::Expired { at: second(7200) });
}

#[test]
fn a_session_is_never_longer_than_what_is_allowed_and_its_changes_are_sealed() {
    let (codec, _) = setup();
    let mut token = Token::with_value(1);
    codec.seal(&mut token, Lifetime::Forever).unwrap();
    assert_eq!(token.remaining(), None);
    assert!(
        codec
            .renew_if_due(&mut token, IDLE, ABSOLUTE)
            .unwrap()
            .is_some()
    );
    assert_eq!(token.remaining(), Some(Duration::from_secs(1200)));
    assert_eq!(codec.renew_if_due(&mut token, IDLE, ABSOLUTE), Ok(None));

    token.set(2);
    let text = codec
        .renew_if_due(&mut token, IDLE, ABSOLUTE)
        .unwrap()
        .unwrap();
    assert_eq!(codec.open_value::<i32>(&text).unwrap().value(), &2);
    assert!(!token.is_dirty());

    let shorter = codec.renew_if_due(&mut token, IDLE, Lifetime::minutes(5));
    assert!(shorter.unwrap().is_some());
    assert_eq!(token.remaining(), Some(Duration::from_secs(300)));
    assert_eq!(
        codec.renew_if_due(&mut token, Lifetime::Forever, Lifetime::minutes(5)),
        Ok(None)
    );
}

#[test]
fn what_a_retired_key_sealed_is_renewed_at_once() {
    let (codec, clock) = setup();
    let text = codec.seal_value(&1, IDLE).unwrap();
    let ring = KeyRing::new(Key::from_bytes([5; 32]));
    let ring = ring.with_retired(Key::from_bytes([4; 32])).unwrap();
    let newer = ring.codec("again").unwrap().with_clock(clock);
    let mut session = newer.open_value::<u8>(&text).unwrap();
    assert!(
        newer
            .renew_if_due(&mut session, IDLE, ABSOLUTE)
            .unwrap()
            .is_some()
    );
    assert!(!session.needs_reseal());
}

#[test]
fn a_session_past_its_idle_or_absolute_expiry_is_not_renewed() {
    let (codec, clock) = setup();
    let renew = |token: &mut TypedToken<u8>| codec.renew_if_due(token, IDLE, ABSOLUTE);
    let mut idle = Token::with_value(1_u8);
    assert_eq!(renew(&mut idle), Err(SealError::NotSealed));
    assert_eq!((idle.age(), idle.remaining()), (None, Some(Duration::ZERO)));
    codec.seal(&mut idle, IDLE).unwrap();
    let mut long = Token::with_value(1_u8);
    codec.seal(&mut long, Lifetime::hours(3)).unwrap();

    clock.set(second(1200));
    assert_eq!(
        renew(&mut idle),
        Err(SealError::Expired { at: second(1200) })
    );
    assert_eq!(idle.remaining(), Some(Duration::ZERO));
    clock.set(second(7200));
    *long.value_mut() = 2;
    assert_eq!(
        renew(&mut long),
        Err(SealError::Expired { at: second(7200) })
    );
    let nothing = codec.renew_if_due(&mut long, Lifetime::seconds(0), ABSOLUTE);
    assert!(matches!(nothing, Err(SealError::Lifetime(_))));
}

#[test]
fn within_the_leeway_past_its_absolute_expiry_a_changed_session_keeps_its_expiry() {
    let (codec, clock) = setup();
    let codec = codec.with_leeway(Duration::from_secs(10));
    let mut session = Token::with_value(1);
    codec.seal(&mut session, IDLE).unwrap();
    clock.set(second(1205));
    assert_eq!(codec.renew_if_due(&mut session, IDLE, IDLE), Ok(None));
    session.set(2);
    assert!(
        codec
            .renew_if_due(&mut session, IDLE, IDLE)
            .unwrap()
            .is_some()
    );
    assert_eq!(session.expires_at(), Some(second(1200)));
    clock.set(second(1210));
    let ended = Err(SealError::Expired { at: second(1200) });
    assert_eq!(codec.renew_if_due(&mut session, IDLE, IDLE), ended);
}

/// Otherwise its cookie would outlive the session.
#[test]
fn what_was_sealed_for_longer_expires_at_its_absolute_expiry_and_has_no_leeway_there() {
    let (codec, clock) = setup();
    let codec = codec.with_leeway(Duration::from_secs(10));
    let mut session = Token::with_value(1);
    codec.seal(&mut session, Lifetime::hours(3)).unwrap();
    clock.set(second(7199));
    let mut renewed = session.clone();
    assert!(
        codec
            .renew_if_due(&mut renewed, IDLE, ABSOLUTE)
            .unwrap()
            .is_some()
    );
    for at in [7200, 7205] {
        clock.set(second(at));
        let ended = Err(SealError::Expired { at: second(7200) });
        assert_eq!(codec.renew_if_due(&mut session, IDLE, ABSOLUTE), ended);
        session.set(2);
        assert_eq!(codec.renew_if_due(&mut session, IDLE, ABSOLUTE), ended);
    }
    // The token that was renewed in time expires then itself.
    assert_eq!(codec.renew_if_due(&mut renewed, IDLE, ABSOLUTE), Ok(None));
    assert_eq!(renewed.remaining(), Some(Duration::ZERO));
}

#[test]
fn a_session_sealed_in_the_future_has_age_zero() {
    let (codec, clock) = setup();
    let mut session = Token::with_value(1);
    codec.seal(&mut session, IDLE).unwrap();
    clock.set(second(-30));
    assert_eq!(session.age(), Some(Duration::ZERO));
    assert_eq!(session.remaining(), Some(Duration::from_secs(1230)));
}

/// It expires at its absolute expiry, so a new text would not last longer than the old one.
#[test]
fn a_session_that_no_renewal_would_lengthen_is_left_as_it_is() {
    let clock = ManualClock::at(UnixTime::from_secs(1_000_000));
    let keys = KeyRing::new(Key::from_bytes([5; 32]));
    let codec = keys.codec("session").unwrap().with_clock(clock.clone());
    let (idle, absolute) = (Lifetime::minutes(20), Lifetime::minutes(30));
    let mut session = Token::with_value(42_u64);
    codec.seal(&mut session, idle).unwrap();
    clock.advance(15 * 60);
    let renewed = codec.renew_if_due(&mut session, idle, absolute).unwrap();
    assert!(renewed.is_some());
    // More than half of the idle time is over again.
    clock.advance(11 * 60);
    let renewed = codec.renew_if_due(&mut session, idle, absolute);
    assert_eq!(renewed, Ok(None));
}

/// In a rolling deploy, half of the servers would undo what the others did.
#[test]
fn what_a_standby_key_sealed_needs_no_reseal_however_it_is_read() {
    let [old, new] = [[5; 32], [6; 32]].map(Key::from_bytes);
    let behind = KeyRing::new(old.clone()).with_standby(new.clone()).unwrap();
    let ahead = KeyRing::new(new).with_retired(old).unwrap();
    let [behind, ahead] = [behind, ahead].map(|keys| keys.codec("session").unwrap());
    for (seals, opens, expected) in [
        (&ahead, &behind, false),
        (&behind, &ahead, true),
        (&ahead, &ahead, false),
    ] {
        let text = seals.seal(&mut Token::new(), Lifetime::hours(1)).unwrap();
        assert_eq!(opens.open(&text).unwrap().needs_reseal(), expected);
        let typed = opens.open_value::<Value>(&text).unwrap();
        assert_eq!(typed.needs_reseal(), expected);
        let lent = opens.open_with(&text, |opened| Ok(opened.needs_reseal()));
        assert_eq!(lent, Ok(expected));
        let mut token = opens.open(&text).unwrap();
        let due = opens.renew_if_due(&mut token, Lifetime::hours(1), Lifetime::hours(2));
        assert_eq!(due.unwrap().is_some(), expected);
    }
}

/// A longer setting, or a token that began shorter, signs no active user out.
#[test]
fn a_session_in_use_is_renewed_whatever_it_was_sealed_for() {
    let minutes = Lifetime::minutes;
    for (sealed, idle) in [
        (minutes(5), minutes(20)),
        (minutes(5), minutes(60)),
        (minutes(20), minutes(60)),
        (minutes(20), Lifetime::Forever),
    ] {
        let (codec, clock) = setup();
        let mut text = codec.seal_value(&42, sealed).unwrap();
        let refused = loop {
            clock.advance(60);
            let mut session: TypedToken<u64> = match codec.open_value(&text) {
                Ok(session) => session,
                Err(error) => break error,
            };
            if let Some(newer) = codec.renew_if_due(&mut session, idle, ABSOLUTE).unwrap() {
                text = newer;
            }
        };
        let at = second(7200);
        assert_eq!(refused, OpenError::Expired { at }, "{sealed} {idle}");
    }
}
