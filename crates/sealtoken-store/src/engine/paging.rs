//! How a scan goes on from page to page.

use crate::error::StoreError;
use crate::query::{Cursor, Page, Query, Selection, behind_all};
use crate::record::{Label, Record, RecordKey};

/// How an engine can write a cursor: the last label value, with its length before it, and the last id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The value of the label that was looked for; none where all records are.
    pub value: Vec<u8>,
    /// The id of the record.
    pub id: Vec<u8>,
}

impl Position {
    /// A record's place in a scan.
    #[must_use]
    pub fn new(value: &[u8], id: &[u8]) -> Self {
        Self {
            value: value.to_vec(),
            id: id.to_vec(),
        }
    }

    /// The place of a row, cut off where a stranger wrote what is too long. No row of a store stands between that and what is
    /// [`behind`](Query::behind) this.
    #[must_use]
    pub fn of_row(value: &[u8], id: &[u8]) -> Self {
        Self::new(
            value.get(..=Label::MAX_VALUE).unwrap_or(value),
            id.get(..RecordKey::MAX_ID).unwrap_or(id),
        )
    }

    /// The cursor that goes on behind it. Its value has at most [`Label::MAX_VALUE`] bytes, or one more, as [`of_row`](Self::of_row) sees to it.
    #[must_use]
    pub fn to_cursor(&self) -> Cursor {
        let length = u16::try_from(self.value.len()).unwrap_or(u16::MAX);
        Cursor::from_bytes([&length.to_be_bytes(), &self.value[..], &self.id].concat())
    }

    /// The place behind which a cursor goes on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`] for bytes that [`to_cursor`](Self::to_cursor) does not write.
    pub fn from_cursor(cursor: &Cursor) -> Result<Self, StoreError> {
        let (length, rest) = cursor
            .as_bytes()
            .split_first_chunk()
            .ok_or(StoreError::Cursor)?;
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
pub struct Paging {
    limit: usize,
    bytes: usize,
    passed: usize,
    page: Vec<Record>,
}

impl Paging {
    /// A page ends once it has passed by so many rows: labels without a record, and what no store writes. However many a
    /// stranger has put there, one call looks at few of them.
    const MOST_PASSED: usize = 1000;

    /// A page that is empty yet.
    #[must_use]
    pub fn new(query: &Query) -> Self {
        Self {
            limit: usize::try_from(query.limit.max(1)).unwrap_or(usize::MAX),
            bytes: 0,
            passed: 0,
            page: Vec::new(),
        }
    }

    /// Whether it holds as much as the query asks for or a page may, or enough was passed by.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.page.len() >= self.limit
            || self.bytes >= Query::PAGE_BYTES
            || self.passed >= Self::MOST_PASSED
    }

    /// How many rows are worth looking at next: where many lead nowhere, more than the page has room for.
    #[must_use]
    pub fn wanted(&self) -> usize {
        let room = self.limit.saturating_sub(self.page.len());
        room.max(self.passed).max(1)
    }

    /// How many bytes it has room for.
    #[must_use]
    pub fn room(&self) -> usize {
        Query::PAGE_BYTES.saturating_sub(self.bytes)
    }

    /// Counts rows that were looked at and are no records of the page.
    pub fn pass(&mut self, rows: usize, bytes: usize) {
        self.passed = self.passed.saturating_add(rows);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Takes one more record.
    pub fn push(&mut self, record: Record) {
        let labels = record.labels.iter().map(|label| label.value.len());
        let more = labels.sum::<usize>().saturating_add(record.key.id.len());
        // What a record takes beside its bytes counts, too: a page of empty bodies has an end.
        let more = more.saturating_add(record.body.len()).saturating_add(64);
        self.bytes = self.bytes.saturating_add(more);
        self.page.push(record);
    }

    /// Takes one that cannot be read, of which so many bytes were fetched all the same.
    pub fn push_unreadable(&mut self, key: RecordKey, fetched: usize) {
        self.pass(0, fetched);
        self.push(Record::unreadable(key));
    }

    /// The page. `last` is where its last record stood, where there are more behind it.
    #[must_use]
    pub fn into_page(self, last: Option<&Position>) -> Page {
        Page {
            records: self.page,
            next: last.map(Position::to_cursor),
        }
    }
}

impl Query {
    /// Where its page begins, in an engine that keeps labels by their values and ids: at this place or behind it. None where
    /// nothing can be.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`] for a cursor that no engine of this kind gave.
    pub fn start(&self) -> Result<Option<Position>, StoreError> {
        match &self.after {
            None => Ok(self.within(Position::new(&[], &[]))),
            Some(cursor) => Ok(self.behind(&Position::from_cursor(cursor)?)),
        }
    }

    /// Where it goes on behind a place, as [`start`](Self::start): at the next one that a store writes.
    ///
    /// Behind an id or a value of the greatest length, or longer, that is where no more begin with it. So what a stranger wrote that is too long is
    /// not read again, however little of it a cursor holds.
    #[must_use]
    pub fn behind(&self, place: &Position) -> Option<Position> {
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
    #[must_use]
    pub fn key_of_row(&self, value: &[u8], id: &[u8]) -> Option<RecordKey> {
        let fits = match self.selection {
            Selection::All => true,
            Selection::Label { .. } => (1..=Label::MAX_VALUE).contains(&value.len()),
        };
        let fits = fits && (1..=RecordKey::MAX_ID).contains(&id.len());
        fits.then(|| RecordKey::new(self.collection.clone(), id))
    }
}

/// The first bytes behind these, of all that are no longer than `longest`, if there are any.
fn next(bytes: &[u8], longest: usize) -> Option<Vec<u8>> {
    match bytes.get(..longest) {
        // What begins with so many is longer.
        Some(whole) => behind_all(whole),
        None => Some([bytes, &[0]].concat()),
    }
}

#[cfg(test)]
mod tests {
    use crate::name::{Collection, LabelName};
    use crate::query::Values;

    use super::*;

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
