//! What a scan selects, and how it goes on.

use super::name::{Collection, LabelName};
use super::record::Record;

/// Which records, how many at once, and from where on.
///
/// ```
/// use sealtoken_store::{Collection, LabelName, Query, Values};
///
/// # fn main() -> Result<(), sealtoken_store::RecordError> {
/// let (notes, author) = (Collection::new("note")?, LabelName::new("author")?);
/// let hers = Query::label(notes, author, Values::exactly("ada")).limit(50);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The kind of record.
    pub collection: Collection,
    /// Which of them.
    pub selection: Selection,
    /// The most records of a page; zero is taken for one.
    pub limit: u32,
    /// Where the last page ended.
    pub after: Option<Cursor>,
}

/// Which records of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those with a label in a range of values.
    Label {
        /// The label's name.
        name: LabelName,
        /// The range.
        values: Values,
    },
}

/// A range of label values, in the order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// The first value that belongs to it.
    pub from: Vec<u8>,
    /// The first value that does not belong to it any more.
    pub until: Option<Vec<u8>>,
}

impl Values {
    /// One value.
    #[must_use]
    pub fn exactly(value: impl Into<Vec<u8>>) -> Self {
        let from = value.into();
        let mut until = from.clone();
        until.push(0);
        Self {
            from,
            until: Some(until),
        }
    }

    /// All values that begin with `prefix`.
    #[must_use]
    pub fn beginning_with(prefix: impl Into<Vec<u8>>) -> Self {
        let from = prefix.into();
        let until = behind_all(&from);
        Self { from, until }
    }

    /// From one value, inclusive, to another, exclusive.
    #[must_use]
    pub fn between(from: impl Into<Vec<u8>>, until: impl Into<Vec<u8>>) -> Self {
        Self {
            from: from.into(),
            until: Some(until.into()),
        }
    }

    /// Whether a value belongs to it.
    #[must_use]
    pub fn contains(&self, value: &[u8]) -> bool {
        value >= self.from.as_slice()
            && self
                .until
                .as_ref()
                .is_none_or(|until| value < until.as_slice())
    }

    /// Whether no value can belong to it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.until.as_ref().is_some_and(|until| *until <= self.from)
    }
}

/// The first bytes behind all that begin with these, if there are any.
pub(crate) fn behind_all(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut behind = prefix.to_vec();
    // The next prefix of the same length, or a shorter one where it ends in 0xff.
    while let Some(last) = behind.pop() {
        if let Some(next) = last.checked_add(1) {
            behind.push(next);
            return Some(behind);
        }
    }
    None
}

impl Query {
    /// The most bytes of a page: an engine ends it with the record that passes them.
    pub const PAGE_BYTES: usize = 4 * 1024 * 1024;

    /// A whole collection, 100 records a page.
    #[must_use]
    pub fn all(collection: Collection) -> Self {
        Self {
            collection,
            selection: Selection::All,
            limit: 100,
            after: None,
        }
    }

    /// Those with a label in a range of values, 100 records a page.
    #[must_use]
    pub fn label(collection: Collection, name: LabelName, values: Values) -> Self {
        Self {
            selection: Selection::Label { name, values },
            ..Self::all(collection)
        }
    }

    /// The query with another number of records a page.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// The query, from where a page ended.
    #[must_use]
    pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.after = cursor.into();
        self
    }
}

/// Some of what a query selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// Where a page ended: opaque, and good on the same store for the same collection and selection only. The limit may be another, and the end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// The cursor with these bytes: from another process, or made by an engine.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, to be kept until the next page is asked for.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_where_they_say() {
        assert!(Values::exactly("a").contains(b"a"));
        assert!(!Values::exactly("a").contains(b"a\0") && !Values::exactly("a").contains(b"b"));
        let prefix = Values::beginning_with([1, 0xff]);
        assert_eq!(prefix.until, Some(vec![2]));
        assert!(prefix.contains(&[1, 0xff]) && prefix.contains(&[1, 0xff, 0xff]));
        assert!(!prefix.contains(&[2]));
        assert_eq!(Values::beginning_with([0xff, 0xff]).until, None);
        assert_eq!(Values::beginning_with("abc").until, Some(b"abd".to_vec()));
        assert!(Values::between("b", "a").is_empty() && Values::between("b", "b").is_empty());
        assert!(!Values::exactly("").is_empty());
    }
}
