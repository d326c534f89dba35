//! Known leaks of serde_json: text that it unescapes in a buffer of its own, and error messages
//! that quote values.

use sealtoken::{Cargo, Lifetime, OpenError, SealError, Token};
use sealtoken_process_tests::freed::{alone, record};

use super::secrets::{NESTED, OTHER, PLAIN, TEXTS, long};
use super::{Session, Wiped, codec};

const HOUR: Lifetime = Lifetime::hours(1);

/// The text between quotes and line breaks, which JSON must escape.
fn escaped(text: &str) -> String {
    format!("\n\"{text}\"\n")
}

#[test]
#[ignore = "serde_json does not wipe its buffer for unescaping"]
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
#[ignore = "serde_json does not wipe its buffer for unescaping"]
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
#[ignore = "serde_json does not wipe its buffer for unescaping"]
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
    freed.holds_nothing_of(&texts.map(|text| ("long", text)));
}

#[test]
#[ignore = "serde_json does not wipe its buffer for unescaping"]
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
#[ignore = "serde_json does not wipe its buffer for unescaping"]
fn json_with_escapes_leaves_nothing() {
    let alone = alone();
    let texts = [PLAIN, OTHER, NESTED].map(escaped);
    let json = serde_json::json!({ "text": texts }).to_string();
    let ((), freed) = record(&alone, || {
        drop(json.parse::<Cargo>().expect("a cargo"));
    });
    freed.holds_nothing_of(&TEXTS);
}

#[test]
#[ignore = "serde's messages quote the value, and serde_json makes them before anyone can stop it"]
fn text_of_another_type_is_not_quoted() {
    let alone = alone();
    let codec = codec("session");
    let list = codec
        .seal_value(&[PLAIN, OTHER, NESTED], HOUR)
        .expect("fits");
    let (error, freed) = record(&alone, || codec.open_value::<(Wiped, u64)>(&list).err());
    assert_eq!(error, Some(OpenError::Payload));
    freed.holds_nothing_of(&TEXTS);
}

#[test]
#[ignore = "serde_json keeps the message of a caller's own Serialize until it is dropped"]
fn the_message_of_a_failing_type_is_not_kept() {
    struct Failing;

    impl serde::Serialize for Failing {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(PLAIN))
        }
    }

    let alone = alone();
    let codec = codec("session");
    let (error, freed) = record(&alone, || codec.seal_value(&Failing, HOUR).err());
    assert_eq!(error, Some(SealError::Cargo));
    freed.holds_nothing_of(&TEXTS);
}
