//! Contexts that a codec is bound to.

use sealtoken::{Codec, KeyError, Lifetime, OpenError, Token};

use super::codec;

#[test]
fn a_context_must_be_the_same_and_must_not_be_empty() {
    let codec = codec();
    let seal = |codec: &Codec| codec.seal_value(&1, Lifetime::hours(1)).unwrap();
    let bound = codec.bound_to("user:42").unwrap();
    let text = seal(&bound);
    assert!(bound.open_value::<u8>(&text).is_ok());
    let forged = Some(OpenError::Forged);
    assert_eq!(codec.open_value::<u8>(&text).err(), forged);
    assert_eq!(
        codec
            .bound_to("user:43")
            .unwrap()
            .open_value::<u8>(&text)
            .err(),
        forged
    );
    assert_eq!(bound.open_value::<u8>(&seal(&codec)).err(), forged);
    let parts = codec.bound_to(["ab", "c"]).unwrap();
    let text = seal(&parts);
    assert!(
        codec
            .bound_to([b"ab".as_slice(), b"c"])
            .unwrap()
            .open_value::<u8>(&text)
            .is_ok()
    );
    assert_eq!(
        codec
            .bound_to(["a", "bc"])
            .unwrap()
            .open_value::<u8>(&text)
            .err(),
        forged
    );
    assert_eq!(
        codec.bound_to("abc").unwrap().open_value::<u8>(&text).err(),
        forged
    );

    assert_eq!(codec.bound_to("").err(), Some(KeyError::Context));
    assert_eq!(codec.bound_to(Vec::new()).err(), Some(KeyError::Context));
    assert_eq!(codec.bound_to(["a", ""]).err(), Some(KeyError::Context));
    let message = KeyError::Context.to_string();
    assert!(message.contains("must not be empty"), "{message}");
    for length in [1, 120, 121, 10_000] {
        let bound = codec.bound_to("c".repeat(length)).unwrap();
        assert!(bound.open_value::<u8>(&seal(&bound)).is_ok());
    }
}

/// Every way to bind a codec to some of `a`, `ab`, `b`, `bc` and `c`, as one context, as an array
/// or one after another.
fn bound_in_every_way(codec: &Codec) -> Vec<(String, Codec)> {
    let parts = ["a", "ab", "b", "bc", "c"];
    let mut all = vec![("none".to_owned(), codec.clone())];
    for x in parts {
        let one = codec.bound_to(x).unwrap();
        for y in parts {
            let both = one.bound_to(y).unwrap();
            let array = codec.bound_to([x, y]).unwrap();
            all.push((format!("[{x}, {y}]; c"), array.bound_to("c").unwrap()));
            all.push((format!("{x}; [{y}, c]"), one.bound_to([y, "c"]).unwrap()));
            all.push((format!("{x}; {y}; c"), both.bound_to("c").unwrap()));
            all.push((
                format!("[{x}, {y}, c]"),
                codec.bound_to([x, y, "c"]).unwrap(),
            ));
            all.push((format!("[{x}, {y}]"), array));
            all.push((format!("{x}; {y}"), both));
        }
        all.push((x.to_owned(), one));
    }
    // The composed bytes of `a; b` as one context.
    let spelled = b"\0\0\0\0\0\0\0\x01a\0\0\0\0\0\0\0\x01b".as_slice();
    let with_head = [b"st1+".as_slice(), spelled].concat();
    all.push((
        "spelled, with head".to_owned(),
        codec.bound_to(with_head).unwrap(),
    ));
    let rest = b"\0\0\0\0\0\0\0\x01b".as_slice();
    let mixed = codec.bound_to("a").unwrap().bound_to(rest).unwrap();
    all.push(("a; b spelled".to_owned(), mixed));
    all
}

#[test]
fn contexts_add_up_and_each_list_of_them_is_another() {
    let all = bound_in_every_way(&codec());
    let texts: Vec<String> = all
        .iter()
        .map(|(_, codec)| codec.seal_value(&1, Lifetime::hours(1)).unwrap())
        .collect();
    for (name, codec) in &all {
        for ((other, _), text) in all.iter().zip(&texts) {
            let opened = codec.open_value::<u8>(text).map(Token::into_value);
            let expected = if name == other {
                Ok(1)
            } else {
                Err(OpenError::Forged)
            };
            assert_eq!(opened, expected, "sealed for {other}, opened for {name}");
        }
    }
}

#[test]
fn a_token_of_one_tenant_opens_for_no_other_however_it_is_bound_further() {
    let of = |tenant: &str| codec().bound_to(tenant).unwrap();
    let text = of("tenant:a").bound_to("user:1").unwrap();
    let text = text.seal_value(&1, Lifetime::hours(1)).unwrap();
    let other = of("tenant:b").bound_to("user:1").unwrap();
    assert_eq!(other.open_value::<u8>(&text).err(), Some(OpenError::Forged));
}

#[test]
fn a_codec_that_is_bound_again_and_again_comes_to_an_end() {
    let mut codec = codec().bound_to("x".repeat(65_000)).unwrap();
    let mut times = 0;
    while let Ok(further) = codec.bound_to("x".repeat(100)) {
        codec = further;
        times += 1;
        assert!(times < 10, "65,536 bytes are the most");
    }
    // 16 for the lengths of the first two, then 8 for each.
    assert_eq!(times, 4);
    let text = codec.seal_value(&1, Lifetime::hours(1)).unwrap();
    assert!(codec.open_value::<u8>(&text).is_ok());
}
