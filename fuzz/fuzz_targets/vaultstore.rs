//! Imports any text as a stored value, and any value in both formats.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealtoken_fuzz::vaultstore::{self, PASSWORD};
use sealtoken_import::{Vaultstore, VaultstoreError, fuzzing};

/// Stands for Argon2id's output, because Argon2id would take all the fuzzer's time.
const KEY: [u8; 32] = *b"what Argon2id is said to give   ";

static FIRST: LazyLock<Vaultstore> = LazyLock::new(|| Vaultstore::v1(PASSWORD.to_owned()));

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        first(text);
        nobody_sealed(text);
        nobody_sealed(&format!("v2:{text}"));
    }
    nobody_sealed(&vaultstore::second(data));
    sealed(data);

    // The layers of the first format, outermost first.
    first(&vaultstore::encode(data));
    first(&vaultstore::around(&vaultstore::filled(data, true)));
    let block = vaultstore::filled(data, false);
    first(&vaultstore::around(vaultstore::encode(&block).as_bytes()));
    stored_as_first(data);
});

/// The first format's reader agrees with the judge.
fn first(text: &str) {
    let read = FIRST.read(text).map(|value| value.to_vec());
    assert_eq!(read.map_err(|error| error.code()), vaultstore::judge(text));
    if text.starts_with("v2:") {
        assert_eq!(FIRST.read(text).err(), Some(VaultstoreError::Malformed));
    }
}

/// A value survives a round trip through the first format.
fn stored_as_first(value: &[u8]) {
    let text = vaultstore::encode(value);
    let begin = format!("{}_{text}", text.len());
    let block = vaultstore::filled(begin.as_bytes(), false);
    let stored = vaultstore::around(vaultstore::encode(&block).as_bytes());
    assert_eq!(FIRST.read(&stored).expect("genuine").as_slice(), value);
    assert_eq!(vaultstore::judge(&stored).as_deref(), Ok(value));
    if !vaultstore::is_second(&stored) {
        let other = fuzzing::read_vaultstore(&stored, KEY);
        assert_eq!(other.err(), Some(VaultstoreError::Malformed));
    }
}

/// A text of the second format that is not genuine is refused.
fn nobody_sealed(text: &str) {
    let code = if vaultstore::is_second(text) {
        VaultstoreError::Forged
    } else {
        VaultstoreError::Malformed
    };
    assert_eq!(fuzzing::read_vaultstore(text, KEY).err(), Some(code));
}

/// A value survives a round trip through the second format, but any change is refused.
fn sealed(value: &[u8]) {
    let good = vaultstore::seal(KEY, value);
    let text = vaultstore::second(&good);
    let read = fuzzing::read_vaultstore(&text, KEY).expect("genuine");
    assert_eq!(read.as_slice(), value);
    let other = fuzzing::read_vaultstore(&text, [0; 32]);
    assert_eq!(other.err(), Some(VaultstoreError::Forged));

    // The value decides where to change a byte: after the salt, which only Argon2id uses.
    let sum = value.iter().fold(0, |sum: usize, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    let place = 16 + sum % (good.len() - 16);
    let mut changed = good.clone();
    changed[place] ^= 1 << (sum % 8);
    nobody_sealed(&vaultstore::second(&changed));
    nobody_sealed(&vaultstore::second(&good[..place]));
    if let Some(shorter) = text.strip_suffix('=') {
        nobody_sealed(shorter);
    }
}
