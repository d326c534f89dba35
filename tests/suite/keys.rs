//! Keys and rings: their text, their roles, and replacing them under readers.

use std::sync::atomic::{AtomicBool, Ordering};

use sealtoken::{Key, KeyError, KeyId, KeyRing, Lifetime, PurposeKey, Ring, Role, Token};

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

fn text(byte: u8) -> String {
    key(byte).expose().to_string()
}

#[test]
fn a_key_text_with_any_one_character_changed_is_refused() {
    let text = text(1);
    for at in 0..text.len() {
        for other in b'-'..=b'z' {
            let mut changed = text.clone().into_bytes();
            if changed[at] == other {
                continue;
            }
            changed[at] = other;
            let changed = String::from_utf8(changed).unwrap();
            let error = changed.parse::<Key>().err();
            let in_alphabet = other.is_ascii_alphanumeric() || b"-_".contains(&other);
            let expected = match at {
                0..7 => KeyError::Prefix,
                _ if !in_alphabet => KeyError::NotCanonical,
                _ => KeyError::Check,
            };
            assert_eq!(error, Some(expected), "{at} {}", char::from(other));
        }
    }
}

#[test]
fn each_fault_of_a_key_text_has_its_own_error() {
    let good = text(1);
    let parse = |text: &str| text.parse::<Key>().err();
    assert_eq!(parse(&good), None);
    assert_eq!(parse(""), Some(KeyError::Prefix));
    assert_eq!(parse("stkey1_"), Some(KeyError::Length));
    for cut in 1..good.len() - 7 {
        assert_eq!(parse(&good[..good.len() - cut]), Some(KeyError::Length));
    }
    assert_eq!(parse("stkey1_AAAA"), Some(KeyError::Length));
    assert_eq!(
        parse(&good.replace("stkey1_", "stkey2_")),
        Some(KeyError::Prefix)
    );
    assert_eq!(parse(&format!("{good}=")), Some(KeyError::Length));
    assert_eq!(parse(&format!("{good}\n")), Some(KeyError::Length));
    assert_eq!(parse(&format!(" {good}")), Some(KeyError::Prefix));
    assert_eq!(
        parse(&good.replace(&good[50..], "=====")),
        Some(KeyError::NotCanonical)
    );
    assert_eq!(
        parse(&format!("stkey1_{}", "A".repeat(100_000))),
        Some(KeyError::Length)
    );
    // A purpose key is not a ring key, and a ring key is not a purpose key.
    let purpose = key(1).for_purpose("p").unwrap().expose().to_string();
    assert_eq!(parse(&purpose), Some(KeyError::Prefix));
    assert_eq!(good.parse::<PurposeKey>().err(), Some(KeyError::Prefix));
    // 33 bytes with a check that fits, as another program might write them.
    assert_eq!(parse(&longer_key()), Some(KeyError::Length));
}

/// "stkey1_" around 33 zero bytes, check included.
fn longer_key() -> String {
    "stkey1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAyhYEhw".to_owned()
}

#[test]
fn a_purpose_has_1_to_255_bytes() {
    let ring = KeyRing::new(key(1));
    assert_eq!(ring.codec("").err(), Some(KeyError::Purpose));
    assert!(ring.codec(&"p".repeat(255)).is_ok());
    assert_eq!(ring.codec(&"p".repeat(256)).err(), Some(KeyError::Purpose));
    assert_eq!(ring.codec(&"ö".repeat(128)).err(), Some(KeyError::Purpose));
    assert_eq!(key(1).for_purpose("").err(), Some(KeyError::Purpose));
}

#[test]
fn every_purpose_and_every_key_has_a_key_of_its_own() {
    let of = |byte, purpose| key(byte).for_purpose(purpose).unwrap().expose().to_string();
    let all = [of(1, "a"), of(1, "b"), of(2, "a"), of(2, "b"), of(1, "ab")];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one));
    }
    assert_ne!(key(1).id(), key(2).id());
}

#[test]
fn a_ring_text_gives_roles_by_place_and_plus() {
    let text = format!("{},+{}\n \t{} ,,{}", text(1), text(2), text(3), text(4));
    let ring: KeyRing = text.parse().unwrap();
    let expected = [
        (key(1).id(), Role::Current),
        (key(2).id(), Role::Standby),
        (key(3).id(), Role::Retired),
        (key(4).id(), Role::Retired),
    ];
    assert_eq!(ring.keys(), expected);
    assert_eq!(ring.current(), key(1).id());
    let printed = format!("{ring:?}");
    assert!(printed.contains(&key(1).id().to_string()) && !printed.contains("stkey1_"));
}

#[test]
fn a_ring_text_that_makes_no_sense_is_refused() {
    let parse = |text: &str| text.parse::<KeyRing>().err();
    assert_eq!(parse(""), Some(KeyError::NoKey));
    assert_eq!(parse(" ,\n,"), Some(KeyError::NoKey));
    assert_eq!(
        parse(&format!("+{}", text(1))),
        Some(KeyError::StandbyFirst)
    );
    let twice = format!("{} {} {}", text(1), text(2), text(1));
    assert_eq!(parse(&twice), Some(KeyError::DuplicateId(key(1).id())));
    assert_eq!(
        parse(&format!("{} ++{}", text(1), text(2))),
        Some(KeyError::Prefix)
    );
    assert_eq!(
        parse(&format!("{} + {}", text(1), text(2))),
        Some(KeyError::Prefix)
    );
}

#[test]
fn a_standby_key_whose_plus_became_a_blank_is_refused_with_a_hint() {
    let (old, new) = (text(1), text(2));
    for good in [
        format!("{old},+{new}"),
        format!("{old} +{new}"),
        format!("{old}\n+{new}\n"),
        format!("{old}, +{new}"),
        format!("{old}\r\n+{new}"),
    ] {
        assert_eq!(good.parse::<KeyRing>().unwrap().keys()[1].1, Role::Standby);
        let decoded = good.replace('+', " ");
        let refused = decoded.parse::<KeyRing>().map(|ring| ring.keys());
        assert_eq!(refused, Err(KeyError::LostPlus), "{decoded:?}");
    }
    let purpose = |byte| key(byte).for_purpose("p").unwrap();
    let decoded = format!("{}, {}", *purpose(1).expose(), *purpose(2).expose());
    assert_eq!(
        decoded.parse::<Ring<PurposeKey>>().err(),
        Some(KeyError::LostPlus)
    );
    let hint = KeyError::LostPlus.to_string();
    assert!(hint.contains('+') && hint.contains("form") && !hint.contains("stkey1_"));
}

#[test]
fn what_no_lost_plus_can_have_been_separates_keys() {
    let (old, new) = (text(1), text(2));
    for good in [
        format!("{old},{new}"),
        format!("{old} {new}"),
        format!("{old}\n{new}\n"),
        format!("{old}\r\n{new}\r\n"),
        format!("{old} ,{new}"),
        format!("{old}, \t{new}"),
        format!("  {old}\x0b{new}  "),
        format!("{old}\x0c{new}, "),
    ] {
        let ring: KeyRing = good.parse().unwrap();
        assert_eq!(ring.keys()[1], (key(2).id(), Role::Retired), "{good:?}");
        assert_eq!(ring.current(), key(1).id());
    }
}

#[test]
fn rings_are_read_as_the_grammar_has_them() {
    let (first, second) = (text(1), text(2));
    let separators = [",", " ", "\t", "\n", "\x0b", "\x0c", "\r"];
    for one in separators {
        for more in separators.into_iter().chain([""]) {
            let between = [one, more].concat();
            for plus in ["+", ""] {
                let ring = format!("{more}{one}{first}{between}{plus}{second}{between}");
                let read = ring.parse::<KeyRing>();
                let role = read.map(|ring| ring.keys()[1].1);
                let expected = match (plus, more) {
                    ("+", _) => Ok(Role::Standby),
                    (_, " ") => Err(KeyError::LostPlus),
                    _ => Ok(Role::Retired),
                };
                assert_eq!(role, expected, "{between:?} {plus:?}");
            }
        }
    }
}

#[test]
fn white_space_of_unicode_separates_nothing() {
    for space in ["\u{a0}", "\u{2003}", "\u{3000}", "\u{85}", "\u{2028}"] {
        let between = format!("{}{space}{}", text(1), text(2));
        assert!(between.parse::<KeyRing>().is_err(), "{space:?}");
        let around = format!("{}{space}", text(1));
        assert!(around.parse::<KeyRing>().is_err(), "{space:?}");
    }
}

#[test]
fn rings_of_purpose_keys_hold_one_purpose() {
    let of = |byte, purpose: &str| key(byte).for_purpose(purpose).unwrap();
    let ring = Ring::new(of(1, "session"));
    let mixed = ring.clone().with_retired(of(2, "reset"));
    assert_eq!(mixed.err(), Some(KeyError::MixedPurposes));
    let replaced = ring.replace(&Ring::new(of(2, "reset")));
    assert_eq!(replaced, Err(KeyError::MixedPurposes));
    assert_eq!(ring.current(), key(1).id());

    let text = format!(
        "{} {}",
        *of(2, "session").expose(),
        *of(1, "session").expose()
    );
    let both: Ring<PurposeKey> = text.parse().unwrap();
    let sealed = ring
        .codec()
        .seal(&mut Token::new(), Lifetime::hours(1))
        .unwrap();
    assert!(both.codec().open(&sealed).unwrap().needs_reseal());
}

#[test]
fn only_what_a_retired_key_sealed_needs_a_reseal() {
    let sealed_by = |byte| {
        let codec = KeyRing::new(key(byte)).codec("session").unwrap();
        codec.seal(&mut Token::new(), Lifetime::hours(1)).unwrap()
    };
    let ring = KeyRing::new(key(1));
    let ring = ring
        .with_standby(key(2))
        .unwrap()
        .with_retired(key(3))
        .unwrap();
    let codec = ring.codec("session").unwrap();
    let needs = |byte| {
        codec
            .open(&sealed_by(byte))
            .map(|token| token.needs_reseal())
    };
    assert_eq!(
        (needs(1), needs(2), needs(3)),
        (Ok(false), Ok(false), Ok(true))
    );
    assert_eq!(needs(4).map_err(|e| e.code()), Err("unknown_key"));

    let mut token = codec.open(&sealed_by(3)).unwrap();
    let resealed = codec.reseal(&mut token).unwrap();
    assert!(!token.needs_reseal());
    let header: sealtoken::TokenHeader = resealed.parse().unwrap();
    assert_eq!(header.key_id, key(1).id());
}

#[test]
fn a_ring_is_replaced_under_readers_that_never_see_a_gap() {
    let ring = KeyRing::new(key(1)).with_retired(key(2)).unwrap();
    let swapped = KeyRing::new(key(2)).with_retired(key(1)).unwrap();
    let codec = ring.codec("session").unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let codec = codec.clone();
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let text = codec.seal_value(&7, Lifetime::hours(1)).unwrap();
                    assert_eq!(codec.open_value::<u8>(&text).map(Token::into_value), Ok(7));
                }
            });
        }
        let back = KeyRing::new(key(1)).with_retired(key(2)).unwrap();
        for round in 0..400 {
            ring.replace(if round % 2 == 0 { &swapped } else { &back })
                .unwrap();
            std::thread::yield_now();
        }
        ring.replace(&swapped).unwrap();
        done.store(true, Ordering::Relaxed);
    });
    // From now on, every existing codec seals with the new current key.
    let text = codec.seal_value(&7, Lifetime::hours(1)).unwrap();
    let header: sealtoken::TokenHeader = text.parse().unwrap();
    assert_eq!(header.key_id, key(2).id());
    assert_eq!(ring.current(), key(2).id());
}

#[test]
fn a_codec_follows_each_replacement_of_its_ring() {
    let ring = KeyRing::new(key(1));
    let codec = ring.codec("session").unwrap();
    for byte in 2..5 {
        ring.replace(&KeyRing::new(key(byte))).unwrap();
        let text = codec.seal(&mut Token::new(), Lifetime::hours(1));
        let header: sealtoken::TokenHeader = text.unwrap().parse().unwrap();
        assert_eq!(header.key_id, key(byte).id());
    }
}

#[test]
fn ids_print_as_eight_digits() {
    let id = KeyId::from_bytes([0, 1, 0xab, 0xff]);
    assert_eq!(id.to_string(), "0001abff");
    assert_eq!(format!("{id:?}"), "KeyId(0001abff)");
    assert_eq!(id.to_bytes(), [0, 1, 0xab, 0xff]);
}

#[test]
fn generated_keys_differ() {
    assert_ne!(Key::generate().id(), Key::generate().id());
    assert!(Key::try_generate().is_ok());
}

#[test]
fn no_key_is_twice_in_a_ring_in_whatever_roles() {
    let (current, other) = (Key::from_bytes([1; 32]), Key::from_bytes([2; 32]));
    let twice = |id| Err(KeyError::DuplicateId(id));
    let ring = || KeyRing::new(current.clone());
    let with_other = || ring().with_retired(other.clone()).unwrap();
    for (ring, key) in [(ring(), &current), (with_other(), &other)] {
        let retired = ring.clone().with_retired(key.clone()).map(|_| ());
        assert_eq!(retired, twice(key.id()));
        let standby = ring.with_standby(key.clone()).map(|_| ());
        assert_eq!(standby, twice(key.id()));
    }
    let text = [&current, &other, &other].map(|key| key.expose().to_string());
    let read = text.join(",").parse::<KeyRing>().map(|_| ());
    assert_eq!(read, twice(other.id()));
    let said = KeyError::DuplicateId(other.id()).to_string();
    assert!(said.contains(&other.id().to_string()), "{said}");
}
