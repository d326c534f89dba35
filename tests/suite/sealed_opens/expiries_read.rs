//! Expiries of a token's own entries, in the cargos of a caller's type that is read.

use std::collections::BTreeMap;

use sealtoken::{Cargo, Codec, Lifetime, ManualClock, Token, UnixTime};
use serde::Deserialize;

use super::{Flat, codec, map};

#[test]
fn a_map_keeps_its_expiries_and_its_clock_however_it_is_read() {
    let now = UnixTime::from_secs(1000);
    let clock = ManualClock::at(now);
    let codec = codec().with_clock(clock.clone());
    let end = now.saturating_add(300);
    let mut token = Token::new();
    token.cargo_mut().insert("a", 1).unwrap();
    token
        .cargo_mut()
        .insert_with_expiry("mfa", true, end)
        .unwrap();
    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();

    let lent = codec.open_with(&text, |opened| opened.cargo::<Cargo>());
    let flat = codec.open_with(&text, |opened| opened.cargo::<Flat<Cargo>>());
    let own = codec.open_value::<Flat<Cargo>>(&text).unwrap();
    let map = codec.open_value::<Cargo>(&text).unwrap();
    let cargos = [
        lent.unwrap(),
        flat.unwrap().rest,
        own.into_value().rest,
        map.into_value(),
    ];
    let mut texts = Vec::new();
    for cargo in cargos {
        assert_eq!(cargo.expires_at("mfa"), Some(end));
        assert!(!cargo.is_dirty());
        let mut again = Token::from(cargo.clone());
        texts.push(codec.seal(&mut again, Lifetime::hours(1)).unwrap());
        clock.set(end);
        assert!(!cargo.contains("mfa"), "by the codec's clock");
        clock.set(now);
    }
    clock.set(end);
    for text in texts {
        assert!(!codec.open(&text).unwrap().cargo().contains("mfa"));
    }
}

/// The ways in which a map can be a part of a caller's type.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
enum Variant {
    Inner(Cargo),
}

#[derive(Deserialize, Debug)]
#[serde(untagged)]
enum Either {
    Named { inner: Cargo },
    List(Vec<Cargo>),
}

#[derive(Deserialize, Debug)]
struct Whole(Cargo);

#[derive(Deserialize, Debug)]
struct Rest<M> {
    #[serde(flatten)]
    rest: M,
}

#[derive(Deserialize, Debug)]
struct Nested {
    inner: Cargo,
}

#[test]
fn an_expiry_belongs_to_the_tokens_own_entry_and_to_no_nested_one_of_its_name() {
    let now = UnixTime::from_secs(1000);
    let end = now.saturating_add(300);
    let clock = ManualClock::at(now);
    let codec = codec().with_clock(clock.clone());
    // A name that is borrowed from the token, one with escapes, and the empty one.
    for name in ["mfa", "m\"f\na", ""] {
        let inner = || map([(name, true)]);
        let mut token = Token::new();
        let cargo = token.cargo_mut();
        cargo.insert_with_expiry(name, true, end).unwrap();
        cargo.insert("inner", inner()).unwrap();
        let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();

        let own: [Cargo; 5] = [
            codec.open(&text).unwrap().into_cargo(),
            codec.open_value::<Whole>(&text).unwrap().into_value().0,
            codec
                .open_value::<Option<Whole>>(&text)
                .unwrap()
                .into_value()
                .unwrap()
                .0,
            codec
                .open_value::<Rest<Cargo>>(&text)
                .unwrap()
                .into_value()
                .rest,
            codec.open_with(&text, |opened| opened.cargo()).unwrap(),
        ];
        for cargo in own {
            assert_eq!(cargo.expires_at(name), Some(end));
            let inside: Cargo = cargo.require("inner").unwrap();
            assert_eq!(inside.expires_at(name), None);
        }

        let nested = [
            codec
                .open_value::<Nested>(&text)
                .unwrap()
                .into_value()
                .inner,
            codec
                .open_value::<Rest<Nested>>(&text)
                .unwrap()
                .into_value()
                .rest
                .inner,
            match codec.open_value::<Either>(&text).unwrap().into_value() {
                Either::Named { inner } => inner,
                Either::List(list) => unreachable!("{list:?}"),
            },
            codec
                .open_with(&text, |opened| Ok(opened.cargo::<Nested>()?.inner))
                .unwrap(),
        ];
        for cargo in nested {
            assert_eq!(cargo.expires_at(name), None, "{name}");
            clock.set(end);
            assert!(cargo.contains(name));
            clock.set(now);
        }
    }
}

/// Read as text: serde has another form for binary formats.
#[test]
fn names_that_are_addresses_are_read_beside_expiries() {
    let now = UnixTime::from_secs(1000);
    let codec = codec().with_clock(ManualClock::at(now));
    let mut token = Token::new();
    let end = now.saturating_add(300);
    let cargo = token.cargo_mut();
    cargo.insert_with_expiry("127.0.0.1", 1_u8, end).unwrap();
    let text = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    let own = codec.open_value::<BTreeMap<std::net::IpAddr, u8>>(&text);
    let here = std::net::IpAddr::from([127, 0, 0, 1]);
    assert_eq!(own.unwrap().value(), &BTreeMap::from([(here, 1)]));
}

#[test]
fn maps_inside_entries_have_no_expiries_whatever_holds_them() {
    let now = UnixTime::from_secs(1000);
    let end = now.saturating_add(300);
    let codec = codec().with_clock(ManualClock::at(now));
    let seal = |inner: &dyn Fn(&mut Cargo)| {
        let mut token = Token::new();
        inner(token.cargo_mut());
        let (name, value) = token.cargo().iter().next().unwrap();
        let (name, value) = (name.to_owned(), value.clone());
        token
            .cargo_mut()
            .insert_with_expiry(name, value, end)
            .unwrap();
        codec.seal(&mut token, Lifetime::hours(1)).unwrap()
    };
    let of = |name: &str| map([(name.to_owned(), true)]);

    // The outer and the inner entry are both called `inner`.
    let text = seal(&|cargo| drop(cargo.insert("inner", of("inner")).unwrap()));
    let maps = codec.open_value::<BTreeMap<String, Cargo>>(&text).unwrap();
    assert_eq!(maps.value()["inner"].expires_at("inner"), None);
    let flat = codec
        .open_value::<Rest<BTreeMap<String, Cargo>>>(&text)
        .unwrap();
    assert_eq!(flat.value().rest["inner"].expires_at("inner"), None);
    let Variant::Inner(cargo) = codec.open_value(&text).unwrap().into_value();
    assert_eq!(cargo.expires_at("inner"), None);
    let raw = codec.open_with(&text, |opened| {
        let raw: &serde_json::value::RawValue = opened.cargo()?;
        Ok(raw.get() == r#"{"inner":{"inner":true}}"#)
    });
    assert_eq!(raw, Ok(true));

    let text = seal(&|cargo| drop(cargo.insert("a", (of("a"), of("b"))).unwrap()));
    let lists = codec
        .open_value::<BTreeMap<String, Vec<Cargo>>>(&text)
        .unwrap();
    assert!(
        lists.value()["a"]
            .iter()
            .all(|cargo| cargo.expires_at("a").is_none())
    );
    // A type may have numbers for names.
    let text = seal(&|cargo| drop(cargo.insert("7", of("7")).unwrap()));
    let numbered = codec.open_value::<BTreeMap<u8, Cargo>>(&text).unwrap();
    assert_eq!(numbered.value()[&7].expires_at("7"), None);
}

/// Not to what the same thread reads after a token, while reading one, or after a panic.
#[test]
fn the_expiries_of_one_token_reach_no_other_cargo() {
    let now = UnixTime::from_secs(1000);
    let codec = codec().with_clock(ManualClock::at(now));
    let end = now.saturating_add(300);
    let seal = |end| {
        let mut token = Token::new();
        token.cargo_mut().insert("a", 1).unwrap();
        token
            .cargo_mut()
            .insert_with_expiry("mfa", true, end)
            .unwrap();
        codec.seal(&mut token, Lifetime::hours(1)).unwrap()
    };
    let (text, later) = (seal(end), seal(end.saturating_add(1)));
    let elsewhere = || {
        let cargo: Cargo = serde_json::from_str(r#"{"mfa":true}"#).unwrap();
        cargo.expires_at("mfa")
    };
    codec.open_value::<Flat<Cargo>>(&text).unwrap();
    assert_eq!(elsewhere(), None);

    /// Opens another token while it is read itself.
    struct Within(Flat<Cargo>, Flat<Cargo>);

    thread_local! {
        static OTHER: std::cell::RefCell<Option<(Codec, String)>> =
            const { std::cell::RefCell::new(None) };
    }

    impl<'de> Deserialize<'de> for Within {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let (codec, text) = OTHER.with_borrow(Clone::clone).expect("no other token");
            let inner = codec.open_value::<Flat<Cargo>>(&text).unwrap();
            let own = Flat::deserialize(from)?;
            Ok(Self(own, inner.into_value()))
        }
    }

    // Nor an entry that the type set itself.
    let mut token = Token::new();
    token.cargo_mut().insert_with_expiry("a", 1, end).unwrap();
    let own = codec.seal(&mut token, Lifetime::hours(1)).unwrap();
    let mut rest = codec
        .open_value::<Flat<Cargo>>(&own)
        .unwrap()
        .into_value()
        .rest;
    rest.push("a", 1_u8).unwrap();
    assert_eq!(rest.expires_at("a"), None);

    OTHER.set(Some((codec.clone(), later)));
    let Within(own, inner) = codec.open_value::<Within>(&text).unwrap().into_value();
    assert_eq!(own.rest.expires_at("mfa"), Some(end));
    assert_eq!(inner.rest.expires_at("mfa"), Some(end.saturating_add(1)));
    assert_eq!(elsewhere(), None);
    OTHER.set(None);
    let panics = || codec.open_value::<Within>(&text).map(|_| ());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert_eq!(elsewhere(), None);
}
