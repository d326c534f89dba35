//! Seals and opens the body of a record:
//! `01 ‖ nonce[24] ‖ length[4] ‖ ciphertext ‖ tag[16] ‖ payload`.
//!
//! The payload is already ciphertext, under another key. Here it is only authenticated, as part of
//! the associated data, so the plaintext can be replaced without the payload's key.

use std::ops::Deref;

use crate::crypto::clock::UnixTime;
use crate::crypto::random;
use crate::crypto::secret;
use crate::crypto::xaes::{Backend, TAG, XNonce, Xaes};
use crate::store::{Label, Record, RecordKey, Version};

use super::error::ServiceError;

/// The only format so far.
const FORMAT: u8 = 1;
const NONCE: usize = size_of::<XNonce>();
const LENGTH: usize = 4;

/// The maximum number of bytes that [`seal`] adds to plaintext and payload.
pub(crate) const OVERHEAD: usize = 1 + NONCE + LENGTH + TAG;

/// A record before it is sealed.
pub(crate) struct Draft<'a> {
    pub(crate) key: RecordKey,
    pub(crate) purge_at: Option<UnixTime>,
    pub(crate) labels: Vec<Label>,
    /// Encrypted and authenticated.
    pub(crate) plaintext: &'a [u8],
    /// Already ciphertext: authenticated only.
    pub(crate) payload: &'a [u8],
}

/// The content of an opened record.
pub(crate) struct Opened<'r> {
    pub(crate) plaintext: Plaintext,
    pub(crate) payload: &'r [u8],
}

/// The plaintext of a record, in one allocation that does not grow. It is wiped when dropped, as
/// fast as a `memset`.
pub(crate) struct Plaintext(Box<[u8]>);

impl Drop for Plaintext {
    fn drop(&mut self) {
        secret::wipe(&mut self.0);
    }
}

impl Deref for Plaintext {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Seals a draft under a fresh version and a fresh nonce.
pub(crate) fn seal(cipher: &Xaes, scope: &[u8], draft: Draft<'_>) -> Result<Record, ServiceError> {
    let Draft {
        key,
        purge_at,
        mut labels,
        plaintext,
        payload,
    } = draft;
    labels.sort_unstable();
    let mut record = Record {
        key,
        version: Version::draw()?,
        body: Vec::new(),
        purge_at,
        labels,
    };
    let mut nonce = XNonce::default();
    // Straight from the system: negligible beside a write to disk, and a forked process cannot
    // repeat it.
    random::system(nonce.as_flattened_mut())?;

    let room = plaintext.len().saturating_add(payload.len());
    let mut body = Vec::with_capacity(room.saturating_add(OVERHEAD));
    body.push(FORMAT);
    body.extend_from_slice(nonce.as_flattened());
    let length = u32::try_from(plaintext.len()).map_err(|_| ServiceError::Tampered)?;
    body.extend_from_slice(&length.to_be_bytes());
    let begin = body.len();
    body.extend_from_slice(plaintext);
    let associated = associated(scope, &record, payload);
    let message = body.get_mut(begin..).unwrap_or_default();
    // The cipher refuses only messages over 64 GiB, and the length has been checked to fit four
    // bytes.
    let tag = cipher
        .seal(Backend::default(), &nonce, &associated, message)
        .map_err(|_| ServiceError::Tampered)?;
    body.extend_from_slice(&tag);
    body.extend_from_slice(payload);
    record.body = body;
    Ok(record)
}

/// Opens a record that was sealed under this cipher and scope and has not changed since.
pub(crate) fn open<'r>(
    cipher: &Xaes,
    scope: &[u8],
    record: &'r Record,
) -> Result<Opened<'r>, ServiceError> {
    #[cfg(test)]
    crate::crypto::work::count(crate::crypto::work::Work::Open);
    let parts = split(&record.body).ok_or(ServiceError::Tampered)?;
    let associated = associated(scope, record, parts.payload);
    let mut plaintext = Plaintext(parts.ciphertext.into());
    cipher
        .open(
            Backend::default(),
            &parts.nonce,
            &associated,
            &mut plaintext.0,
            &parts.tag,
        )
        .map_err(|_| ServiceError::Tampered)?;
    Ok(Opened {
        plaintext,
        payload: parts.payload,
    })
}

/// The parts of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'b> {
    pub(crate) nonce: XNonce,
    pub(crate) ciphertext: &'b [u8],
    pub(crate) tag: [u8; TAG],
    pub(crate) payload: &'b [u8],
}

/// Splits a body into its parts; `None` if it is malformed.
pub(crate) fn split(body: &[u8]) -> Option<Parts<'_>> {
    let (&format, rest) = body.split_first()?;
    let (derives, rest) = rest.split_first_chunk()?;
    let (nonce, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk::<LENGTH>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (ciphertext, rest) = rest.split_at_checked(length)?;
    let (tag, payload) = rest.split_first_chunk()?;
    (format == FORMAT).then_some(Parts {
        nonce: [*derives, *nonce],
        ciphertext,
        tag: *tag,
        payload,
    })
}

/// Everything around the plaintext, each part prefixed with its length. Labels are sorted, since
/// engines return them in any order.
fn associated(scope: &[u8], record: &Record, payload: &[u8]) -> Vec<u8> {
    // Labels are written sorted, and most engines keep that order.
    let mut sorted = Vec::new();
    let labels = if record.labels.is_sorted() {
        record.labels.as_slice()
    } else {
        sorted.clone_from(&record.labels);
        sorted.sort_unstable();
        sorted.as_slice()
    };
    let purge_at = record.purge_at.map(|at| at.as_secs().to_be_bytes());
    let count = (labels.len() as u64).to_be_bytes();
    let head: [&[u8]; 7] = [
        b"sealtoken record v1",
        record.key.collection.as_str().as_bytes(),
        scope,
        &record.key.id,
        record.version.as_bytes(),
        purge_at.as_ref().map_or(&[], |at| at.as_slice()),
        &count,
    ];
    let named = |label: &Label| label.name.as_str().len().saturating_add(label.value.len());
    let bytes = head.iter().map(|part| part.len());
    let bytes = bytes.chain(labels.iter().map(named)).chain([payload.len()]);
    let bytes: usize = bytes.sum();
    let lengths = labels.len().saturating_add(head.len()).saturating_mul(16);
    // A single allocation: this runs for every record that is read.
    let mut joined = Vec::with_capacity(bytes.saturating_add(lengths));
    for part in head {
        append(&mut joined, part);
    }
    for label in labels {
        append(&mut joined, label.name.as_str().as_bytes());
        append(&mut joined, &label.value);
    }
    append(&mut joined, payload);
    joined
}

/// Joins parts, each prefixed with its length in eight bytes.
pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len().saturating_add(8)).sum();
    let mut joined = Vec::with_capacity(length);
    for part in parts {
        append(&mut joined, part);
    }
    joined
}

fn append(joined: &mut Vec<u8>, part: &[u8]) {
    joined.extend_from_slice(&(part.len() as u64).to_be_bytes());
    joined.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Secret;
    use crate::store::{Collection, LabelName};

    fn cipher() -> Xaes {
        Xaes::new(&Secret::from([3; 32]))
    }

    fn sealed() -> Record {
        let draft = Draft {
            key: RecordKey::new(Collection::from_static("vault"), "id"),
            purge_at: Some(UnixTime::from_secs(5)),
            labels: vec![
                Label::new(LabelName::from_static("b"), "2"),
                Label::new(LabelName::from_static("a"), "1"),
            ],
            plaintext: b"plain",
            payload: b"payload",
        };
        seal(&cipher(), b"scope", draft).unwrap()
    }

    #[test]
    fn a_record_opens_whatever_the_order_of_its_labels() {
        let mut record = sealed();
        record.labels.reverse();
        let opened = open(&cipher(), b"scope", &record).unwrap();
        assert_eq!(*opened.plaintext, *b"plain");
        assert_eq!(opened.payload, b"payload");
    }

    #[test]
    fn everything_around_the_plaintext_is_bound() {
        let changes: [fn(&mut Record); 13] = [
            |record| record.key.id.push(0),
            |record| record.key.collection = Collection::from_static("pat"),
            |record| record.version = Version::from_bytes([0; 16]),
            |record| record.purge_at = None,
            |record| record.purge_at = Some(UnixTime::from_secs(6)),
            |record| record.labels.truncate(1),
            |record| record.labels[0].value.push(0),
            |record| record.labels[0].name = LabelName::from_static("c"),
            // Another name that sorts at the same position.
            |record| record.labels[0].name = LabelName::from_static("aa"),
            |record| {
                let label = Label::new(LabelName::from_static("c"), "3");
                record.labels.push(label);
            },
            |record| record.body.push(0),
            |record| record.body.truncate(record.body.len() - 1),
            |record| record.body[0] = 2,
        ];
        for (at, change) in changes.iter().enumerate() {
            let mut record = sealed();
            change(&mut record);
            assert!(open(&cipher(), b"scope", &record).is_err(), "change {at}");
        }
        assert!(open(&cipher(), b"other", &sealed()).is_err());
        assert!(open(&Xaes::new(&Secret::from([4; 32])), b"scope", &sealed()).is_err());
    }

    #[test]
    fn a_body_with_a_flipped_bit_or_a_missing_end_does_not_open() {
        let record = sealed();
        for bit in 0..record.body.len() * 8 {
            let mut changed = record.clone();
            changed.body[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&cipher(), b"scope", &changed).is_err(), "bit {bit}");
        }
        for length in 0..record.body.len() {
            let mut changed = record.clone();
            changed.body.truncate(length);
            assert!(
                open(&cipher(), b"scope", &changed).is_err(),
                "length {length}"
            );
        }
    }
}
