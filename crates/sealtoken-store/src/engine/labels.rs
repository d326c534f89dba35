//! The labels of a record as bytes in its row.
//!
//! How many there are (one byte); for each, where its name begins (two bytes), and how long its name (one byte) and its
//! value (two bytes) are; then each name with its value behind it. The offsets stand in the row, though they could be added
//! up, so that SQL finds the n-th label without a loop. A list of labels has exactly one such text.

use crate::error::StoreError;
use crate::name::LabelName;
use crate::record::{Label, Record};

/// The bytes before the first name, and for each label.
const COUNT: usize = 1;
const ENTRY: usize = 5;

/// The most bytes: of 16 of the longest labels.
pub const LONGEST: usize =
    COUNT + Record::MAX_LABELS * (ENTRY + LabelName::LONGEST + Label::MAX_VALUE);

/// The labels, in their order. They were [checked](Record::check): no more than 16, none longer than it may be.
#[must_use]
pub fn encode(labels: &[Label]) -> Vec<u8> {
    let head = COUNT.saturating_add(ENTRY.saturating_mul(labels.len()));
    let mut bytes = Vec::with_capacity(head.saturating_add(labels.iter().map(length).sum()));
    bytes.push(u8::try_from(labels.len()).unwrap_or(u8::MAX));
    let mut begins = head;
    for label in labels {
        let name = label.name.as_str().len();
        bytes.extend(narrow(begins));
        bytes.push(u8::try_from(name).unwrap_or(u8::MAX));
        bytes.extend(narrow(label.value.len()));
        begins = begins.saturating_add(length(label));
    }
    for label in labels {
        bytes.extend(label.name.as_str().as_bytes());
        bytes.extend(&label.value);
    }
    bytes
}

/// The labels in a row.
///
/// # Errors
///
/// [`StoreError::Corrupt`] for anything that [`encode`] does not write.
pub fn decode(bytes: &[u8]) -> Result<Vec<Label>, StoreError> {
    labels(bytes).ok_or(StoreError::Corrupt)
}

fn labels(bytes: &[u8]) -> Option<Vec<Label>> {
    let (&count, rest) = bytes.split_first()?;
    let count = usize::from(count);
    if count > Record::MAX_LABELS {
        return None;
    }
    let (entries, mut rest) = rest.split_at_checked(count.checked_mul(ENTRY)?)?;
    let mut labels = Vec::with_capacity(count);
    for entry in entries.chunks_exact(ENTRY) {
        let &[b0, b1, name, v0, v1] = entry else {
            return None;
        };
        if usize::from(u16::from_be_bytes([b0, b1])) != bytes.len().checked_sub(rest.len())? {
            return None;
        }
        let (name, behind) = rest.split_at_checked(usize::from(name))?;
        let (value, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes([v0, v1])))?;
        if !(1..=Label::MAX_VALUE).contains(&value.len()) {
            return None;
        }
        let name = LabelName::new(str::from_utf8(name).ok()?.to_owned()).ok()?;
        labels.push(Label::new(name, value));
        rest = behind;
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
        let name = "n".repeat(LabelName::LONGEST);
        let long = |n| {
            Label::new(
                LabelName::new(name.clone()).unwrap(),
                vec![n; Label::MAX_VALUE],
            )
        };
        let most: Vec<Label> = (0_u8..16).map(long).collect();
        assert_eq!(encode(&most).len(), LONGEST);
        for labels in [
            vec![],
            vec![label("b", [0]), label("a", "x"), label("b", [0, 0])],
            most,
        ] {
            assert_eq!(decode(&encode(&labels)), Ok(labels));
        }
    }

    #[test]
    fn the_bytes_are_what_they_were() {
        let labels = [label("ab", [7]), label("c", [8, 9])];
        let bytes = b"\x02\x00\x0b\x02\x00\x01\x00\x0e\x01\x00\x02ab\x07c\x08\x09";
        assert_eq!(encode(&labels), bytes);
        assert_eq!(encode(&[]), [0]);
    }

    #[test]
    fn every_other_text_is_corrupt() {
        let whole = encode(&[label("ab", [7]), label("c", [8, 9])]);
        for at in 0..whole.len() {
            assert_eq!(
                decode(&whole[..at]),
                Err(StoreError::Corrupt),
                "cut at {at}"
            );
            // A change of a name or of a value is another list; one of anything else is no list.
            for other in 0..=u8::MAX {
                let mut changed = whole.clone();
                changed[at] = other;
                if let Ok(labels) = decode(&changed) {
                    assert_eq!(encode(&labels), changed);
                }
            }
        }
        assert_eq!(
            decode(&[&whole[..], &[0]].concat()),
            Err(StoreError::Corrupt)
        );
        for value in [vec![], vec![0; Label::MAX_VALUE + 1]] {
            let odd = encode(&[label("a", value)]);
            assert_eq!(decode(&odd), Err(StoreError::Corrupt));
        }
        let many = vec![label("a", "b"); 17];
        assert_eq!(decode(&encode(&many)), Err(StoreError::Corrupt));
    }
}
