//! Entry points for `crate::fuzzing`.

use crate::crypto::secret::Secret;
use crate::sealed::{Draft, Keyset};
use crate::store::{Label, RecordKey};

use super::namespace::NamespaceKeys;
use super::row::Row;
use super::{entry, names};

pub(crate) fn entry_ids(plaintext: &[u8]) -> Option<Vec<[u8; 16]>> {
    entry::parse(plaintext).map(|keys| keys.ids().collect())
}

pub(crate) fn open_row(
    root: &Secret<32>,
    plaintext: &[u8],
    data_key: &[u8],
    payload: &[u8],
) -> Option<Vec<u8>> {
    let namespace = NamespaceKeys::new(Keyset::new(vec![7; 32], root.clone()));
    let draft = Draft {
        key: RecordKey::new(names::VALUES, [1; 32]),
        purge_at: None,
        labels: vec![Label::new(names::DATA_KEY, data_key)],
        plaintext,
        payload,
    };
    let record = namespace.keyset.seal(draft).ok()?;
    let row = Row::open(&namespace, record).ok()?;
    serde_json::to_vec(&row.meta).ok()
}
