//! What a scan selects, and where it continues.

use super::name::{Collection, LabelName};
use super::record::{Label, Record};

/// Which records to read, how many at once, and where to continue.
///
/// A new field is a breaking change on purpose: an engine that ignored it would return the wrong
/// records.
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
    /// The collection.
    pub collection: Collection,
    /// Which of its records.
    pub selection: Selection,
    /// The maximum number of records in a page; 0 counts as 1.
    pub limit: u32,
    /// The cursor of the page before.
    pub after: Option<Cursor>,
}

/// Which records of a collection.
///
/// Every engine serves every kind of selection, so a new one is a breaking change on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Records with a label in a range of values.
    Label {
        /// The label's name.
        name: LabelName,
        /// The range.
        values: Values,
    },
}

/// A range of label values, in the order of their bytes.
///
/// It has these two bounds and no other, so callers and engines may build and match it.
///
/// ```
/// use sealtoken_store::Values;
///
/// let ada = Values::exactly("ada"); // and not "adam"
/// let a = Values::beginning_with("a");
/// assert_eq!(a, Values::between("a", "b"));
/// assert!(a.from < ada.from && ada.until < a.until);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// The lower bound, inclusive.
    pub from: Vec<u8>,
    /// The upper bound, exclusive.
    pub until: Vec<u8>,
}

impl Values {
    /// A single value.
    #[must_use]
    pub fn exactly(value: impl Into<Vec<u8>>) -> Self {
        let from = value.into();
        let mut until = from.clone();
        until.push(0);
        Self { from, until }
    }

    /// All values that begin with `prefix`.
    #[must_use]
    pub fn beginning_with(prefix: impl Into<Vec<u8>>) -> Self {
        let from = prefix.into();
        // Longer than any value, so greater than all that begin with 0xff.
        let until = successor(&from).unwrap_or_else(|| [0xff; Label::MAX_VALUE + 1].to_vec());
        Self { from, until }
    }

    /// From one value, inclusive, to another, exclusive.
    #[must_use]
    pub fn between(from: impl Into<Vec<u8>>, until: impl Into<Vec<u8>>) -> Self {
        Self {
            from: from.into(),
            until: until.into(),
        }
    }

    /// Whether a value is in the range.
    pub(crate) fn contains(&self, value: &[u8]) -> bool {
        (&*self.from..&*self.until).contains(&value)
    }
}

/// The least bytes that are greater than all that begin with `prefix`; `None` if no bytes are.
pub(crate) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    // The next prefix of the same length, or a shorter one if this one ends in 0xff.
    while let Some(last) = next.pop() {
        if let Some(last) = last.checked_add(1) {
            next.push(last);
            return Some(next);
        }
    }
    None
}

impl Query {
    /// The size of a page in bytes: an engine ends it with the record that exceeds it.
    pub const PAGE_BYTES: usize = 4 * 1024 * 1024;

    /// All records of a collection, 100 a page.
    #[must_use]
    pub fn all(collection: Collection) -> Self {
        Self {
            collection,
            selection: Selection::All,
            limit: 100,
            after: None,
        }
    }

    /// The records with a label in a range of values, 100 a page.
    #[must_use]
    pub fn label(collection: Collection, name: LabelName, values: Values) -> Self {
        Self {
            selection: Selection::Label { name, values },
            ..Self::all(collection)
        }
    }

    /// Sets the maximum number of records in a page.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Continues after a page, at its [`next`](Page::next).
    #[must_use]
    pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.after = cursor.into();
        self
    }
}

/// Some of the records that a query selects.
///
/// Engines build it, so a new field is a breaking change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// The cursor for the next page; `None` at the end.
    pub next: Option<Cursor>,
}

/// Where a page ended. It is opaque, and valid for the same collection and selection of the same
/// store only; the limit and the end of the range may change.
///
/// ```
/// use sealtoken_store::{Collection, Cursor, Query, Record, Store, StoreError};
///
/// /// All records of a collection, page by page.
/// async fn all(store: &dyn Store, collection: Collection) -> Result<Vec<Record>, StoreError> {
///     let mut query = Query::all(collection);
///     let mut records = Vec::new();
///     loop {
///         let page = store.scan(&query).await?;
///         records.extend(page.records);
///         match page.next {
///             Some(next) => query = query.after(next),
///             None => return Ok(records),
///         }
///     }
/// }
///
/// /// A cursor that a client sent back.
/// fn restored(bytes: &[u8]) -> Cursor {
///     Cursor::from_bytes(bytes)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// A cursor from its bytes.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, to keep until the next page is read.
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
        assert_eq!(prefix.until, [2]);
        assert!(prefix.contains(&[1, 0xff]) && prefix.contains(&[1, 0xff, 0xff]));
        assert!(!prefix.contains(&[2]));
        assert_eq!(Values::beginning_with("abc").until, b"abd");
        assert_eq!(Values::between("a", "b").until, b"b");
    }

    #[test]
    fn an_open_range_ends_behind_every_value() {
        for prefix in [&[][..], &[0xff, 0xff], &[0xff; Label::MAX_VALUE]] {
            let open = Values::beginning_with(prefix);
            assert!(open.until > vec![0xff; Label::MAX_VALUE]);
            assert!(open.contains(&[0xff; Label::MAX_VALUE]));
        }
    }
}
