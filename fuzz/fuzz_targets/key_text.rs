//! Parses keys from text: a key has one spelling, and any other text gets the right error.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use sealtoken::{Key, KeyError, KeyRing, PurposeKey, Ring, Role};
use sealtoken_fuzz::armour;

fuzz_target!(|text: &str| {
    key(text);
    purpose_key(text);
    rings(text);

    // A fuzzer cannot guess the checksum, so add it to the text's bytes.
    let bytes = text.as_bytes();
    let (keyed, purposed) = (
        armour::key_text("stkey1_", bytes),
        armour::key_text("stpurpose1_", bytes),
    );
    key(&keyed);
    purpose_key(&purposed);
    // Use the text as a recipe for a ring: each letter becomes a key, other characters stay.
    let recipe: String = text.chars().take(40).map(|c| spell(c, &key_of)).collect();
    rings(&recipe);
    let recipe: String = text
        .chars()
        .take(40)
        .map(|c| spell(c, &purpose_of))
        .collect();
    rings(&recipe);
});

fn spell(c: char, key: &dyn Fn(u8) -> String) -> String {
    match u8::try_from(c) {
        Ok(letter) if c.is_ascii_lowercase() => key(letter),
        _ => c.to_string(),
    }
}

fn key_of(letter: u8) -> String {
    armour::key_text("stkey1_", &[letter; 32])
}

/// A key of the letter; the first half of the alphabet has one purpose, the second another.
fn purpose_of(letter: u8) -> String {
    let bytes = [
        &[letter; 36][..],
        if letter < b'm' {
            b"session"
        } else {
            "größe".as_bytes()
        },
    ]
    .concat();
    armour::key_text("stpurpose1_", &bytes)
}

fn key(text: &str) {
    let bytes = armour::key_bytes("stkey1_", text).filter(|bytes| bytes.len() == 32);
    match text.parse::<Key>() {
        Ok(key) => {
            assert_eq!(*key.expose(), text);
            let bytes: [u8; 32] = bytes
                .and_then(|bytes| bytes.try_into().ok())
                .expect("32 bytes");
            assert_eq!(key.id(), Key::from_bytes(bytes).id());
            assert_eq!(format!("{key:?}"), "Key");
        }
        Err(error) => {
            assert!(bytes.is_none(), "{error:?}");
            named("stkey1_", text, error);
        }
    }
}

fn purpose_key(text: &str) {
    let bytes = armour::key_bytes("stpurpose1_", text);
    let parts = bytes
        .as_deref()
        .and_then(|bytes| bytes.split_at_checked(36));
    let purpose = parts.and_then(|(_, purpose)| str::from_utf8(purpose).ok());
    let purpose = purpose.filter(|purpose| (1..=255).contains(&purpose.len()));
    match text.parse::<PurposeKey>() {
        Ok(key) => {
            assert_eq!(*key.expose(), text);
            assert_eq!(Some(key.purpose()), purpose);
            assert_eq!(
                Some(&key.id().to_bytes()[..]),
                parts.map(|(head, _)| &head[..4])
            );
            assert_eq!(format!("{key:?}"), "PurposeKey");
        }
        Err(error) => {
            assert!(purpose.is_none(), "{error:?}");
            named("stpurpose1_", text, error);
        }
    }
}

/// Checks that the error names the actual fault.
fn named(prefix: &str, text: &str, error: KeyError) {
    match error {
        KeyError::Prefix => assert!(!text.starts_with(prefix)),
        KeyError::NotCanonical => assert!(armour::decode(&text[prefix.len()..]).is_none()),
        KeyError::Check => assert!(armour::key_bytes(prefix, text).is_none()),
        KeyError::Purpose => assert!(armour::key_bytes(prefix, text).is_some()),
        KeyError::Length => {}
        other => panic!("{other:?} of one key"),
    }
}

/// The words of a ring, or `None` if the ring as a whole is refused.
fn words(text: &str) -> Option<Vec<(&str, Role)>> {
    let separates = |c: char| ", \t\n\x0b\x0c\r".contains(c);
    let mut ring = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c| !separates(c)) {
        let (separators, behind) = rest.split_at(at);
        let (word, after) = behind.split_at(behind.find(separates).unwrap_or(behind.len()));
        // A form decoder turns a `+` into a space.
        let lost_plus = separators.len() > 1 && separators.ends_with(' ');
        ring.push(match (word.strip_prefix('+'), ring.is_empty()) {
            (Some(_), true) => return None,
            (None, true) => (word, Role::Current),
            (Some(word), false) => (word, Role::Standby),
            (None, false) if lost_plus => return None,
            (None, false) => (word, Role::Retired),
        });
        rest = after;
    }
    (!ring.is_empty()).then_some(ring)
}

fn rings(text: &str) {
    let words = words(text);
    let ids_differ = |ids: &[_]| ids.iter().collect::<BTreeSet<_>>().len() == ids.len();

    let keys = words.as_ref().and_then(|words| {
        let keys = words
            .iter()
            .map(|(word, role)| Some((word.parse::<Key>().ok()?.id(), *role)));
        keys.collect::<Option<Vec<_>>>()
    });
    let keys = keys.filter(|keys| ids_differ(&keys.iter().map(|(id, _)| *id).collect::<Vec<_>>()));
    let ring = text.parse::<KeyRing>();
    assert_eq!(ring.as_ref().ok().map(Ring::keys), keys);
    if let Ok(ring) = ring {
        ring.codec("fuzz").expect("a purpose");
    }

    let keys = words.and_then(|words| {
        let keys = words
            .iter()
            .map(|(word, role)| Some((word.parse::<PurposeKey>().ok()?, *role)));
        keys.collect::<Option<Vec<_>>>()
    });
    let keys = keys.filter(|keys| {
        let purpose = keys[0].0.purpose();
        ids_differ(&keys.iter().map(|(key, _)| key.id()).collect::<Vec<_>>())
            && keys.iter().all(|(key, _)| key.purpose() == purpose)
    });
    let ring = text.parse::<Ring<PurposeKey>>();
    let expected = keys
        .as_ref()
        .map(|keys| keys.iter().map(|(key, role)| (key.id(), *role)).collect());
    assert_eq!(ring.as_ref().ok().map(Ring::keys), expected);
    if let (Ok(ring), Some(keys)) = (ring, keys) {
        assert_eq!(ring.codec().purpose(), keys[0].0.purpose());
    }
}
