//! The codec's settings, contexts and limits.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use sealtoken::{
    Backend, Codec, ContextError, ExpiryError, Key, KeyRing, Lifetime, ManualClock, OpenError,
    SealError, Token, UnixTime,
};
use serde::{Deserialize, Serialize};

fn codec() -> Codec {
    KeyRing::new(Key::from_bytes([6; 32]))
        .codec("codec")
        .unwrap()
}

fn at(seconds: i64) -> (Codec, ManualClock) {
    let clock = ManualClock::at(UnixTime::from_secs(seconds));
    (codec().with_clock(clock.clone()), clock)
}

#[test]
fn lifetimes_are_checked_when_a_token_is_sealed() {
    let seal = |lifetime| codec().seal_value(&1, lifetime).map(|_| ());
    let zero = Err(SealError::Lifetime(ExpiryError::Zero));
    let long = Err(SealError::Lifetime(ExpiryError::TooLong));
    assert_eq!(seal(Lifetime::seconds(0)), zero);
    assert_eq!(seal(Lifetime::minutes(0)), zero);
    assert_eq!(seal(Duration::from_millis(999).into()), zero);
    assert_eq!(seal(Lifetime::seconds(253_402_300_800)), long);
    for of in [
        Lifetime::seconds,
        Lifetime::minutes,
        Lifetime::hours,
        Lifetime::days,
        Lifetime::weeks,
    ] {
        assert_eq!(seal(of(u64::MAX)), long);
        assert_eq!(seal(of(1)), Ok(()));
    }
    assert_eq!(seal(Lifetime::seconds(253_402_300_799)), Ok(()));
    assert_eq!(seal(Lifetime::Forever), Ok(()));
    let seconds = [
        Lifetime::minutes(2),
        Lifetime::hours(2),
        Lifetime::days(2),
        Lifetime::weeks(2),
    ];
    assert_eq!(
        seconds.map(|l| l.as_duration().unwrap().as_secs()),
        [120, 7200, 172_800, 1_209_600]
    );
}

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

    assert_eq!(codec.bound_to("").err(), Some(ContextError));
    assert_eq!(codec.bound_to(Vec::new()).err(), Some(ContextError));
    assert_eq!(codec.bound_to(["a", ""]).err(), Some(ContextError));
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
    // What the composed bytes of `a; b` are, as one context.
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

#[test]
fn the_maximum_length_holds_in_both_directions_and_is_told() {
    let codec = codec();
    let text = codec
        .seal_value(&"x".repeat(500), Lifetime::hours(1))
        .unwrap();
    let length = text.len();
    assert!(
        codec
            .clone()
            .with_max_len(length)
            .open_value::<String>(&text)
            .is_ok()
    );
    let short = codec.clone().with_max_len(length - 1);
    assert_eq!(
        short.open_value::<String>(&text).err(),
        Some(OpenError::Malformed)
    );
    let refused = short.seal_value(&"x".repeat(500), Lifetime::hours(1));
    assert_eq!(
        refused,
        Err(SealError::TooLong {
            length,
            max: length - 1
        })
    );
    // Told also where it is far beyond.
    let refused = codec.seal_value(&"x".repeat(1_000_000), Lifetime::hours(1));
    let Err(SealError::TooLong { length, max: 4000 }) = refused else {
        panic!("{refused:?}")
    };
    let sealed = codec
        .clone()
        .with_max_len(length)
        .seal_value(&"x".repeat(1_000_000), Lifetime::hours(1));
    assert_eq!(sealed.map(|text| text.len()), Ok(length));
    assert!(matches!(
        codec.with_max_len(0).seal_value(&1, Lifetime::hours(1)),
        Err(SealError::TooLong { .. })
    ));
}

/// The longest text of `codec` with a cargo of text, and that cargo.
fn longest(codec: &Codec, limit: usize) -> (String, String) {
    let seal = |length| codec.seal_value(&"x".repeat(length), Lifetime::hours(1));
    let length = (0..limit)
        .rev()
        .find(|length| seal(*length).is_ok())
        .unwrap();
    (seal(length).unwrap(), "x".repeat(length))
}

#[test]
fn the_longest_token_fits_a_cookie_with_its_name() {
    // RFC 6265bis counts the octets of name and value, at most 4,096.
    let (text, _) = longest(&codec(), 3100);
    assert_eq!(text.len(), 4000);
    for name in [
        "__Host-session",
        "__Secure-the-name-of-a-cookie-of-a-long-winded-application",
    ] {
        assert!(name.len() + text.len() <= 4096);
    }
}

#[test]
fn what_was_sealed_with_4096_characters_is_opened_and_sealed_again_but_outgrows_them_never() {
    let as_before = codec().with_max_len(4096);
    let (text, cargo) = longest(&as_before, 3100);
    assert_eq!(text.len(), 4096);
    let mut token = codec().open_value::<String>(&text).unwrap();
    assert_eq!(token.value(), &cargo);
    assert_eq!(codec().reseal(&mut token).map(|text| text.len()), Ok(4096));
    token.value_mut().push_str("yz");
    let more = codec().reseal(&mut token);
    assert!(
        matches!(more, Err(SealError::TooLong { max: 4096, .. })),
        "{more:?}"
    );

    // One that has room below the limit keeps to it.
    let mut short = Token::with_value(String::new());
    codec().seal(&mut short, Lifetime::hours(1)).unwrap();
    short.set(cargo);
    let grown = codec().reseal(&mut short);
    assert!(
        matches!(grown, Err(SealError::TooLong { max: 4000, .. })),
        "{grown:?}"
    );

    let strict = codec().with_max_len(4000);
    assert_eq!(
        strict.open_value::<String>(&text).err(),
        Some(OpenError::Malformed)
    );
}

#[test]
fn padding_that_no_memory_holds_is_an_error_and_no_abort() {
    // Below the limit of a vector's length, and beyond what any allocator gives.
    let codec = codec().with_max_len(usize::MAX).with_padding(1 << 46);
    let sealed = codec.seal_value(&1, Lifetime::hours(1));
    assert_eq!(
        sealed.map_err(|error| error.to_string()),
        Err("no memory for a token of this length".into())
    );
}

#[test]
fn settings_beyond_all_memory_are_an_error_and_no_panic() {
    let codec = codec().with_max_len(usize::MAX).with_padding(usize::MAX);
    let sealed = codec.seal_value(&1, Lifetime::hours(1));
    assert!(matches!(sealed, Err(SealError::TooLong { .. })));
}

#[test]
fn a_type_that_ignores_numbers_ignores_them_with_escapes_beside_and_without() {
    #[derive(Deserialize)]
    struct OnlyA {
        a: u64,
    }
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.into()).unwrap();
    for text in [r#"{"a":1,"b":1e999}"#, r#"{"a":1,"b":1e999,"d":"x\n"}"#] {
        let sealed = codec().seal_value(&raw(text), Lifetime::hours(1)).unwrap();
        assert_eq!(codec().open_value::<OnlyA>(&sealed).unwrap().value().a, 1);
    }
}

#[test]
fn what_has_ended_is_gone_before_the_rest_is_read_as_a_map() {
    #[derive(Serialize, Deserialize)]
    struct Own {
        big: Box<serde_json::value::RawValue>,
        small: u8,
    }
    let (codec, clock) = at(1000);
    let mut token = Token::new();
    codec.seal(&mut token, Lifetime::Forever).unwrap();
    token
        .cargo_mut()
        .insert_with_expiry("big", 1, UnixTime::from_secs(2000))
        .unwrap();
    token.cargo_mut().insert("small", 1).unwrap();
    let text = codec.reseal(&mut token).unwrap();
    let mut own = codec.open_value::<Own>(&text).unwrap();
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    own.value_mut().big = serde_json::value::RawValue::from_string(deep).unwrap();
    let text = codec.reseal(&mut own).unwrap();
    assert_eq!(
        codec.open(&text).err(),
        Some(OpenError::Payload),
        "no map holds it"
    );
    clock.set(UnixTime::from_secs(2000));
    let opened = codec.open(&text).unwrap();
    assert_eq!(opened.cargo().keys().collect::<Vec<_>>(), ["small"]);
}

#[test]
fn an_outline_is_taken_of_a_mebibyte_of_text_and_no_more() {
    let text = |length: usize| format!("st1_{}", "A".repeat(length - 4));
    let header = |length| text(length).parse::<sealtoken::TokenHeader>();
    let longest = header(1 << 20).unwrap();
    assert_eq!((longest.length, longest.plaintext_len), (1 << 20, 786_385));
    for more in [2, 3, 4] {
        let refused = header((1 << 20) + more);
        assert_eq!(refused, Err(OpenError::Malformed), "{more}");
    }
}

#[test]
fn padding_fills_up_to_whole_blocks() {
    for block in [0, 1, 2, 16, 64, 1000] {
        let padded = codec().with_padding(block);
        for length in [0, 1, 30, 100] {
            let value = "x".repeat(length);
            let plain = codec().seal_value(&value, Lifetime::hours(1)).unwrap();
            let inside = plain
                .parse::<sealtoken::TokenHeader>()
                .unwrap()
                .plaintext_len;
            let text = padded.seal_value(&value, Lifetime::hours(1)).unwrap();
            let header: sealtoken::TokenHeader = text.parse().unwrap();
            let expected = if block > 1 {
                inside.div_ceil(block) * block
            } else {
                inside
            };
            assert_eq!(header.plaintext_len, expected);
            assert_eq!(text.len(), Codec::sealed_len(expected));
            assert_eq!(codec().open_value::<String>(&text).unwrap().value(), &value);
        }
    }
    let huge = codec()
        .with_padding(usize::MAX)
        .seal_value(&1, Lifetime::hours(1));
    assert!(matches!(huge, Err(SealError::TooLong { .. })));
}

#[test]
fn leeway_and_future_skew_widen_the_time_of_a_token() {
    let (codec, clock) = at(1000);
    let mut token = Token::new();
    let text = codec.seal(&mut token, Lifetime::seconds(100)).unwrap();
    let lenient = codec.clone().with_leeway(Duration::from_secs(30));
    clock.set(UnixTime::from_secs(1129));
    assert_eq!(
        codec.open(&text).map(|_| ()),
        Err(OpenError::Expired {
            at: UnixTime::from_secs(1100)
        })
    );
    let opened = lenient.open(&text).unwrap();
    // The codec that opened it does not call it expired; the moment itself is exact.
    assert!(!opened.is_expired() && opened.is_expired_at(UnixTime::from_secs(1129)));
    assert!(lenient.reseal(&mut opened.clone()).is_ok());
    clock.set(UnixTime::from_secs(1130));
    assert!(lenient.open(&text).is_err() && opened.is_expired());

    clock.set(UnixTime::from_secs(940));
    assert!(codec.open(&text).is_ok());
    clock.set(UnixTime::from_secs(939));
    let from = UnixTime::from_secs(1000);
    assert_eq!(
        codec.open(&text).map(|_| ()),
        Err(OpenError::NotYetValid { from })
    );
    assert!(
        codec
            .clone()
            .with_future_skew(Duration::from_secs(61))
            .open(&text)
            .is_ok()
    );
    assert!(
        codec
            .clone()
            .with_future_skew(Duration::ZERO)
            .open(&text)
            .is_err()
    );
    assert!(codec.inspect(&text).is_ok());
}

#[test]
fn a_purpose_opens_nothing_of_another() {
    let ring = KeyRing::new(Key::from_bytes([6; 32]));
    let text = codec().seal_value(&1, Lifetime::hours(1)).unwrap();
    for purpose in ["codec2", "code", "Codec", "codec\0", " codec"] {
        let other = ring.codec(purpose).unwrap();
        assert_eq!(
            other.open_value::<u8>(&text).err(),
            Some(OpenError::Forged),
            "{purpose}"
        );
    }
    assert_eq!(codec().purpose(), "codec");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Note {
    title: String,
    n: u32,
}

#[derive(Deserialize)]
struct Borrowed<'a> {
    title: &'a str,
}

#[derive(Deserialize)]
struct Lenient<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
}

#[test]
fn lent_cargo_borrows_and_text_with_escapes_wants_a_cow() {
    let seal = |title: &str| {
        let note = Note {
            title: title.into(),
            n: 1,
        };
        codec().seal_value(&note, Lifetime::hours(1)).unwrap()
    };
    let plain = seal("plain");
    let read = codec().open_with(&plain, |opened| {
        Ok(opened.cargo::<Borrowed<'_>>()?.title.len())
    });
    assert_eq!(read, Ok(5));
    let escaped = seal("two\nlines");
    let read = codec().open_with(&escaped, |opened| {
        Ok(opened.cargo::<Borrowed<'_>>()?.title.len())
    });
    assert_eq!(read, Err(OpenError::Payload));
    let read = codec().open_with(&escaped, |opened| {
        Ok(opened.cargo::<Lenient<'_>>()?.title.len())
    });
    assert_eq!(read, Ok(9));
}

#[test]
fn sealing_and_opening_inside_of_a_lent_token_works() {
    let text = codec()
        .seal_value(
            &Note {
                title: "outer".into(),
                n: 1,
            },
            Lifetime::hours(1),
        )
        .unwrap();
    let inner = codec().open_with(&text, |opened| {
        let outer: Borrowed<'_> = opened.cargo()?;
        let inner = Note {
            title: outer.title.to_owned() + "!",
            n: 2,
        };
        let text = codec()
            .seal_value(&inner, Lifetime::hours(1))
            .map_err(|_| OpenError::Payload)?;
        let title = codec().open_with(&text, |inner| Ok(inner.cargo::<Note>()?.title))?;
        // The outer one is untouched by all that.
        assert_eq!(opened.cargo::<Borrowed<'_>>()?.title, "outer");
        assert_eq!(
            opened.expires_at().map(|end| end - opened.issued_at()),
            Some(Duration::from_secs(3600))
        );
        assert_eq!(
            (opened.lifetime(), opened.needs_reseal()),
            (Lifetime::hours(1), false)
        );
        assert_eq!(opened.first_issued_at(), opened.issued_at());
        Ok(title)
    });
    assert_eq!(inner.as_deref(), Ok("outer!"));
}

#[test]
fn cargo_of_another_type_is_a_payload_error_and_lets_nothing_out() {
    let text = codec()
        .seal_value(
            &Note {
                title: "secret".into(),
                n: 1,
            },
            Lifetime::hours(1),
        )
        .unwrap();
    let error = codec()
        .open_value::<HashMap<String, u32>>(&text)
        .unwrap_err();
    assert_eq!(error, OpenError::Payload);
    assert!(!format!("{error:?} {error}").contains("secret"));
    let token = codec().open_value::<Note>(&text).unwrap();
    let shown = format!("{token:?} {:?}", codec());
    assert!(
        !shown.contains("secret") && !shown.contains(&text),
        "{shown}"
    );
    // Cargo that is no object opens as a type, and not as a map.
    let number = codec().seal_value(&5, Lifetime::hours(1)).unwrap();
    assert_eq!(codec().open(&number).err(), Some(OpenError::Payload));
    assert_eq!(codec().open_value::<u8>(&number).unwrap().into_value(), 5);
}

#[test]
fn numbers_that_are_not_finite_are_refused_in_typed_seals_at_any_depth() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let seal = |value: &dyn Fn() -> Result<String, SealError>| {
            assert_eq!(value(), Err(SealError::NotFinite))
        };
        seal(&|| codec().seal_value(&bad, Lifetime::hours(1)));
        seal(&|| codec().seal_value(&(bad as f32), Lifetime::hours(1)));
        seal(&|| codec().seal_value(&Some(vec![(1, bad)]), Lifetime::hours(1)));
        seal(&|| codec().seal_value(&HashMap::from([("x", bad)]), Lifetime::hours(1)));
        seal(&|| codec().seal(&mut Token::with_value(Some(bad)), Lifetime::hours(1)));
    }
    assert!(
        codec()
            .seal_value(&f64::MIN_POSITIVE, Lifetime::hours(1))
            .is_ok()
    );
}

#[test]
fn a_typed_cargo_has_at_most_128_levels_in_both_directions() {
    let nested = |levels: usize| {
        let text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        serde_json::value::RawValue::from_string(text).unwrap()
    };
    let codec = codec().with_max_len(10_000);
    let text = codec.seal_value(&nested(127), Lifetime::hours(1)).unwrap();
    assert!(codec.open_value::<serde_json::Value>(&text).is_ok());
    let refused = codec.seal_value(&nested(128), Lifetime::hours(1));
    assert_eq!(refused, Err(SealError::TooDeep));
}

#[test]
fn json_of_the_callers_own_is_not_sealed_where_no_opener_would_take_it() {
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.into()).unwrap();
    let seal = |text| {
        codec()
            .seal_value(&raw(text), Lifetime::hours(1))
            .map(|_| ())
    };
    assert_eq!(seal(r#""\ud83d\ude00""#), Ok(()));
    assert_eq!(seal(r#"{"a":"\ud83d"}"#), Err(SealError::Cargo));
    assert_eq!(seal(r#""\n\\""#), Ok(()));
}

#[test]
fn a_token_is_sealed_the_same_by_every_backend() {
    let text = codec()
        .with_backend(Backend::RustCrypto)
        .seal_value(&7, Lifetime::hours(1))
        .unwrap();
    assert_eq!(
        codec()
            .with_backend(Backend::default())
            .open_value::<u8>(&text)
            .unwrap()
            .into_value(),
        7
    );
    #[cfg(feature = "aws-lc")]
    {
        let (ours, theirs) = (Backend::RustCrypto, Backend::AwsLc);
        for (seals, opens) in [(ours, theirs), (theirs, ours), (theirs, theirs)] {
            for length in [0, 1, 100, 2000] {
                let value = "x".repeat(length);
                let text = codec()
                    .with_backend(seals)
                    .seal_value(&value, Lifetime::hours(1))
                    .unwrap();
                let opener = codec().with_backend(opens);
                assert_eq!(
                    opener.open_value::<String>(&text).unwrap().into_value(),
                    value
                );
                let mut forged = text.into_bytes();
                forged[50] = if forged[50] == b'A' { b'B' } else { b'A' };
                let forged = String::from_utf8(forged).unwrap();
                assert_eq!(
                    opener.open_value::<String>(&forged).err(),
                    Some(OpenError::Forged)
                );
            }
        }
    }
}

#[test]
fn the_promised_payload_takes_275_characters() {
    #[derive(Serialize)]
    struct Claims<'a> {
        id: &'a str,
        role: &'a str,
        tenant: &'a str,
        email: &'a str,
    }
    let claims = Claims {
        id: "0b5c7a2e-64b5-4d9c-b8f7-2f7c6a1d9e30",
        role: "editor",
        tenant: "acme",
        email: "g@example.io",
    };
    assert_eq!(serde_json::to_string(&claims).unwrap().len(), 100);
    let text = codec().seal_value(&claims, Lifetime::hours(1)).unwrap();
    assert_eq!(text.len(), 275);
}

#[test]
fn uuids_are_random_and_survive_what_is_done_to_a_token() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1000 {
        let text = codec().seal_value(&1, Lifetime::hours(1)).unwrap();
        let uuid = codec().open_value::<u8>(&text).unwrap().uuid();
        assert_eq!(uuid.get_version_num(), 4);
        assert!(seen.insert(uuid) && seen.insert(Token::new().uuid()));
    }
}
