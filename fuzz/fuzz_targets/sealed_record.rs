//! Parses a record's bytes from a database, and the decrypted bytes inside.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealtoken::fuzzing;
use serde_json::Value;

const ENTRY: usize = 16 + 32;
const KEYS: usize = 4096;

fuzz_target!(|data: &[u8]| {
    body(data);
    entry(data);
    metadata(data);
});

/// A body is exactly `01 ‖ nonce[24] ‖ length[4] ‖ ciphertext ‖ tag[16] ‖ payload`.
fn body(data: &[u8]) {
    let whole = || {
        let length = u32::from_be_bytes(data.get(25..29)?.try_into().ok()?) as usize;
        let ends = 29_usize.checked_add(length)?;
        let tag = data.get(ends..ends.checked_add(16)?)?;
        (data[0] == 1).then(|| (ends, tag))
    };
    match (fuzzing::split_record(data), whole()) {
        (Some((nonce, ciphertext, tag, payload)), Some((ends, expected))) => {
            assert_eq!(nonce[..], data[1..25]);
            assert_eq!(ciphertext, data[29..ends]);
            assert_eq!(tag, expected);
            assert_eq!(payload, data[ends + 16..]);
        }
        (None, None) => {}
        (split, judged) => panic!("{split:?} but {judged:?}"),
    }
}

/// An entry is `01` followed by 1 to 4,096 pairs of id and key.
fn entry(data: &[u8]) {
    let fits = data.first() == Some(&1)
        && data.len() > 1
        && (data.len() - 1) % ENTRY == 0
        && (data.len() - 1) / ENTRY <= KEYS;
    let ids = fuzzing::parse_password_entry(data);
    assert_eq!(ids.is_some(), fits);
    for (id, each) in ids
        .iter()
        .flatten()
        .zip(data[1.min(data.len())..].chunks(ENTRY))
    {
        assert_eq!(id[..], each[..16]);
    }
}

/// Metadata is an object of known members and survives a round trip.
fn metadata(data: &[u8]) {
    let Some((length, rest)) = data.split_first() else {
        return;
    };
    let (data_key, json) = rest.split_at(usize::from(*length).min(rest.len()));
    let written = fuzzing::open_value_record(json, data_key, data_key);
    if data_key.len() != 16 {
        assert_eq!(written, None);
    }
    let Some(written) = written else { return };
    let (given, again): (Value, Value) = (
        serde_json::from_slice(json).expect("accepted metadata is JSON"),
        serde_json::from_slice(&written).expect("written metadata is JSON"),
    );
    // serde also reads an array with the members in order.
    let Value::Object(given) = given else { return };
    for (name, value) in given {
        assert!(again[&name] == value || value.is_null(), "{name}");
    }
    let third = fuzzing::open_value_record(&written, data_key, data_key);
    assert_eq!(third.as_deref(), Some(&written[..]));
}
