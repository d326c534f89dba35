//! A hash in a sealed record: ours as bytes, so that verifying a token parses nothing; others as
//! the text that came in.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{KeyId, KeyedHash, Kind, SecretHash};

#[derive(Serialize, Deserialize)]
enum Stored<'a> {
    Keyed(KeyId, [u8; 32]),
    Text(Cow<'a, str>),
}

pub(in crate::pat) fn serialize<S: Serializer>(
    hash: &SecretHash,
    to: S,
) -> Result<S::Ok, S::Error> {
    let stored = match &hash.0 {
        Kind::Keyed(KeyedHash { key_id, mac }) => Stored::Keyed(*key_id, *mac),
        Kind::Scrypt(_) | Kind::Unusable(..) => Stored::Text(hash.to_string().into()),
    };
    stored.serialize(to)
}

pub(in crate::pat) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<SecretHash, D::Error> {
    Ok(match Stored::deserialize(from)? {
        Stored::Keyed(key_id, mac) => SecretHash(Kind::Keyed(KeyedHash { key_id, mac })),
        Stored::Text(text) => SecretHash::stored(&text),
    })
}
