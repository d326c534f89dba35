//! Tokens of that framework, sealed again.

use std::error::Error;
use std::time::Duration;

use sealtoken::{Lifetime, SealError, UnixTime};
use sealtoken_import::PrimordyxError;
use serde_json::{Value, json};

use super::{NOW, Outcome, codec, reader, with_content};

#[test]
fn a_reseal_keeps_uuid_times_and_cargo_and_is_needed_no_more() -> Outcome {
    let text = with_content(
        &json!({"timestamp": NOW, "seconds_to_expire": 60, "custom": {"a": [1, 2.5]}}),
    )?;
    let mut token = reader().read(&text)?;
    let (uuid, end) = (token.uuid(), token.expires_at());
    let codec = codec(NOW + 59)?;
    let resealed = codec.reseal(&mut token)?;
    assert!(!token.needs_reseal() && !token.is_dirty());

    let opened = codec.open(&resealed)?;
    assert!(!opened.needs_reseal());
    assert_eq!((opened.uuid(), opened.expires_at()), (uuid, end));
    assert_eq!(opened.lifetime(), Some(Lifetime::seconds(60)));
    assert_eq!(opened.cargo(), token.cargo());
    assert_eq!(opened.cargo().require::<(u8, f64)>("a")?, (1, 2.5));
    Ok(())
}

#[test]
fn what_never_expires_is_resealed_as_that_and_the_longest_lifetime_as_that() -> Outcome {
    for (seconds, lifetime) in [
        (0, Lifetime::Forever),
        (253_402_300_799_i64, Lifetime::seconds(253_402_300_799)),
    ] {
        let text =
            with_content(&json!({"timestamp": NOW, "seconds_to_expire": seconds, "custom": []}))?;
        let mut token = reader().read(&text)?;
        let codec = codec(NOW)?;
        let opened = codec.open(&codec.reseal(&mut token)?)?;
        assert_eq!(opened.lifetime(), Some(lifetime));
    }
    Ok(())
}

#[test]
fn what_has_expired_is_not_resealed_and_what_has_no_lifetime_not_even_within_a_leeway() -> Outcome {
    let lenient = codec(NOW)?.with_leeway(Duration::from_secs(3600));
    let ended = json!({"timestamp": NOW - 60, "seconds_to_expire": 60, "custom": []});
    let mut token = reader().inspect(&with_content(&ended)?)?;
    let at = UnixTime::from_secs(NOW);
    assert_eq!(
        codec(NOW)?.reseal(&mut token),
        Err(SealError::Expired { at })
    );

    for timestamp in [NOW, NOW + 1_000_000] {
        let endless = json!({"timestamp": timestamp, "custom": []});
        let mut token = reader().inspect(&with_content(&endless)?)?;
        assert!(token.is_expired());
        let at = UnixTime::from_secs(1);
        assert_eq!(lenient.reseal(&mut token), Err(SealError::Expired { at }));
        assert_eq!(
            lenient.renew(&mut token, Lifetime::hours(1)),
            Err(SealError::Expired { at })
        );
    }
    Ok(())
}

#[test]
#[rustfmt::skip] // the name leaves no room for what it returns
fn what_is_dated_beyond_the_skew_is_read_and_not_resealed_before_an_opener_would_take_it()
-> Outcome {
    let ahead = json!({"timestamp": NOW + 120, "seconds_to_expire": 600, "custom": {"a": 1}});
    let text = with_content(&ahead)?;
    let begun = UnixTime::from_secs(NOW + 120);
    let refused = Err(SealError::FromTheFuture { issued_at: begun });
    let mut token = reader().read(&text)?;
    for now in [NOW, NOW + 59] {
        assert_eq!(codec(now)?.reseal(&mut token), refused);
        assert!(token.needs_reseal() && token.sealed().is_none());
    }
    let codec = codec(NOW + 60)?;
    let opened = codec.open(&codec.reseal(&mut token)?)?;
    let end = UnixTime::from_secs(NOW + 720);
    assert_eq!(opened.expires_at(), Some(end));
    assert_eq!(opened.cargo().require::<u8>("a")?, 1);
    Ok(())
}

#[test]
fn a_cargo_of_64_levels_is_read_and_sealed_again_and_a_deeper_one_is_not() -> Outcome {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let token = |levels| -> Result<String, Box<dyn Error>> {
        let list: Value = serde_json::from_str(&nested(levels))?;
        let content = json!({"timestamp": NOW, "seconds_to_expire": 60, "custom": list});
        Ok(with_content(&content)?)
    };
    // A list becomes a map, so only the token's own level is added.
    let mut deepest = reader().read(&token(63)?)?;
    let codec = codec(NOW)?;
    let resealed = codec.reseal(&mut deepest)?;
    assert!(codec.open(&resealed).is_ok());
    assert_eq!(
        reader().read(&token(64)?).err(),
        Some(PrimordyxError::Payload)
    );
    Ok(())
}

#[test]
fn a_long_token_is_resealed_where_the_codec_allows_its_length() -> Outcome {
    let content =
        json!({"timestamp": NOW, "seconds_to_expire": 60, "custom": ["x".repeat(30_000)]});
    let mut token = reader().read(&with_content(&content)?)?;
    let refused = codec(NOW)?.reseal(&mut token);
    assert!(matches!(refused, Err(SealError::TooLong { max: 4000, .. })));
    assert!(codec(NOW)?.with_max_len(65_536).reseal(&mut token).is_ok());
    Ok(())
}
