//! Tokens: sealing, opening, renewing and padding leave nothing of the cargo behind.

use std::panic::resume_unwind;

use sealtoken::{Lifetime, ManualClock, Token, UnixTime};
use sealtoken_process_tests::freed::{alone, record};
use serde::Deserialize;

use super::secrets::{NAME, NESTED, OTHER, PLAIN, TEXTS, long};
use super::{Session, codec};

pub(super) const HOUR: Lifetime = Lifetime::hours(1);

pub(super) fn full() -> Token {
    let mut token = Token::new();
    let cargo = token.cargo_mut();
    cargo.insert("plain", PLAIN).expect("text");
    cargo.insert(NAME, [OTHER]).expect("a list");
    cargo
        .insert(
            "map",
            std::collections::BTreeMap::from([("inside", NESTED)]),
        )
        .expect("a map");
    token
}

#[test]
fn sealing_and_opening_a_map_leaves_nothing_of_it() {
    let alone = alone();
    let codec = codec("session");
    let ((), freed) = record(&alone, || {
        let mut token = full();
        let text = codec.seal(&mut token, HOUR).expect("fits");
        let mut opened = codec.open(&text).expect("genuine");
        let text = codec.reseal(&mut opened).expect("valid");
        let mut opened = codec.inspect(&text).expect("genuine");
        let text = codec.renew(&mut opened, HOUR).expect("valid");
        let mut loaded = full();
        codec.load(&mut loaded, &text).expect("genuine");
        assert!(loaded.cargo() == opened.cargo());
        codec.load(&mut loaded, "no token").expect_err("no token");
        opened.reset();
        let padded = codec
            .clone()
            .with_padding(512)
            .seal(&mut token, HOUR)
            .expect("fits");
        drop(codec.open(&padded).expect("genuine").into_cargo());
        let _ = format!("{token:?} {:?}", token.cargo());
    });
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[("name", NAME.as_bytes())]);
}

#[test]
fn sealing_and_opening_a_type_leaves_nothing_of_it() {
    let alone = alone();
    let codec = codec("session");
    let session = Session::new(&[PLAIN, OTHER, NESTED]);
    let ((), freed) = record(&alone, || {
        let text = codec.seal_value(&session, HOUR).expect("fits");
        let mut opened = codec.open_value::<Session>(&text).expect("genuine");
        opened.value_mut().user += 1;
        let text = codec.reseal(&mut opened).expect("valid");
        drop(codec.inspect_value::<Session>(&text).expect("genuine"));
        let length = codec.open_with(&text, |opened| Ok(opened.cargo::<Session>()?.more.len()));
        assert_eq!(length, Ok(2));
    });
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn a_borrowed_cargo_leaves_nothing() {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        secret: &'a str,
    }

    let alone = alone();
    let codec = codec("session");
    let session = Session::new(&[PLAIN, OTHER, NESTED]);
    let ((), freed) = record(&alone, || {
        let text = codec.seal_value(&session, HOUR).expect("fits");
        let same = codec.open_with(&text, |opened| {
            // Sealing inside the closure uses another buffer.
            drop(codec.seal_value(&session, HOUR));
            Ok(opened.cargo::<Borrowed<'_>>()?.secret == NESTED)
        });
        assert_eq!(same, Ok(true));
    });
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn buffers_that_grow_or_are_too_large_to_keep_are_wiped() {
    let alone = alone();
    let codec = codec("session");
    let texts = [900, 1100, 5000, 15_000, 17_000, 100_000].map(long);
    let ((), freed) = record(&alone, || {
        for text in &texts {
            // Each on a new thread, whose buffer starts small.
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let mut token = Token::new();
                    token.cargo_mut().insert("before", PLAIN).expect("text");
                    token.cargo_mut().insert("long", text).expect("text");
                    token.cargo_mut().insert("then", OTHER).expect("text");
                    let sealed = codec.seal(&mut token, HOUR).expect("fits");
                    assert!(codec.open(&sealed).expect("genuine").cargo() == token.cargo());
                    let session = Session::new(&[PLAIN, text, NESTED]);
                    let sealed = codec.seal_value(&session, HOUR).expect("fits");
                    drop(codec.open_value::<Session>(&sealed).expect("genuine"));
                });
            });
        }
    });
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&texts.map(|text| ("long", text)));
}

#[test]
fn expired_entries_leave_nothing() {
    let alone = alone();
    let clock = ManualClock::at(UnixTime::from_secs(1_763_755_200));
    let codec = codec("session").with_clock(clock.clone());
    let end = UnixTime::from_secs(1_763_755_210);
    let ((), freed) = record(&alone, || {
        let mut token = full();
        codec.seal(&mut token, HOUR).expect("fits");
        token
            .cargo_mut()
            .insert_with_expiry("secret", PLAIN, end)
            .expect("text");
        token
            .cargo_mut()
            .insert_with_expiry("user", OTHER, end)
            .expect("text");
        let text = codec.seal(&mut token, HOUR).expect("fits");
        let mut typed = codec
            .open_value::<serde::de::IgnoredAny>(&text)
            .expect("genuine");
        assert!(typed.uuid() == token.uuid());
        clock.advance(10);
        // If an entry has expired, the rest is read from a copy.
        let rest = codec.open_with(&text, |opened| Ok(opened.cargo::<Gone>()?.secret.is_none()));
        assert_eq!(rest, Ok(true));
        drop(codec.open_value::<Gone>(&text).expect("genuine"));
        assert_eq!(codec.open(&text).expect("genuine").cargo().len(), 3);
        token.cargo_mut().remove_expired();
        codec.reseal(&mut token).expect("valid");
        typed.reset();
    });
    freed.holds_nothing_of(&TEXTS);
    freed.holds_nothing_of(&[("name", NAME.as_bytes())]);

    #[derive(Deserialize)]
    struct Gone {
        secret: Option<super::Wiped>,
    }
}

#[test]
fn a_panic_while_a_token_is_lent_wipes_it() {
    let alone = alone();
    let codec = codec("session");
    let session = Session::new(&[PLAIN, OTHER, NESTED]);
    let text = codec.seal_value(&session, HOUR).expect("fits");
    let (caught, freed) = record(&alone, || {
        // The buffer is freed when the thread ends.
        std::thread::scope(|scope| {
            let lend =
                || codec.open_with(&text, |_| -> Result<(), _> { resume_unwind(Box::new(())) });
            scope.spawn(lend).join().is_err()
        })
    });
    assert!(caught);
    freed.holds_nothing_of(&TEXTS);
}

#[test]
fn a_thread_that_ends_leaves_nothing() {
    let alone = alone();
    let codec = codec("session");
    let session = Session::new(&[PLAIN, OTHER, NESTED]);
    let ((), freed) = record(&alone, || {
        let sealing = std::thread::scope(|scope| {
            let thread = scope.spawn(|| codec.seal_value(&session, HOUR).expect("fits"));
            thread.join().expect("no panic")
        });
        assert!(codec.open(&sealing).is_ok());
    });
    freed.holds_nothing_of(&TEXTS);
}
