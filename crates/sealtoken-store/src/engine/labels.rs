//! The labels of a record as bytes of its row.
//!
//! One byte counts the labels. For each label follow the offset of its name (two bytes), the length
//! of the name (one byte) and of the value (two bytes). Then come the names, each followed by its
//! value. The offsets are redundant, but let SQL find the n-th label without a loop. A list of
//! labels has exactly one encoding.

use crate::error::StoreError;
use crate::name::LabelName;
use crate::record::{Label, Record};

/// The bytes before the first entry, and those of each entry.
const COUNT: usize = 1;
const ENTRY: usize = 5;

/// Encodes labels that were [checked](super::check_batch), in their order.
///
/// 16 of the longest labels take 8,785 bytes.
///
/// ```
/// use sealtoken_store::engine::{decode_labels, encode_labels};
/// use sealtoken_store::{Label, LabelName, StoreError};
///
/// # fn main() -> Result<(), StoreError> {
/// let labels = [Label::new(LabelName::new("author")?, "ada")];
/// let column = encode_labels(&labels);
/// assert_eq!(decode_labels(&column)?, labels);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn encode_labels(labels: &[Label]) -> Vec<u8> {
    let head = COUNT.saturating_add(ENTRY.saturating_mul(labels.len()));
    let mut bytes = Vec::with_capacity(head.saturating_add(labels.iter().map(length).sum()));
    bytes.push(u8::try_from(labels.len()).unwrap_or(u8::MAX));
    let mut offset = head;
    for label in labels {
        let name = label.name.as_str().len();
        bytes.extend(narrow(offset));
        bytes.push(u8::try_from(name).unwrap_or(u8::MAX));
        bytes.extend(narrow(label.value.len()));
        offset = offset.saturating_add(length(label));
    }
    for label in labels {
        bytes.extend(label.name.as_str().as_bytes());
        bytes.extend(&label.value);
    }
    bytes
}

/// Decodes the labels of a row.
///
/// # Errors
///
/// [`StoreError::Corrupt`] for anything that [`encode_labels`] does not write.
pub fn decode_labels(bytes: &[u8]) -> Result<Vec<Label>, StoreError> {
    decode(bytes).ok_or(StoreError::Corrupt)
}

fn decode(bytes: &[u8]) -> Option<Vec<Label>> {
    let (&count, rest) = bytes.split_first()?;
    let count = usize::from(count);
    if count > Record::MAX_LABELS {
        return None;
    }
    let (entries, mut rest) = rest.split_at_checked(count.checked_mul(ENTRY)?)?;
    let mut labels = Vec::with_capacity(count);
    for entry in entries.chunks_exact(ENTRY) {
        let &[o0, o1, name, v0, v1] = entry else {
            return None;
        };
        if usize::from(u16::from_be_bytes([o0, o1])) != bytes.len().checked_sub(rest.len())? {
            return None;
        }
        let (name, tail) = rest.split_at_checked(usize::from(name))?;
        let (value, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes([v0, v1])))?;
        if !(1..=Label::MAX_VALUE).contains(&value.len()) {
            return None;
        }
        let name = LabelName::new(str::from_utf8(name).ok()?.to_owned()).ok()?;
        labels.push(Label::new(name, value));
        rest = tail;
    }
    rest.is_empty().then_some(labels)
}

fn length(label: &Label) -> usize {
    label.name.as_str().len().saturating_add(label.value.len())
}

fn narrow(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &'static str, value: impl Into<Vec<u8>>) -> Label {
        Label::new(LabelName::new(name).unwrap(), value)
    }

    #[test]
    fn labels_come_back_in_their_order() {
        let name = LabelName::new("n".repeat(32)).unwrap();
        let long = |n| Label::new(name.clone(), vec![n; Label::MAX_VALUE]);
        let longest: Vec<Label> = (0_u8..16).map(long).collect();
        assert_eq!(encode_labels(&longest).len(), 8785);
        for labels in [
            vec![],
            vec![label("b", [0]), label("a", "x"), label("b", [0, 0])],
            longest,
        ] {
            assert_eq!(decode_labels(&encode_labels(&labels)), Ok(labels));
        }
    }

    #[test]
    fn the_bytes_are_what_they_were() {
        let labels = [label("ab", [7]), label("c", [8, 9])];
        let bytes = b"\x02\x00\x0b\x02\x00\x01\x00\x0e\x01\x00\x02ab\x07c\x08\x09";
        assert_eq!(encode_labels(&labels), bytes);
        assert_eq!(encode_labels(&[]), [0]);
    }

    #[test]
    fn every_other_text_is_corrupt() {
        let whole = encode_labels(&[label("ab", [7]), label("c", [8, 9])]);
        let corrupt = Err(StoreError::Corrupt);
        for at in 0..whole.len() {
            assert_eq!(decode_labels(&whole[..at]), corrupt, "cut at {at}");
            // A changed name or value gives another list; any other change gives no list.
            for other in 0..=u8::MAX {
                let mut changed = whole.clone();
                changed[at] = other;
                if let Ok(labels) = decode_labels(&changed) {
                    assert_eq!(encode_labels(&labels), changed);
                }
            }
        }
        assert_eq!(decode_labels(&[&whole[..], &[0]].concat()), corrupt);
        for value in [vec![], vec![0; Label::MAX_VALUE + 1]] {
            assert_eq!(decode_labels(&encode_labels(&[label("a", value)])), corrupt);
        }
        let many = vec![label("a", "b"); 17];
        assert_eq!(decode_labels(&encode_labels(&many)), corrupt);
    }
}
