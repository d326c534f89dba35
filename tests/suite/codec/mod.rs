//! The codec: its purpose, settings, contexts and limits.

mod contexts;
mod lengths;
mod times;
mod types;

use sealtoken::{Backend, Codec, Key, KeyRing, Lifetime, ManualClock, OpenError, Token, UnixTime};

fn codec() -> Codec {
    KeyRing::new(Key::from_bytes([6; 32]))
        .codec("codec")
        .unwrap()
}

fn at(seconds: i64) -> (Codec, ManualClock) {
    let clock = ManualClock::at(UnixTime::from_secs(seconds));
    (codec().with_clock(clock.clone()), clock)
}

#[test]
fn a_purpose_opens_nothing_of_another() {
    let ring = KeyRing::new(Key::from_bytes([6; 32]));
    let text = codec().seal_value(&1, Lifetime::hours(1)).unwrap();
    for purpose in ["codec2", "code", "Codec", "codec\0", " codec"] {
        let other = ring.codec(purpose).unwrap();
        assert_eq!(
            other.open_value::<u8>(&text).err(),
            Some(OpenError::Forged),
            "{purpose}"
        );
    }
    assert_eq!(codec().purpose(), "codec");
}

#[test]
fn a_token_is_sealed_the_same_by_every_backend() {
    let text = codec()
        .with_backend(Backend::RustCrypto)
        .seal_value(&7, Lifetime::hours(1))
        .unwrap();
    assert_eq!(
        codec()
            .with_backend(Backend::default())
            .open_value::<u8>(&text)
            .unwrap()
            .into_value(),
        7
    );
    #[cfg(feature = "aws-lc")]
    {
        let (ours, theirs) = (Backend::RustCrypto, Backend::AwsLc);
        for (seals, opens) in [(ours, theirs), (theirs, ours), (theirs, theirs)] {
            for length in [0, 1, 100, 2000] {
                let value = "x".repeat(length);
                let text = codec()
                    .with_backend(seals)
                    .seal_value(&value, Lifetime::hours(1))
                    .unwrap();
                let opener = codec().with_backend(opens);
                assert_eq!(
                    opener.open_value::<String>(&text).unwrap().into_value(),
                    value
                );
                let mut forged = text.into_bytes();
                forged[50] = if forged[50] == b'A' { b'B' } else { b'A' };
                let forged = String::from_utf8(forged).unwrap();
                assert_eq!(
                    opener.open_value::<String>(&forged).err(),
                    Some(OpenError::Forged)
                );
            }
        }
    }
}

#[test]
fn uuids_are_random_and_survive_what_is_done_to_a_token() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1000 {
        let text = codec().seal_value(&1, Lifetime::hours(1)).unwrap();
        let uuid = codec().open_value::<u8>(&text).unwrap().uuid();
        assert_eq!(uuid.get_version_num(), 4);
        assert!(seen.insert(uuid) && seen.insert(Token::new().uuid()));
    }
}
