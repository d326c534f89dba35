//! Expiries that would be lost when a caller's type is sealed.

use std::cell::Cell;

use sealtoken::{Cargo, CargoError, Lifetime, ManualClock, SealError, Token, UnixTime};
use serde::{Deserialize, Serialize};

use super::{Flat, codec, map};

#[test]
fn an_expiry_that_would_be_lost_is_refused() {
    let now = UnixTime::from_secs(1000);
    let (end, later) = (now.saturating_add(300), now.saturating_add(600));
    let clock = ManualClock::at(now);
    let codec = codec().with_clock(clock.clone());
    let hour = Lifetime::hours(1);
    let mut token = Token::new();
    token.cargo_mut().insert("a", 1).unwrap();
    token
        .cargo_mut()
        .insert_with_expiry("mfa", true, end)
        .unwrap();
    let text = codec.seal(&mut token, hour).unwrap();
    let mut rest = token.cargo().clone();
    rest.remove("a");

    let refused = Err(SealError::NestedExpiry);
    assert_eq!(codec.seal_value(token.cargo(), hour), refused);
    assert_eq!(codec.seal_value(&[Some(token.cargo())], hour), refused);
    let inside = Cargo::new().insert("inner", &rest);
    assert_eq!(inside, Err(CargoError::NestedExpiry));
    let flat = Flat { a: 1, rest };
    assert_eq!(codec.seal_value(&flat, hour), refused);
    assert_eq!(codec.seal(&mut Token::with_value(flat), hour), refused);

    // An opened token knows its own expiries, and no others.
    let mut own = codec.open_value::<Flat<Cargo>>(&text).unwrap();
    let again = codec.reseal(&mut own).unwrap();
    assert_eq!(
        codec.open(&again).unwrap().cargo().expires_at("mfa"),
        Some(end)
    );
    own.value_mut().rest.set_expiry("mfa", later).unwrap();
    assert_eq!(codec.reseal(&mut own), refused);
    own.value_mut().rest.set_expiry("mfa", end).unwrap();
    own.value_mut()
        .rest
        .insert_with_expiry("more", 1, later)
        .unwrap();
    assert_eq!(codec.renew(&mut own, hour), refused);
    own.value_mut().rest.remove("more");
    assert!(codec.renew(&mut own, hour).is_ok());

    // An expired entry is not sealed, so its expiry is not lost.
    own.value_mut()
        .rest
        .insert_with_expiry("more", 1, now)
        .unwrap();
    assert!(codec.seal(&mut own, hour).is_ok());
    clock.set(end);
    assert!(codec.seal_value(own.value(), hour).is_ok());
}

#[derive(Serialize, Deserialize, Clone)]
struct Saved {
    #[serde(flatten)]
    top: Cargo,
    saved: Option<Cargo>,
}

#[derive(Serialize, Deserialize, Clone)]
struct Named {
    mfa: bool,
    saved: Option<Cargo>,
}

/// Written as the map inside it, with or without a tag.
#[derive(Serialize, Deserialize, Clone)]
struct Around(Option<Inside>);

#[derive(Serialize, Deserialize, Clone)]
#[serde(tag = "kind")]
enum Inside {
    Map(Cargo),
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(untagged)]
enum Untagged {
    Map(Flat<Cargo>),
}

#[test]
fn an_expiry_is_kept_where_its_entry_is_the_tokens_own_and_refused_elsewhere() {
    let now = UnixTime::from_secs(1000);
    let end = now.saturating_add(300);
    let codec = codec().with_clock(ManualClock::at(now));
    let hour = Lifetime::hours(1);
    let mut token = Token::new();
    let cargo = token.cargo_mut();
    cargo.insert("a", 1).unwrap();
    cargo.insert("kind", "Map").unwrap();
    cargo.insert_with_expiry("mfa", true, end).unwrap();
    let text = codec.seal(&mut token, hour).unwrap();
    let refused = Err(SealError::NestedExpiry);

    let opened = codec.open_value::<Saved>(&text).unwrap();
    let mut copied = opened.clone();
    copied.value_mut().saved = Some(copied.value().top.clone());
    assert_eq!(codec.reseal(&mut copied), refused);
    let mut moved = opened.clone();
    moved.value_mut().saved = Some(std::mem::take(&mut moved.value_mut().top));
    assert_eq!(codec.reseal(&mut moved), refused);
    let mut named = codec.open_value::<Named>(&text).unwrap();
    named.value_mut().saved = Some(opened.value().top.clone());
    assert_eq!(codec.reseal(&mut named), refused);

    let again = [
        codec.reseal(&mut opened.clone()),
        codec.reseal(&mut codec.open_value::<Around>(&text).unwrap()),
        codec.reseal(&mut codec.open_value::<Untagged>(&text).unwrap()),
    ];
    for text in again {
        let opened = codec.open(&text.unwrap()).unwrap();
        assert_eq!(opened.cargo().expires_at("mfa"), Some(end));
    }
}

/// Runs a function while it is written.
struct Then<F>(F);

impl<F: Fn()> Serialize for Then<F> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.0)();
        to.serialize_unit()
    }
}

#[derive(Serialize)]
struct Layer<M, T> {
    #[serde(flatten)]
    own: M,
    then: T,
}

#[test]
fn each_of_nested_seals_knows_only_its_own_expiries() {
    let now = UnixTime::from_secs(1000);
    let end = now.saturating_add(300);
    let codec = codec().with_clock(ManualClock::at(now));
    let hour = Lifetime::hours(1);
    let mut token = Token::new();
    token.cargo_mut().insert("a", 1).unwrap();
    token
        .cargo_mut()
        .insert_with_expiry("mfa", true, end)
        .unwrap();
    let text = codec.seal(&mut token, hour).unwrap();
    let known = codec.open_value::<Flat<Cargo>>(&text).unwrap();
    let mut unknown = Cargo::new();
    let far = UnixTime::from_secs(9_000_000_000);
    unknown.insert_with_expiry("other", true, far).unwrap();

    // The outermost value has an expiry, the middle one none, and the innermost one that its token
    // knows.
    let inner = Cell::new(None);
    let innermost = || inner.set(Some(codec.reseal(&mut known.clone()).is_ok()));
    let middle = || {
        let own = map([("plain", 1)]);
        let then = Then(&innermost);
        codec.seal_value(&Layer { own, then }, hour).unwrap();
    };
    let own = unknown;
    let then = Then(middle);
    let refused = codec.seal_value(&Layer { own, then }, hour);
    assert_eq!(inner.get(), Some(true));
    assert_eq!(refused, Err(SealError::NestedExpiry));
}
