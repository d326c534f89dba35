//! Tries to open any text. A text that was not sealed never opens.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealtoken::{Codec, Key, KeyRing, OpenError, Token, TokenHeader};
use sealtoken_fuzz::armour;
use serde::de::IgnoredAny;

const MAX_LEN: usize = 1000;

/// Fresh random keys, so that no input can be genuine.
static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let ring = KeyRing::new(Key::generate()).with_retired(Key::generate());
    ring.and_then(|ring| ring.with_standby(Key::generate()))
        .expect("three ids")
});

static CODEC: LazyLock<Codec> =
    LazyLock::new(|| RING.codec("fuzz").expect("a purpose").with_max_len(MAX_LEN));

fuzz_target!(|text: &str| {
    let bytes = armour::token_bytes(text, MAX_LEN);
    let known = |kid: &[u8]| RING.keys().iter().any(|(id, _)| id.to_bytes() == kid);
    let code = match &bytes {
        None => "malformed",
        Some(bytes) if known(&bytes[..4]) => "forged",
        Some(_) => "unknown_key",
    };
    refused(text, code);

    // With a key id of the ring, the same bytes reach the cipher.
    if let Some(mut bytes) = bytes {
        for (id, _) in RING.keys() {
            bytes[..4].copy_from_slice(&id.to_bytes());
            refused(&armour::token_text(&bytes), "forged");
        }
    }
});

/// Every way to open returns the code that the public bytes decide.
fn refused(text: &str, code: &str) {
    let mut token = Token::new();
    let uuid = token.uuid();
    let answers: [Result<(), OpenError>; 7] = [
        CODEC.open(text).map(drop),
        CODEC.inspect(text).map(drop),
        CODEC.load(&mut token, text),
        CODEC.open_value::<IgnoredAny>(text).map(drop),
        CODEC.inspect_value::<IgnoredAny>(text).map(drop),
        CODEC.open_with(text, |_| Ok(())),
        CODEC
            .bound_to("a context")
            .expect("not empty")
            .open(text)
            .map(drop),
    ];
    for answer in answers {
        let error = answer.expect_err("the text is not genuine");
        assert_eq!(error.code(), code);
    }
    assert!(!token.is_valid() && token.is_dirty() && token.is_expired());
    assert_eq!(token.uuid(), uuid);

    // A header has its own length limit and needs no key.
    let header = text.parse::<TokenHeader>();
    let bytes = armour::token_bytes(text, TokenHeader::MAX_LEN);
    assert_eq!(header.is_ok(), bytes.is_some());
    if let (Ok(header), Some(bytes)) = (header, bytes) {
        assert_eq!(header.key_id.to_bytes(), bytes[..4]);
        assert_eq!(header.plaintext_len, bytes.len() - 44);
        assert_eq!(header.length, text.len());
    }
}
