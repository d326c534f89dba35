//! Every small change to a token is refused.

use sealtoken::{Codec, Key, KeyRing, Lifetime, OpenError, Token};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn sealed() -> (Codec, String) {
    let codec = KeyRing::new(Key::from_bytes([3; 32]))
        .codec("mutation")
        .unwrap();
    let mut token = Token::new();
    token.cargo_mut().insert("user_id", 123).unwrap();
    token.cargo_mut().insert("note", "x".repeat(555)).unwrap();
    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    (codec, text)
}

/// The error of opening `text`; panics if it opens.
fn refused(codec: &Codec, text: &str) -> OpenError {
    match codec.open(text) {
        Ok(_) => panic!("opened: {text}"),
        Err(error) => error,
    }
}

#[test]
fn every_character_swap_bit_flip_truncation_and_extension_is_refused() {
    let (codec, text) = sealed();
    assert!(codec.open(&text).is_ok());
    let mut mutations = 0_u32;

    // Every other character at every place, which includes every bit flip of a decoded byte.
    let mut changed = text.clone().into_bytes();
    for at in 0..changed.len() {
        let original = changed[at];
        for other in ALPHABET {
            if *other == original {
                continue;
            }
            changed[at] = *other;
            let error = refused(&codec, str::from_utf8(&changed).unwrap());
            let expected: &[OpenError] = match at {
                0..4 => &[OpenError::Malformed],
                // The key id covers five characters and a third of the sixth.
                4..9 => &[OpenError::UnknownKey],
                9 => &[OpenError::UnknownKey, OpenError::Forged],
                _ if at + 1 == text.len() => &[OpenError::Malformed, OpenError::Forged],
                _ => &[OpenError::Forged],
            };
            assert!(expected.contains(&error), "{at}: {error:?}");
            mutations += 1;
        }
        changed[at] = original;
    }
    // Swapped neighbours.
    for at in 0..changed.len() - 1 {
        if changed[at] != changed[at + 1] {
            changed.swap(at, at + 1);
            refused(&codec, str::from_utf8(&changed).unwrap());
            changed.swap(at, at + 1);
            mutations += 1;
        }
    }
    for end in 0..text.len() {
        refused(&codec, &text[..end]);
        refused(&codec, &text[end + 1..]);
        mutations += 2;
    }
    for other in ALPHABET.iter().chain(b"= \n\0+/.") {
        let other = char::from(*other);
        refused(&codec, &format!("{text}{other}"));
        refused(&codec, &format!("{text}{other}{other}"));
        refused(&codec, &format!("{other}{text}"));
        mutations += 3;
    }
    refused(&codec, &format!("{text}{text}"));
    assert!(mutations >= 57_000, "{mutations}");
}

#[test]
fn a_character_outside_the_alphabet_is_malformed_at_every_place() {
    let (codec, text) = sealed();
    for at in 0..text.len() {
        for other in ["=", " ", "+", "/", "\0", "é", "\u{ff21}"] {
            let mut changed = text.clone();
            changed.replace_range(at..=at, other);
            assert_eq!(
                refused(&codec, &changed),
                OpenError::Malformed,
                "{at} {other:?}"
            );
        }
    }
}

#[test]
fn two_tokens_of_one_codec_cannot_be_mixed() {
    let (codec, one) = sealed();
    let mut token = Token::new();
    token.cargo_mut().insert("user_id", 124).unwrap();
    token.cargo_mut().insert("note", "y".repeat(555)).unwrap();
    let other = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    assert_eq!(one.len(), other.len());
    for cut in 10..one.len() {
        let mixed = format!("{}{}", &one[..cut], &other[cut..]);
        // The two may share a prefix or a suffix by chance.
        if mixed != one && mixed != other {
            assert_eq!(refused(&codec, &mixed), OpenError::Forged, "{cut}");
        }
    }
}
