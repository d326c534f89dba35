//! The times and the text of a token.

use sealtoken::{Cargo, Lifetime, ManualClock, SealError, Token, UnixTime};

use super::codec;

#[test]
fn a_token_that_would_never_be_valid_is_not_sealed() {
    let now = UnixTime::from_secs(1_000_000);
    let clock = ManualClock::at(now);
    let codec = codec().with_clock(clock.clone());
    let mut token = Token::new();
    let end = now.saturating_add(60);
    for from in [end, end.saturating_add(1)] {
        token.set_not_before(Some(from));
        let refused = codec.seal(&mut token, Lifetime::seconds(60));
        assert_eq!(
            refused,
            Err(SealError::NeverValid {
                from,
                expires_at: end
            })
        );
    }
    token.set_not_before(Some(now.saturating_add(59)));
    codec.seal(&mut token, Lifetime::seconds(60)).unwrap();
    token.set_not_before(Some(end));
    let refused = codec.reseal(&mut token);
    assert_eq!(
        refused,
        Err(SealError::NeverValid {
            from: end,
            expires_at: end
        })
    );

    token.set_not_before(None);
    codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    clock.set(UnixTime::from_secs(1_000_000 - 60));
    codec.reseal(&mut token).unwrap();
    clock.set(UnixTime::from_secs(1_000_000 - 61));
    let refused = codec.reseal(&mut token);
    assert_eq!(refused, Err(SealError::FromTheFuture { issued_at: now }));
}

#[test]
fn a_lent_token_tells_its_times() {
    let clock = ManualClock::at(UnixTime::from_secs(1000));
    let codec = codec().with_clock(clock.clone());
    let mut token = Token::with_value(7_u8);
    codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    clock.advance(60);
    let text = codec.renew(&mut token, Lifetime::minutes(5)).unwrap();
    let read = codec.open_with(&text, |opened| {
        assert_eq!(opened.uuid(), token.uuid());
        assert_eq!(opened.issued_at().as_secs(), 1060);
        assert_eq!(opened.first_issued_at().as_secs(), 1000);
        assert_eq!(opened.lifetime(), Lifetime::minutes(5));
        let end = opened.expires_at().map(|end| end.as_secs());
        assert_eq!(end, Some(1360));
        assert!(!opened.needs_reseal());
        opened.cargo::<u8>()
    });
    assert_eq!(read, Ok(7));
}

/// No copy of the text is kept, as for any other type.
#[test]
fn a_map_that_is_opened_as_a_type_is_a_typed_token_like_another() {
    let mut token = Token::new();
    token.cargo_mut().insert("a", 1).unwrap();
    let text = codec().seal(&mut token, Lifetime::hours(1)).unwrap();
    let mut opened = codec().open_value::<Cargo>(&text).unwrap();
    assert_eq!(opened.sealed(), None);
    assert!(!opened.is_dirty());
    *opened.value_mut() = Cargo::new();
    assert!(opened.is_dirty());
}

#[test]
fn no_sealed_token_ends_in_punctuation() {
    let codec = codec();
    let mut lengths = [0; 4];
    for length in 0..3000 {
        let value = "x".repeat(length % 12);
        let mut token = Token::with_value(value.clone());
        let texts = [
            codec.seal_value(&value, Lifetime::hours(1)).unwrap(),
            codec.seal(&mut token, Lifetime::hours(1)).unwrap(),
            codec.reseal(&mut token).unwrap(),
            codec.renew(&mut token, Lifetime::hours(1)).unwrap(),
        ];
        for text in texts {
            assert!(!text.ends_with(['-', '_']), "{text}");
            lengths[text.len() % 4] += 1;
            assert_eq!(codec.open_value::<String>(&text).unwrap().value(), &value);
        }
    }
    // No base64 text has one character more than whole groups.
    assert!(lengths[1] == 0 && [0, 2, 3].iter().all(|rest| lengths[*rest] > 2000));
}
