//! A genuine token opens to the sealed cargo. An edited token is refused.

#![no_main]

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use sealtoken::{Codec, Key, KeyRing, Lifetime, OpenError, SealError, Token};
use sealtoken_fuzz::armour;
use sealtoken_fuzz::plain::Plain;
use sealtoken_fuzz::script;

static RING: LazyLock<KeyRing> = LazyLock::new(|| KeyRing::new(Key::from_bytes([7; 32])));

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let codec = codec(u)?;
    let cargo = script::value(u, 6)?;
    let lifetime = Lifetime::seconds(u64::from(u.arbitrary::<u16>()?) + 60);
    let genuine = codec.seal_value(&cargo, lifetime);
    if !cargo.has_sound_names() {
        assert_eq!(genuine, Err(SealError::NameConflict));
        return Ok(());
    }
    let genuine = genuine.expect("fits");
    let other = codec.seal_value(&Plain::Null, lifetime).expect("fits");
    opens(&codec, &genuine, &cargo);

    let edited = edit(u, &genuine, &other)?;
    if edited == genuine {
        opens(&codec, &edited, &cargo);
    } else if edited == other {
        opens(&codec, &edited, &Plain::Null);
    } else {
        refused(&codec, &edited);
    }
    Ok(())
}

/// Made once, because deriving keys takes longer than everything else.
static CODECS: LazyLock<[Codec; 2]> = LazyLock::new(|| {
    ["session", "password-reset"].map(|purpose| {
        let codec = RING.codec(purpose).expect("a purpose");
        codec.with_max_len(usize::MAX)
    })
});

/// One of two purposes' codecs, with or without a context and padding.
fn codec(u: &mut Unstructured<'_>) -> Result<Codec> {
    let flags = u.arbitrary::<u8>()?;
    let codec = CODECS[usize::from(flags & 1)].clone();
    let codec = codec.with_padding(usize::from(flags >> 4) * 16);
    let codec = match flags >> 1 & 3 {
        0 => codec.bound_to("a context"),
        1 => codec.bound_to(["several", "parts"]),
        _ => Ok(codec),
    };
    Ok(codec.expect("no part is empty"))
}

fn opens(codec: &Codec, text: &str, cargo: &Plain) {
    let typed = codec.open_value::<Plain>(text).expect("genuine");
    assert_eq!(typed.value(), cargo);
    assert!(typed.is_valid() && !typed.is_dirty() && !typed.is_expired() && !typed.needs_reseal());
    let lent = codec.open_with(text, |opened| Ok((opened.cargo()?, opened.uuid())));
    assert_eq!(lent, Ok((cargo.clone(), typed.uuid())));

    let map = codec.open(text);
    if let Plain::Object(_) = cargo {
        let mut map: Token = map.expect("genuine");
        assert_eq!(Plain::from(map.cargo()), cargo.clone().sorted());
        assert_eq!((map.uuid(), map.sealed()), (typed.uuid(), Some(text)));
        // Resealing keeps the identity and the expiry, and draws a new nonce.
        let again = codec.reseal(&mut map).expect("fits");
        assert_ne!(again, text);
        let again = codec.open(&again).expect("genuine");
        assert_eq!(again.cargo(), map.cargo());
        assert_eq!(
            (again.uuid(), again.expires_at()),
            (map.uuid(), typed.expires_at())
        );
    } else {
        assert_eq!(map.err(), Some(OpenError::Payload));
    }
}

fn refused(codec: &Codec, text: &str) {
    let code = match armour::token_bytes(text, usize::MAX) {
        None => "malformed",
        Some(bytes) if bytes[..4] == RING.current().to_bytes() => "forged",
        Some(_) => "unknown_key",
    };
    let answers = [
        codec.open(text).map(drop),
        codec.inspect(text).map(drop),
        codec.open_value::<Plain>(text).map(drop),
        codec.open_with(text, |_| Ok(())),
    ];
    for answer in answers {
        assert_eq!(answer.expect_err("it was edited").code(), code);
    }
}

/// Applies the script's edits to the text or to the decoded bytes.
fn edit(u: &mut Unstructured<'_>, genuine: &str, other: &str) -> Result<String> {
    let mut text: Vec<char> = genuine.chars().collect();
    while !u.is_empty() && text.len() > 1 {
        let kind = u.arbitrary::<u8>()?;
        let at = usize::from(u.arbitrary::<u16>()?) % text.len();
        let with = u.arbitrary::<u8>()?;
        let to = (at + 1 + usize::from(with)) % text.len();
        match kind % 12 {
            0 => text[at] = char::from(with),
            1 => text.insert(at, char::from(with)),
            2 => drop(text.remove(at)),
            3 => text.truncate(at),
            4 => text.swap(at, to),
            // Bounded, because each such edit may double the length.
            5 if text.len() < 10_000 => text.extend_from_within(at..),
            5 => {}
            6 => {
                text[at] = if with % 2 == 0 {
                    text[at].to_ascii_uppercase()
                } else {
                    text[at].to_ascii_lowercase()
                }
            }
            7 => text = other.chars().take(at).chain(text.drain(at..)).collect(),
            8 => text = text.drain(..at).chain(other.chars().skip(at)).collect(),
            9 => text.push(['é', '=', ' ', '\0', '＿', 'A'][usize::from(with % 6)]),
            kind => {
                // Flip a bit, or insert or remove a byte, and encode canonically.
                let spelled: String = text.iter().collect();
                let Some(mut bytes) = armour::token_bytes(&spelled, usize::MAX) else {
                    continue;
                };
                let at = at % bytes.len();
                match (kind, with % 16) {
                    (11, 0) => bytes.insert(at, with),
                    (11, 1) => drop(bytes.remove(at)),
                    _ => bytes[at] ^= 1 << (with % 8),
                }
                text = armour::token_text(&bytes).chars().collect();
            }
        }
    }
    Ok(text.into_iter().collect())
}
