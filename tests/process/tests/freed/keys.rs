//! Keys, rings and codecs: creating, parsing, refusing, replacing and dropping leave nothing
//! behind.

use std::collections::BTreeMap;

use sealtoken::{Key, KeyRing, Lifetime, PurposeKey, Ring, Token};
use sealtoken_process_tests::freed::{Freed, alone, record};
use serde::de::IgnoredAny;

use super::secrets::{self, ROOT};

const PURPOSE: &str = "session";

/// The text of a key without its prefix.
fn body(text: &str) -> &[u8] {
    text.split_once('_').expect("a prefix").1.as_bytes()
}

fn nothing_of_the_key(freed: &Freed) {
    freed.holds_nothing_of(&secrets::of_key(&ROOT, PURPOSE));
    let key = Key::from_bytes(ROOT);
    let exported = key.for_purpose(PURPOSE).expect("a purpose").expose();
    freed.holds_nothing_of(&[
        ("key text", body(&key.expose())),
        ("purpose key text", body(&exported)),
    ]);
}

#[test]
fn a_dropped_key_leaves_nothing_of_itself_or_its_text() {
    let alone = alone();
    let (text, freed) = record(&alone, || {
        let key = Key::generate();
        let other = key.clone();
        drop(key.expose());
        drop(key);
        // Kept, so that the test can search for it.
        other.expose()
    });
    let root: [u8; 32] = secrets::decode(text.strip_prefix("stkey1_").expect("its prefix"))[..32]
        .try_into()
        .expect("32 bytes");
    freed.holds_nothing_of(&secrets::of_key(&root, PURPOSE));
    freed.holds_nothing_of(&[("key text", body(&text))]);
}

#[test]
fn parsing_a_key_leaves_nothing_of_it() {
    let alone = alone();
    let text = Key::from_bytes(ROOT).expose();
    let ((), freed) = record(&alone, || {
        let key: Key = text.parse().expect("its own text");
        let purpose_key = key.for_purpose(PURPOSE).expect("a purpose");
        let exported = purpose_key.expose();
        let again: PurposeKey = exported.parse().expect("its own text");
        drop((key.clone(), purpose_key.clone(), again));
        let _ = format!("{key:?} {purpose_key:?}");
    });
    nothing_of_the_key(&freed);
}

#[test]
fn a_mistyped_key_leaves_nothing() {
    let alone = alone();
    let key = Key::from_bytes(ROOT);
    let purpose_key = key.for_purpose(PURPOSE).expect("a purpose");
    let mut wrong = Vec::new();
    for text in [key.expose(), purpose_key.expose()] {
        let (last, rest) = (text[text.len() - 1..].to_owned(), &text[..text.len() - 1]);
        wrong.push(rest.to_owned());
        wrong.push(format!("{rest}{}", if last == "A" { "E" } else { "A" }));
        wrong.push(format!("{rest}="));
        wrong.push(format!("{}AAAA", *text));
        wrong.push(format!("x{}", *text));
        wrong.push(text[..text.len() / 2].to_owned());
    }
    let (refused, freed) = record(&alone, || {
        let refused = |text: &String| {
            text.parse::<Key>().is_err()
                && text.parse::<PurposeKey>().is_err()
                && text.parse::<KeyRing>().is_err()
        };
        wrong.iter().filter(|text| refused(text)).count()
    });
    assert_eq!(refused, wrong.len());
    nothing_of_the_key(&freed);
}

#[test]
fn rings_and_codecs_leave_nothing_of_their_keys() {
    let alone = alone();
    let key = Key::from_bytes(ROOT);
    let ring = format!(
        "{},+{} {}",
        *key.expose(),
        *Key::generate().expose(),
        *Key::generate().expose()
    );
    let exported = key.for_purpose(PURPOSE).expect("a purpose").expose();
    let ((), freed) = record(&alone, || {
        let keys: KeyRing = ring.parse().expect("a ring");
        let purpose_keys: Ring<PurposeKey> = exported.parse().expect("a ring");
        let codec = keys.codec(PURPOSE).expect("a purpose");
        let others = [
            codec.clone(),
            codec.bound_to("context").expect("not empty"),
            purpose_keys.codec(),
        ];
        let text = codec
            .seal(&mut Token::new(), Lifetime::hours(1))
            .expect("fits");
        assert!(others[2].open(&text).is_ok());

        // The codec derives its keys anew, and the old ones are wiped.
        let new = KeyRing::new(Key::generate())
            .with_retired(key.clone())
            .expect("two ids");
        keys.replace(&new).expect("both are for all purposes");
        assert!(
            codec
                .open(&text)
                .expect("sealed by a retired key")
                .needs_reseal()
        );
        keys.replace(&KeyRing::new(Key::generate()))
            .expect("both are for all purposes");
        assert!(codec.open(&text).is_err());
        let _ = format!("{keys:?} {codec:?}");
    });
    nothing_of_the_key(&freed);
}

#[test]
fn a_refused_ring_leaves_nothing_of_its_valid_keys() {
    let alone = alone();
    let key = Key::from_bytes(ROOT);
    let text = key.expose();
    let texts = [
        format!("{} {}", *text, *text),
        format!("{} stkey1_no", *text),
        format!("+{}", *text),
    ];
    let (refused, freed) = record(&alone, || {
        let twice = KeyRing::new(key.clone()).with_retired(key.clone()).is_err();
        twice && texts.iter().all(|text| text.parse::<KeyRing>().is_err())
    });
    assert!(refused);
    nothing_of_the_key(&freed);
}

#[test]
fn the_key_of_a_single_token_is_not_left_behind() {
    let alone = alone();
    let codec = super::codec(PURPOSE);
    let (texts, freed) = record(&alone, || {
        let mut token = Token::new();
        let cargo = token.cargo_mut();
        for index in 0..20 {
            cargo
                .insert(format!("entry {index}"), index)
                .expect("a number");
            cargo
                .push("list", (index, true, "text", 0.5))
                .expect("a list");
        }
        let map = codec.seal(&mut token, Lifetime::hours(1)).expect("fits");
        let typed = codec
            .seal_value(token.cargo(), Lifetime::hours(1))
            .expect("fits");
        assert!(codec.open(&typed).expect("genuine").cargo() == token.cargo());
        drop(
            codec
                .open_value::<BTreeMap<String, IgnoredAny>>(&map)
                .expect("genuine"),
        );
        let bound = codec.bound_to("another context").expect("not empty");
        assert!(bound.open(&map).is_err());
        [map, typed]
    });
    for text in texts {
        freed.holds_nothing_of(&[("key of the token", secrets::of_token(&ROOT, PURPOSE, &text))]);
    }
    nothing_of_the_key(&freed);
}
