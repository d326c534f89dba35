//! Text that JSON can only write with escapes, which serde_json takes out of them in a buffer of its own.

use sealtoken::{Cargo, Lifetime, Token};
use sealtoken_process_tests::freed::{alone, record};

use super::secrets::{NESTED, OTHER, PLAIN, TEXTS, long};
use super::{Session, codec};

const HOUR: Lifetime = Lifetime::hours(1);

/// A line ending before and after, and quotes.
fn escaped(text: &str) -> String {
    format!("\n\"{text}\"\n")
}

#[test]
fn a_map_with_escapes_leaves_nothing() {
    let alone = alone();
    let codec = codec("session");
    let texts = [PLAIN, OTHER, NESTED].map(escaped);
    let ((), freed) = record(&alone, || {
        let mut token = Token::new();
        token.cargo_mut().insert("text", &texts).expect("a list");
        let text = codec.seal(&mut token, HOUR).expect("fits");
        drop(codec.open(&text).expect("genuine"));
    });
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn names_with_escapes_leave_nothing() {
    let alone = alone();
    let codec = codec("session");
    let texts = [PLAIN, OTHER, NESTED].map(escaped);
    let ((), freed) = record(&alone, || {
        let mut token = Token::new();
        for text in &texts {
            token.cargo_mut().insert(text, 1).expect("a number");
        }
        let text = codec.seal(&mut token, HOUR).expect("fits");
        drop(codec.open(&text).expect("genuine"));
    });
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn a_long_text_with_escapes_leaves_nothing() {
    let alone = alone();
    let codec = codec("session");
    let texts = [1_500, 20_000].map(long);
    let escaped = texts.each_ref().map(|text| escaped(text));
    let ((), freed) = record(&alone, || {
        let mut token = Token::new();
        token.cargo_mut().insert("text", &escaped).expect("a list");
        let text = codec.seal(&mut token, HOUR).expect("fits");
        drop(codec.open(&text).expect("genuine"));
    });
    for text in &texts {
        freed.holds_nothing_of(&[("long", text.as_bytes())]);
    }
}

#[test]
fn a_type_with_escapes_leaves_nothing() {
    let alone = alone();
    let codec = codec("session");
    let texts = [PLAIN, OTHER, NESTED].map(escaped);
    let session = Session::new(&texts.each_ref().map(String::as_str));
    let ((), freed) = record(&alone, || {
        let text = codec.seal_value(&session, HOUR).expect("fits");
        drop(codec.open_value::<Session>(&text).expect("genuine"));
        let read = codec.open_with(&text, |opened| opened.cargo::<Session>().map(drop));
        assert_eq!(read, Ok(()));
    });
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn json_with_escapes_leaves_nothing() {
    let alone = alone();
    let json = serde_json::json!({ "text": [PLAIN, OTHER, NESTED].map(escaped) }).to_string();
    let ((), freed) = record(&alone, || {
        drop(json.parse::<Cargo>().expect("a cargo"));
    });
    freed.holds_nothing_of(&TEXTS);
}
