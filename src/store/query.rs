//! What a scan selects, and how it goes on.

use super::error::StoreError;
use super::name::{Collection, LabelName};
use super::record::{Label, Record, RecordKey};

/// Which records, how many at once, and from where on.
///
/// ```
/// use sealtoken::store::{Collection, LabelName, Query, Values};
///
/// # fn main() -> Result<(), sealtoken::store::RecordError> {
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
fn behind_all(prefix: &[u8]) -> Option<Vec<u8>> {
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

/// The first bytes behind these, of all that are no longer than `longest`, if there are any.
fn next(bytes: &[u8], longest: usize) -> Option<Vec<u8>> {
    match bytes.get(..longest) {
        // What begins with so many is longer.
        Some(whole) => behind_all(whole),
        None => Some([bytes, &[0]].concat()),
    }
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

    /// Where its page begins, in an engine that keeps labels by their values and ids: at this place or behind it. None where
    /// nothing can be.
    pub(super) fn start(&self) -> Result<Option<Position>, StoreError> {
        match &self.after {
            None => Ok(self.within(Position::new(&[], &[]))),
            Some(cursor) => Ok(self.behind(&Position::from_cursor(cursor)?)),
        }
    }

    /// Where it goes on behind a place, as [`start`](Self::start): at the next one that a store writes.
    ///
    /// Behind an id or a value of the greatest length, or longer, that is where no more begin with it. So what a stranger wrote that is too long is
    /// not read again, however little of it a cursor holds.
    pub(super) fn behind(&self, place: &Position) -> Option<Position> {
        let id = next(&place.id, RecordKey::MAX_ID);
        if self.selection == Selection::All {
            return Some(Position::new(&[], &id?));
        }
        self.within(match id {
            Some(id) if place.value.len() <= Label::MAX_VALUE => Position::new(&place.value, &id),
            _ => Position::new(&next(&place.value, Label::MAX_VALUE)?, &[]),
        })
    }

    /// A cursor of another query does not lead out of the range of this one.
    fn within(&self, place: Position) -> Option<Position> {
        let Selection::Label { values, .. } = &self.selection else {
            return Some(place);
        };
        let place = place.max(Position::new(&values.from, &[]));
        let until = values.until.as_ref();
        until
            .is_none_or(|until| place.value < *until)
            .then_some(place)
    }

    /// The key to which a row leads; none where no store writes such a row.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn key_of_row(&self, value: &[u8], id: &[u8]) -> Option<RecordKey> {
        let fits = match self.selection {
            Selection::All => true,
            Selection::Label { .. } => (1..=Label::MAX_VALUE).contains(&value.len()),
        };
        let fits = fits && (1..=RecordKey::MAX_ID).contains(&id.len());
        fits.then(|| RecordKey::new(self.collection.clone(), id))
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

/// How the engines of this crate write a cursor: the last label value, with its length before it, and the last id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) value: Vec<u8>,
    pub(super) id: Vec<u8>,
}

impl Position {
    pub(super) fn new(value: &[u8], id: &[u8]) -> Self {
        Self {
            value: value.to_vec(),
            id: id.to_vec(),
        }
    }

    /// The place of a row, cut off where a stranger wrote what is too long. No row of a store stands between that and what is
    /// [`behind`](Query::behind) this.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn of_row(value: &[u8], id: &[u8]) -> Self {
        Self::new(
            value.get(..=Label::MAX_VALUE).unwrap_or(value),
            id.get(..RecordKey::MAX_ID).unwrap_or(id),
        )
    }

    pub(super) fn to_cursor(&self) -> Cursor {
        let length = u16::try_from(self.value.len()).unwrap_or(u16::MAX);
        Cursor([&length.to_be_bytes(), &self.value[..], &self.id].concat())
    }

    pub(super) fn from_cursor(cursor: &Cursor) -> Result<Self, StoreError> {
        let (length, rest) = cursor.0.split_first_chunk().ok_or(StoreError::Cursor)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (value, id) = rest.split_at_checked(length).ok_or(StoreError::Cursor)?;
        // A page may end at a row without an id, but never at the first place of all.
        if rest.is_empty() || id.len() > RecordKey::MAX_ID {
            return Err(StoreError::Cursor);
        }
        Ok(Self::new(value, id))
    }
}

/// Takes records until a page is full, or enough was passed by.
#[derive(Debug)]
pub(super) struct Paging {
    limit: usize,
    bytes: usize,
    passed: usize,
    page: Vec<Record>,
}

impl Paging {
    /// A page ends once it has passed by so many rows: labels without a record, and what no store writes. However many a
    /// stranger has put there, one call looks at few of them.
    const MOST_PASSED: usize = 1000;

    pub(super) fn new(query: &Query) -> Self {
        Self {
            limit: usize::try_from(query.limit.max(1)).unwrap_or(usize::MAX),
            bytes: 0,
            passed: 0,
            page: Vec::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.page.len() >= self.limit
            || self.bytes >= Query::PAGE_BYTES
            || self.passed >= Self::MOST_PASSED
    }

    /// How many rows are worth looking at next: where many lead nowhere, more than the page has room for.
    #[cfg(any(feature = "dynamodb", feature = "postgres"))]
    pub(super) fn wanted(&self) -> usize {
        let room = self.limit.saturating_sub(self.page.len());
        room.max(self.passed).max(1)
    }

    /// How many bytes it has room for.
    #[cfg(feature = "postgres")]
    pub(super) fn room(&self) -> usize {
        Query::PAGE_BYTES.saturating_sub(self.bytes)
    }

    /// Counts rows that were looked at and are no records of the page.
    #[cfg(any(feature = "dynamodb", feature = "postgres", feature = "sqlite"))]
    pub(super) fn pass(&mut self, rows: usize, bytes: usize) {
        self.passed = self.passed.saturating_add(rows);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) fn push(&mut self, record: Record) {
        let labels = record.labels.iter().map(|label| label.value.len());
        let more = labels.sum::<usize>().saturating_add(record.key.id.len());
        // What a record takes beside its bytes counts, too: a page of empty bodies has an end.
        let more = more.saturating_add(record.body.len()).saturating_add(64);
        self.bytes = self.bytes.saturating_add(more);
        self.page.push(record);
    }

    /// Takes one that cannot be read, of which so many bytes were fetched all the same.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn push_unreadable(&mut self, key: RecordKey, fetched: usize) {
        self.pass(0, fetched);
        self.push(Record::unreadable(key));
    }

    /// The page. `last` is where its last record stood, where there are more behind it.
    pub(super) fn into_page(self, last: Option<&Position>) -> Page {
        Page {
            records: self.page,
            next: last.map(Position::to_cursor),
        }
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

    #[test]
    fn a_cursor_comes_back_and_a_strange_one_is_refused() {
        let position = Position::new(b"value", b"id");
        assert_eq!(Position::from_cursor(&position.to_cursor()), Ok(position));
        for strange in [&b""[..], &[0], &[0, 0], &[0, 5, 1], &[0, 2, 1]] {
            let cursor = Cursor::from_bytes(strange);
            assert_eq!(Position::from_cursor(&cursor), Err(StoreError::Cursor));
        }
        for (length, fits) in [(RecordKey::MAX_ID, true), (RecordKey::MAX_ID + 1, false)] {
            let cursor = Position::new(b"", &vec![1; length]).to_cursor();
            assert_eq!(Position::from_cursor(&cursor).is_ok(), fits, "{length}");
        }
    }

    fn query(values: Values) -> Query {
        let (notes, tag) = (
            Collection::from_static("note"),
            LabelName::from_static("tag"),
        );
        Query::label(notes, tag, values)
    }

    #[test]
    fn behind_a_place_is_the_next_one_that_a_store_writes() {
        let all = Query::all(Collection::from_static("note"));
        let labels = query(Values::beginning_with(""));
        let (value, id) = (vec![7; Label::MAX_VALUE], vec![7; RecordKey::MAX_ID]);
        let (last_value, last_id) = (vec![0xff; Label::MAX_VALUE], vec![0xff; RecordKey::MAX_ID]);
        let at = Position::new;
        let eighth = |bytes: &[u8]| [&bytes[1..], &[8]].concat();
        for (place, behind) in [
            (at(b"v", b"i"), Some(at(b"v", b"i\0"))),
            (at(b"v", b""), Some(at(b"v", b"\0"))),
            (at(b"v", &id), Some(at(b"v", &eighth(&id)))),
            (at(b"v", &last_id), Some(at(b"v\0", b""))),
            (at(&value, &last_id), Some(at(&eighth(&value), b""))),
            (
                at(&[&value[..], &[9]].concat(), b"i"),
                Some(at(&eighth(&value), b"")),
            ),
            (at(&last_value, b"i"), Some(at(&last_value, b"i\0"))),
            (at(&last_value, &last_id), None),
            (at(&[&last_value[..], &[0]].concat(), b"i"), None),
        ] {
            assert_eq!(labels.behind(&place), behind, "{place:?}");
        }
        assert_eq!(all.behind(&at(b"", b"i")), Some(at(b"", b"i\0")));
        assert_eq!(all.behind(&at(b"", &id)), Some(at(b"", &eighth(&id))));
        assert_eq!(all.behind(&at(b"", &last_id)), None);
    }

    #[test]
    fn a_page_begins_in_the_range_of_its_query() {
        let cursor = |value: &[u8]| Position::new(value, b"i").to_cursor();
        let between = query(Values::between("b", "d"));
        for (after, start) in [
            (None, Some(Position::new(b"b", b""))),
            (Some(cursor(b"a")), Some(Position::new(b"b", b""))),
            (Some(cursor(b"c")), Some(Position::new(b"c", b"i\0"))),
            (Some(cursor(b"d")), None),
        ] {
            assert_eq!(between.clone().after(after).start(), Ok(start));
        }
        assert_eq!(query(Values::between("d", "b")).start(), Ok(None));
    }
}
