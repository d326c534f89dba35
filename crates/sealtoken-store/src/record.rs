//! What is kept: bytes under a key, with a version and with labels by which they are found.

use std::fmt;

use sealtoken_time::UnixTime;

use super::error::{RecordError, StoreError};
use super::name::{Collection, LabelName};

/// Where a record is: in a collection, under an id of 1 to 1,024 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// What kind of record it is.
    pub collection: Collection,
    /// The id, any bytes.
    pub id: Vec<u8>,
}

impl RecordKey {
    /// The most bytes of an id.
    pub const MAX_ID: usize = 1024;

    /// The key of a record.
    #[must_use]
    pub fn new(collection: Collection, id: impl Into<Vec<u8>>) -> Self {
        Self {
            collection,
            id: id.into(),
        }
    }

    /// Whether an engine can hold it.
    ///
    /// # Errors
    ///
    /// [`RecordError::Id`] unless the id has 1 to 1,024 bytes.
    pub fn check(&self) -> Result<(), RecordError> {
        if (1..=Self::MAX_ID).contains(&self.id.len()) {
            Ok(())
        } else {
            Err(RecordError::Id)
        }
    }
}

impl fmt::Debug for RecordKey {
    /// The id in hexadecimal, at most its first 16 bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.collection)?;
        for byte in self.id.iter().take(16) {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Which write it was: 16 random bytes, drawn for each.
///
/// No value returns, so a record that was changed and changed back is seen as changed; and after a lost reply the
/// version that is there tells whose write won.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version([u8; 16]);

impl Version {
    /// Draws a version from the operating system.
    ///
    /// # Errors
    ///
    /// [`StoreError::Randomness`] when the operating system gives no random bytes.
    pub fn draw() -> Result<Self, StoreError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| StoreError::Randomness)?;
        Ok(Self(bytes))
    }

    /// The version with these bytes, as an engine read them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, for an engine to write.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({:032x})", u128::from_be_bytes(self.0))
    }
}

/// A name and a value of 1 to 512 bytes, by which a record is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The name, in clear.
    pub name: LabelName,
    /// The value, any bytes. Scans order by it, byte by byte.
    pub value: Vec<u8>,
}

impl Label {
    /// The most bytes of a value.
    pub const MAX_VALUE: usize = 512;

    /// A label.
    #[must_use]
    pub fn new(name: LabelName, value: impl Into<Vec<u8>>) -> Self {
        Self {
            name,
            value: value.into(),
        }
    }
}

/// A record as it is written and read.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it is.
    pub key: RecordKey,
    /// Which write made it.
    pub version: Version,
    /// The content, opaque to engines.
    pub body: Vec<u8>,
    /// From when on it may be removed by [`Store::purge`](super::Store::purge), or by the engine itself. It cleans up and decides nothing.
    pub purge_at: Option<UnixTime>,
    /// By what it is found; at most 16, in any order, and none twice.
    pub labels: Vec<Label>,
}

impl Record {
    /// The most labels.
    pub const MAX_LABELS: usize = 16;

    /// A record without labels.
    #[must_use]
    pub fn new(key: RecordKey, version: Version, body: impl Into<Vec<u8>>) -> Self {
        Self {
            key,
            version,
            body: body.into(),
            purge_at: None,
            labels: Vec::new(),
        }
    }

    /// The record with one more label.
    #[must_use]
    pub fn with_label(mut self, name: LabelName, value: impl Into<Vec<u8>>) -> Self {
        self.labels.push(Label::new(name, value));
        self
    }

    /// The value of the first label with this name.
    #[must_use]
    pub fn label(&self, name: &LabelName) -> Option<&[u8]> {
        let label = self.labels.iter().find(|label| label.name == *name)?;
        Some(&label.value)
    }

    /// The record, to be removed after this moment.
    #[must_use]
    pub fn with_purge_at(mut self, at: UnixTime) -> Self {
        self.purge_at = Some(at);
        self
    }

    /// What stands for a record whose row was broken: nothing opens it.
    #[must_use]
    pub fn unreadable(key: RecordKey) -> Self {
        Self::new(key, Version::from_bytes([0; 16]), [])
    }

    /// Whether an engine can hold it, but for the length of its body.
    ///
    /// # Errors
    ///
    /// [`RecordError`] with what is wrong.
    pub fn check(&self) -> Result<(), RecordError> {
        self.key.check()?;
        if self.labels.len() > Self::MAX_LABELS {
            return Err(RecordError::TooManyLabels);
        }
        for (at, label) in self.labels.iter().enumerate() {
            if !(1..=Label::MAX_VALUE).contains(&label.value.len()) {
                return Err(RecordError::LabelValue);
            }
            if self.labels.iter().take(at).any(|other| other == label) {
                return Err(RecordError::DuplicateLabel);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("key", &self.key)
            .field("version", &self.version)
            .field("bytes", &self.body.len())
            .field("purge_at", &self.purge_at)
            .field("labels", &self.labels.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_first_with_its_name() {
        let [a, b, c] = ["a", "b", "c"].map(|name| LabelName::new(name).unwrap());
        let key = RecordKey::new(Collection::from_static("note"), "id");
        let record = Record::new(key, Version::from_bytes([1; 16]), "body")
            .with_label(a, "1")
            .with_label(b.clone(), "2")
            .with_label(b.clone(), "3");
        assert_eq!(record.label(&b), Some(&b"2"[..]));
        assert_eq!(record.label(&c), None);
    }
}
