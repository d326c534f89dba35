//! Records: bytes under a key, with a version, and with labels to find them by.

use std::fmt;

use sealtoken_time::UnixTime;

use super::error::StoreError;
use super::name::{Collection, LabelName};

/// The key of a record: a collection, and an id of 1 to 1,024 bytes.
///
/// Engines keep both parts as the primary key, so there will be no third.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The collection.
    pub collection: Collection,
    /// The id, any bytes.
    pub id: Vec<u8>,
}

impl RecordKey {
    /// The maximum length of an id, in bytes.
    pub const MAX_ID: usize = 1024;

    /// A key.
    #[must_use]
    pub fn new(collection: Collection, id: impl Into<Vec<u8>>) -> Self {
        Self {
            collection,
            id: id.into(),
        }
    }
}

impl fmt::Debug for RecordKey {
    /// The collection, and the first 16 bytes of the id in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.collection)?;
        for byte in self.id.iter().take(16) {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Identifies one write: 16 random bytes, drawn for each.
///
/// No version occurs twice. So a record that was changed and changed back counts as changed, and
/// after a lost reply the version that is read shows whose write won.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version([u8; 16]);

impl Version {
    /// Draws a version from the operating system.
    ///
    /// # Errors
    ///
    /// [`StoreError::Randomness`] if the operating system cannot provide random bytes.
    pub fn draw() -> Result<Self, StoreError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| StoreError::Randomness)?;
        Ok(Self(bytes))
    }

    /// A version from its bytes, as an engine read them.
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

/// A name and a value of 1 to 512 bytes, to find a record by.
///
/// Engines index both parts, so there will be no third.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The name, in plain text.
    pub name: LabelName,
    /// The value, any bytes. Scans order by it, byte by byte.
    pub value: Vec<u8>,
}

impl Label {
    /// The maximum length of a value, in bytes.
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

/// A record, as it is written and read.
///
/// An engine keeps every field, so a new field is a breaking change on purpose.
///
/// ```
/// use sealtoken_store::{Collection, LabelName, Record, RecordKey, Version};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (notes, author) = (Collection::new("note")?, LabelName::new("author")?);
/// let record = Record::new(RecordKey::new(notes, "first"), Version::draw()?, "text")
///     .with_label(author.clone(), "ada");
/// assert_eq!(record.label(&author), Some(&b"ada"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: RecordKey,
    /// The version: which write made it.
    pub version: Version,
    /// The content, opaque to engines.
    pub body: Vec<u8>,
    /// When [`Store::purge`](super::Store::purge), or the engine itself, may remove it. This only
    /// cleans up: the caller decides whether a record has expired.
    pub purge_at: Option<UnixTime>,
    /// The labels to find it by: at most 16, in any order, none twice.
    pub labels: Vec<Label>,
}

impl Record {
    /// The maximum number of labels.
    pub const MAX_LABELS: usize = 16;

    /// A record without labels and without `purge_at`.
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

    /// Adds a label.
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

    /// Sets when the record may be removed.
    #[must_use]
    pub fn with_purge_at(mut self, at: UnixTime) -> Self {
        self.purge_at = Some(at);
        self
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
