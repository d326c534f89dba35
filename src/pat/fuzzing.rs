//! Personal access tokens for `crate::fuzzing`.

use crate::crypto::secret::Secret;
use crate::sealed::{Draft, Keyset};
use crate::store::RecordKey;

use super::row::{self, Opened};
use super::text::{PatToken, Prefixes};
use super::{PatId, Prefix, Reason, names};

/// The prefixes of the fuzzer: one is the beginning of another, and one does not end with `_`.
fn prefixes() -> Prefixes {
    Prefixes {
        own: Prefix::default(),
        others: vec!["pat_live_".into(), "tok-".into()],
    }
}

/// Parses a text: the id, and the secret of a token of access-tokens.
pub(crate) fn parse(text: &str) -> Result<(PatId, Option<Vec<u8>>), Reason> {
    let prefixes = prefixes();
    let presented = prefixes.parse(text)?;
    let secret = presented.foreign_secret.map(|secret| secret.to_vec());
    Ok((presented.id, secret))
}

/// A token of this id with a random secret.
pub(crate) fn draw(id: PatId) -> Option<String> {
    let token = PatToken::draw(&Prefix::default(), id).ok()?;
    Some(token.expose().into())
}

/// Opens a token's record around these bytes, and writes it again.
pub(crate) fn reseal(root: &Secret<32>, plaintext: &[u8], keep_expired: i64) -> Option<Vec<u8>> {
    let keyset = Keyset::new(b"pat".to_vec(), root.clone());
    let key = RecordKey::new(names::TOKENS, [1; 32]);
    let draft = Draft {
        key: key.clone(),
        purge_at: None,
        labels: Vec::new(),
        plaintext,
        payload: &[],
    };
    let record = keyset.seal(draft).ok()?;
    let row = Opened::open(&keyset, &record).and_then(Opened::read).ok()?;
    let again = row::seal(&keyset, key, &row.meta, keep_expired).ok()?;
    let plaintext = keyset.open(&again).ok()?.plaintext.to_vec();
    drop(row.into_record(true));
    Some(plaintext)
}
