//! Imports any text, and genuine tokens with any content.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sealtoken::{Codec, Key, KeyRing, Lifetime, ManualClock, Token, UnixTime};
use sealtoken_fuzz::plain::Plain;
use sealtoken_fuzz::primordyx::{self, Read, Refused};
use sealtoken_import::{Primordyx, PrimordyxError};

/// Not the vectors' passphrase, because the vectors are among the seeds.
const PASSPHRASE: &str = "nobody seals with this";
const NOW: i64 = 1_763_755_200;

static CODEC: LazyLock<Codec> = LazyLock::new(|| {
    let codec = KeyRing::new(Key::from_bytes([3; 32]))
        .codec("session")
        .expect("a purpose");
    // Accept tokens from the future, as the PHP system did.
    codec
        .with_max_len(usize::MAX)
        .with_future_skew(Duration::from_secs(1 << 40))
});

fuzz_target!(|data: &[u8]| {
    authentic(data);
    if let Ok(text) = str::from_utf8(data) {
        refused(text);
        authentic(primordyx::around(text).as_bytes());
    }
});

fn reader(now: i64) -> Primordyx {
    Primordyx::new(PASSPHRASE).with_clock(ManualClock::at(UnixTime::from_secs(now)))
}

/// A text that is not genuine is refused.
fn refused(text: &str) {
    let code = primordyx::outside(text);
    for answer in [reader(NOW).read(text), reader(NOW).inspect(text)] {
        assert_eq!(answer.expect_err("not genuine").code(), code);
    }
}

/// Checks a genuine token with this plaintext.
fn authentic(plaintext: &[u8]) {
    let lower = primordyx::seal(PASSPHRASE, plaintext);
    if primordyx::outside(&lower) == "malformed" {
        // The plaintext is empty or too long.
        assert_eq!(
            reader(NOW).read(&lower).err(),
            Some(PrimordyxError::Malformed)
        );
        return;
    }
    let other = Primordyx::new("another passphrase").read(&lower);
    assert_eq!(other.err(), Some(PrimordyxError::Forged));

    match primordyx::judge(plaintext) {
        Ok(read) => {
            let end = read.lifetime.map_or(NOW, |seconds| read.begun + seconds);
            for now in [NOW, end - 1, end] {
                accepted(&read, &lower, now);
                accepted(&read, &lower.to_uppercase(), now);
            }
        }
        Err(Refused::For(codes)) => {
            for answer in [reader(NOW).read(&lower), reader(NOW).inspect(&lower)] {
                let code = answer.expect_err("the judge refuses it").code();
                assert!(codes.contains(code), "{code}, not {codes:?}");
            }
        }
        Err(Refused::Deep) => drop(reader(NOW).inspect(&lower)),
    }
}

fn accepted(read: &Read, text: &str, now: i64) {
    let end = read.lifetime.map(|seconds| read.begun + seconds);
    let ended = end.is_some_and(|end| end <= now);
    let inspected = reader(now).inspect(text).expect("the judge accepts it");
    is_the_same(read, &inspected);
    assert_eq!(inspected.is_expired(), ended);

    let answer = reader(now).read(text);
    if ended || !read.has_lifetime {
        let at = end.filter(|_| read.has_lifetime).map(UnixTime::from_secs);
        assert_eq!(answer.err(), Some(PrimordyxError::Expired { at }));
        return;
    }
    let mut token = answer.expect("the judge accepts it");
    is_the_same(read, &token);
    assert_ne!(token.uuid(), inspected.uuid());
    assert!(token.needs_reseal() && !token.is_dirty() && token.is_valid());

    let codec = CODEC
        .clone()
        .with_clock(ManualClock::at(UnixTime::from_secs(now)));
    let fresh = codec.reseal(&mut token).expect("it is valid");
    let opened = codec.open(&fresh).expect("sealed just now");
    is_the_same(read, &opened);
    assert_eq!(
        (opened.uuid(), opened.needs_reseal()),
        (token.uuid(), false)
    );
}

fn is_the_same(read: &Read, token: &Token) {
    assert_eq!(Plain::from(token.cargo()), read.cargo);
    assert_eq!(
        token.lifetime().and_then(Lifetime::as_duration),
        read.lifetime
            .map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
    );
    assert_eq!(token.issued_at().map(UnixTime::as_secs), Some(read.begun));
}
