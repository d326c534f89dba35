//! The lengths of tokens: the maximum, padding, and what fits a cookie.

use sealtoken::{Codec, Lifetime, OpenError, SealError, Token};
use serde::Serialize;

use super::codec;

#[test]
fn the_maximum_length_holds_in_both_directions_and_is_reported() {
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
    // The error has the length even where it is far beyond the maximum.
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

    // A token that was below the limit stays below it.
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
    // Within the maximum length of a vector, but more than any allocator gives.
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
