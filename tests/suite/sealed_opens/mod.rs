//! What is sealed opens unchanged. A value that would not is refused, with the reason.

mod expiries_read;
mod expiries_written;
mod json;
mod tokens;
mod types;
mod unseen;

use std::collections::BTreeMap;

use sealtoken::{Codec, Key, KeyRing, Lifetime, SealError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn codec() -> Codec {
    let keys = KeyRing::new(Key::from_bytes([11; 32]));
    keys.codec("sealed opens").unwrap()
}

/// Seals and opens a value, which must come back unchanged.
fn round<T: Serialize + DeserializeOwned + PartialEq + 'static>(
    value: &T,
) -> Result<(), SealError> {
    let text = codec().seal_value(value, Lifetime::hours(1))?;
    let opened = codec()
        .open_value::<T>(&text)
        .expect("what is sealed opens");
    assert!(opened.value() == value, "and is what it was");
    Ok(())
}

#[derive(Serialize, Deserialize, PartialEq, Clone, Debug)]
struct Flat<M> {
    a: u8,
    #[serde(flatten)]
    rest: M,
}

fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    entries.into_iter().collect()
}

/// Why the value is not sealed.
fn refusal<T: Serialize>(value: &T) -> Option<SealError> {
    codec().seal_value(value, Lifetime::hours(1)).err()
}
