//! Tokens from a fixed generator, key and clock. A change of the format, of a derivation or of the
//! order in which randomness is used changes them; so does a constant in the place of a key.

use std::collections::HashSet;

use serde::Serialize;

use crate::crypto::clock::{ClockSource, Reading, UnixTime};
use crate::crypto::random::{Failed, with_source};
use crate::keys::{Key, KeyRing};
use crate::token::{Lifetime, SealError, Token};

use super::Codec;

const NOW: UnixTime = UnixTime::from_secs(1_763_755_200);

fn codec(purpose: &str) -> Codec {
    let keys = KeyRing::new(Key::from_bytes([0x42; 32]));
    let mut codec = keys.codec(purpose).unwrap();
    codec.clock = ClockSource::Fixed(Reading {
        now: NOW,
        nanos: 1_763_755_200_123_456_789,
    });
    codec
}

fn counting(out: &mut [u8]) -> Result<(), Failed> {
    for (byte, at) in out.iter_mut().zip(0..) {
        *byte = at;
    }
    Ok(())
}

#[derive(Serialize)]
struct Session {
    user: u64,
    role: &'static str,
}

/// Opened once by `tests/interop/st1.py`, which knows the format and not this code.
const VALUE: &str = concat!(
    "st1_lhkmQqFtNDbE9nXSVwvE4P0WG2BZQLMIwoV8nxLu5leA338QDtFpkmvQhvQDU8D-_nzdnkHPKom6AoscD1mB_t",
    "VCM6zIwx-Cf78kNKcbchi53dapNYKou5phUOsuJFs1nsWBGIuA1hGbu7qLlrmIAJ0Kcl2U-VUvbiLo-trXKUnozw",
);
const MAP: &str = concat!(
    "st1_lhkmQvLQ2S93jYJugONJF8YK9yFJE2Afwr5GvHSyUJz8jTsFfRUBR2gsneWiMfhDlCWoOjeB7-ZFlwHL2aUA7n",
    "ou_rXXyFZfbfBjktriYDFVtSXXwKjehTEAJ8ZG5qcnaCQDxdEVK-9m_KjC7zPz7aZmTaAVSQ2GpD1r3NLJRdmofA9k",
    "5xQb_1mC4C6G727BXFDUawgsgBv4rWY0bqg",
);
const RENEWED: &str = concat!(
    "st1_lhkmQjcmcF0DraxBKhcxjcTGprAp1uJUhSjUmlxjcktab2ITtmStwhddzOEhVUfRPLyKp-EX6DfTjulaX54m9N",
    "-KTb-Vc5AfL08uMwck4DQj_JIhlvlOa_5FW2PwcMO7sfYq6DEv-2N5QXm_R5c3RYDfzpH1X5ukOGR8C5XL3UFudR9t",
    "MsuHZ24HIioDFdVqO9YFMdG37LQee6EL_Me8dSYKYzhvBmG6YulUiEoaURvETJF0MA",
);
const BOUND: &str = concat!(
    "st1_lhkmQlvvohyaOG1zjGTrM5PW6xU1jgzrLhtkSO-xANdjJCRw_c29T3oncCRSOtfDKvnzJiC08pWxtoZpg2HWOk",
    "nSgS-Uw6VVXMo-07unLLYlhvVT2IlEYV3Pm70dHKau3cPcsYOnrf8fOzhWHKoeBg6s2pNMnweeSRORHVwAlvf1_GrH",
    "mN7t-PGGhXalyH-PPZqMKnrJXImQWCfGPKbWn_OM6KaP_HXqM4hE7w",
);

#[test]
fn a_fixed_generator_seals_the_same_tokens_for_ever() {
    let session = Session {
        user: 42,
        role: "admin",
    };
    with_source(counting, || {
        let codec = codec("session");
        let value = codec.seal_value(&session, Lifetime::hours(8)).unwrap();

        let mut token = Token::new();
        token.set_uuid(uuid::Uuid::from_bytes([7; 16]));
        token.cargo_mut().insert("user_id", 123).unwrap();
        let end = NOW.saturating_add(60);
        token
            .cargo_mut()
            .insert_with_expiry("mfa", true, end)
            .unwrap();
        token.set_not_before(Some(NOW));
        let map = codec.seal(&mut token, Lifetime::Forever).unwrap();
        let renewed = codec.renew(&mut token, Lifetime::minutes(5)).unwrap();

        let bound = codec.bound_to(["user", "42"]).unwrap().with_padding(64);
        let bound = bound.seal_value(&session, Lifetime::seconds(1)).unwrap();
        assert_eq!([value, map, renewed, bound], [VALUE, MAP, RENEWED, BOUND]);
    });
}

#[test]
fn the_same_generator_state_gives_another_nonce_for_another_message_key_or_context() {
    let nonce = |codec: &Codec, user| {
        with_source(counting, || {
            let session = Session {
                user,
                role: "admin",
            };
            let text = codec.seal_value(&session, Lifetime::hours(8)).unwrap();
            // Key id, then the nonce: its mixed part ends before character 4 + 27.
            text[10..31].to_owned()
        })
    };
    let here = codec("session");
    assert_eq!(nonce(&here, 1), nonce(&here, 1));
    assert_ne!(nonce(&here, 1), nonce(&here, 2));
    assert_ne!(nonce(&here, 1), nonce(&codec("other"), 1));
    assert_ne!(
        nonce(&here, 1),
        nonce(&here.bound_to("context").unwrap(), 1)
    );
}

/// Of these texts some would have ended in punctuation, and were sealed again under another nonce.
#[test]
fn copies_of_a_generator_share_no_nonce_also_where_one_is_drawn_again() {
    let here = codec("session");
    let mut nonces = HashSet::new();
    for value in 0..300 {
        // One of three lengths is that of a text that can end so.
        for value in [
            format!("{value:03}"),
            format!("{value:04}"),
            format!("{value:05}"),
        ] {
            let text = with_source(counting, || here.seal_value(&value, Lifetime::hours(8)));
            let nonce = text.unwrap()[10..41].to_owned();
            assert!(nonces.insert(nonce), "{value}");
        }
    }
}

#[test]
fn a_system_without_random_bytes_is_an_error_and_leaves_the_token_as_it_was() {
    with_source(
        |_| Err(Failed),
        || {
            let codec = codec("session");
            let value = codec.seal_value(&1, Lifetime::hours(8));
            assert_eq!(value, Err(SealError::Randomness));

            let mut token = Token::new();
            assert!(token.uuid().is_nil());
            token.cargo_mut().insert("a", 1).unwrap();
            let sealed = codec.seal(&mut token, Lifetime::hours(8));
            assert_eq!(sealed, Err(SealError::Randomness));
            assert!(!token.is_valid() && token.is_dirty() && token.uuid().is_nil());
            assert_eq!(token.cargo().require::<u8>("a"), Ok(1));
        },
    );
    let mut token = with_source(|_| Err(Failed), Token::new);
    codec("session")
        .seal(&mut token, Lifetime::hours(8))
        .unwrap();
    assert_eq!(token.uuid().get_version_num(), 4);
}
