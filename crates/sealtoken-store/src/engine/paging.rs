//! Pages of a scan, and how the next one continues.

use crate::error::StoreError;
use crate::query::{Cursor, Page, Query, Selection, successor};
use crate::record::{Label, Record, RecordKey};

/// A row's position in a scan. Cursors hold one, and these two parts are all of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The value of the label; empty in a scan of a whole collection.
    pub value: Vec<u8>,
    /// The id of the record.
    pub id: Vec<u8>,
}

impl Position {
    /// The position in a cursor; [`StoreError::Cursor`] if no [`Paging`] made it.
    fn from_cursor(cursor: &Cursor) -> Result<Self, StoreError> {
        let (length, rest) = cursor
            .as_bytes()
            .split_first_chunk()
            .ok_or(StoreError::Cursor)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (value, id) = rest.split_at_checked(length).ok_or(StoreError::Cursor)?;
        // A page may end at a row without an id, but never at a row without anything.
        if rest.is_empty() || id.len() > RecordKey::MAX_ID {
            return Err(StoreError::Cursor);
        }
        Ok(Self::new(value, id))
    }

    fn new(value: &[u8], id: &[u8]) -> Self {
        let (value, id) = (value.to_vec(), id.to_vec());
        Self { value, id }
    }

    /// The length of the value in two bytes, the value, the id.
    fn to_cursor(&self) -> Cursor {
        let length = u16::try_from(self.value.len()).unwrap_or(u16::MAX);
        Cursor::from_bytes([&length.to_be_bytes(), &self.value[..], &self.id].concat())
    }
}

/// A page that is being filled, row by row.
#[derive(Debug)]
pub struct Paging<'a> {
    query: &'a Query,
    limit: usize,
    bytes: usize,
    skipped: usize,
    records: Vec<Record>,
    last: Option<Position>,
}

impl<'a> Paging<'a> {
    /// A page ends after this many skipped rows, so that one call does bounded work however many
    /// stray rows an attacker added.
    const MAX_SKIPPED: usize = 1000;

    /// An empty page of a query.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`] for a cursor that no engine of this kind made.
    pub fn new(query: &'a Query) -> Result<Self, StoreError> {
        Ok(Self {
            query,
            limit: usize::try_from(query.limit.max(1)).unwrap_or(usize::MAX),
            bytes: 0,
            skipped: 0,
            records: Vec::new(),
            last: query
                .after
                .as_ref()
                .map(Position::from_cursor)
                .transpose()?,
        })
    }

    /// The position of the last row of this page, or at first of the page before.
    #[must_use]
    pub fn last(&self) -> Option<&Position> {
        self.last.as_ref()
    }

    /// The position, inclusive, from which to fetch rows: after the last row, or the beginning of
    /// the query. `None` if nothing can follow.
    ///
    /// It is for engines that keep labels in the order of values and ids. After a value or an id
    /// of the maximum length or more, it skips all that begin with it. So overlong rows of an
    /// attacker are not read again, although the cursor holds only their beginning.
    #[must_use]
    pub fn start(&self) -> Option<Position> {
        match &self.last {
            Some(last) => self.following(last),
            None => self.within(Position::new(&[], &[])),
        }
    }

    /// Moves to a row, after which the next page continues. Returns the key of its record; `None`
    /// if no store writes such a row.
    pub fn move_to(&mut self, value: &[u8], id: &[u8]) -> Option<RecordKey> {
        self.last = Some(Position::new(
            value.get(..=Label::MAX_VALUE).unwrap_or(value),
            id.get(..RecordKey::MAX_ID).unwrap_or(id),
        ));
        let is_value = match self.query.selection {
            Selection::All => true,
            Selection::Label { .. } => (1..=Label::MAX_VALUE).contains(&value.len()),
        };
        let is_key = is_value && (1..=RecordKey::MAX_ID).contains(&id.len());
        is_key.then(|| RecordKey::new(self.query.collection.clone(), id))
    }

    /// Whether the page has all the records it may have, or enough rows were skipped.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.records.len() >= self.limit
            || self.bytes >= Query::PAGE_BYTES
            || self.skipped >= Self::MAX_SKIPPED
    }

    /// How many rows to fetch next, and how many bytes the page has room for. If many rows were
    /// skipped, this is more rows than the page can hold.
    #[must_use]
    pub fn room(&self) -> (usize, usize) {
        let rows = self.limit.saturating_sub(self.records.len());
        let bytes = Query::PAGE_BYTES.saturating_sub(self.bytes);
        (rows.max(self.skipped).max(1), bytes)
    }

    /// Counts rows that hold no record of the page, and bytes that were fetched but are not part of
    /// one. For a corrupt record, skip its bytes and push an [`unreadable`](super::unreadable) one.
    pub fn skip(&mut self, rows: usize, bytes: usize) {
        self.skipped = self.skipped.saturating_add(rows);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Adds a record.
    pub fn push(&mut self, record: Record) {
        let labels = record.labels.iter().map(|label| label.value.len());
        let bytes = labels.sum::<usize>().saturating_add(record.key.id.len());
        // The record itself counts too, so that a page of empty bodies ends.
        let bytes = bytes.saturating_add(record.body.len()).saturating_add(64);
        self.bytes = self.bytes.saturating_add(bytes);
        self.records.push(record);
    }

    /// The page; with a cursor if there is `more` to read.
    #[must_use]
    pub fn into_page(self, more: bool) -> Page {
        Page {
            records: self.records,
            next: self
                .last
                .filter(|_| more)
                .map(|position| position.to_cursor()),
        }
    }

    fn following(&self, position: &Position) -> Option<Position> {
        let id = next(&position.id, RecordKey::MAX_ID);
        if self.query.selection == Selection::All {
            return Some(Position::new(&[], &id?));
        }
        self.within(match id {
            Some(id) if position.value.len() <= Label::MAX_VALUE => {
                Position::new(&position.value, &id)
            }
            _ => Position::new(&next(&position.value, Label::MAX_VALUE)?, &[]),
        })
    }

    /// Keeps a cursor of another query inside the range of this one.
    fn within(&self, position: Position) -> Option<Position> {
        let Selection::Label { values, .. } = &self.query.selection else {
            return Some(position);
        };
        let position = position.max(Position::new(&values.from, &[]));
        (position.value < values.until).then_some(position)
    }
}

/// The next bytes in order that are at most `max_len` long; `None` after the last.
fn next(bytes: &[u8], max_len: usize) -> Option<Vec<u8>> {
    match bytes.get(..max_len) {
        // Whatever else begins with these is longer.
        Some(whole) => successor(whole),
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
        for malformed in [&b""[..], &[0], &[0, 0], &[0, 5, 1], &[0, 2, 1]] {
            let cursor = Cursor::from_bytes(malformed);
            assert_eq!(Position::from_cursor(&cursor), Err(StoreError::Cursor));
        }
        for (length, fits) in [(RecordKey::MAX_ID, true), (RecordKey::MAX_ID + 1, false)] {
            let cursor = Position::new(b"", &vec![1; length]).to_cursor();
            assert_eq!(Position::from_cursor(&cursor).is_ok(), fits, "{length}");
        }
    }

    fn page(query: &Query) -> Paging<'_> {
        Paging::new(query).unwrap()
    }

    fn query(values: Values) -> Query {
        let (notes, tag) = (
            Collection::from_static("note"),
            LabelName::from_static("tag"),
        );
        Query::label(notes, tag, values)
    }

    #[test]
    fn behind_a_position_is_the_next_one_that_a_store_writes() {
        let all = Query::all(Collection::from_static("note"));
        let labels = query(Values::beginning_with(""));
        let (value, id) = (vec![7; Label::MAX_VALUE], vec![7; RecordKey::MAX_ID]);
        let (last_value, last_id) = (vec![0xff; Label::MAX_VALUE], vec![0xff; RecordKey::MAX_ID]);
        let at = Position::new;
        let eighth = |bytes: &[u8]| [&bytes[1..], &[8]].concat();
        let following = |query: &Query, position: &Position| page(query).following(position);
        for (position, next) in [
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
            assert_eq!(following(&labels, &position), next, "{position:?}");
        }
        assert_eq!(following(&all, &at(b"", b"i")), Some(at(b"", b"i\0")));
        assert_eq!(following(&all, &at(b"", &id)), Some(at(b"", &eighth(&id))));
        assert_eq!(following(&all, &at(b"", &last_id)), None);
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
            let query = between.clone().after(after);
            assert_eq!(page(&query).start(), start);
        }
        assert_eq!(page(&query(Values::between("d", "b"))).start(), None);
    }

    #[test]
    fn a_page_goes_on_behind_its_last_row_and_so_does_its_cursor() {
        let query =
            query(Values::beginning_with("v")).after(Position::new(b"va", b"a").to_cursor());
        let mut paging = page(&query);
        assert_eq!(paging.last(), Some(&Position::new(b"va", b"a")));
        assert!(paging.move_to(b"vb", b"b").is_some());
        assert_eq!(paging.last(), Some(&Position::new(b"vb", b"b")));
        let next = Some(Position::new(b"vb", b"b\0"));
        assert_eq!(paging.start(), next);
        let query = query.clone().after(paging.into_page(true).next);
        assert_eq!(page(&query).start(), next);
        assert_eq!(page(&query).into_page(false).next, None);
        let foreign = query.after(Cursor::from_bytes("?"));
        assert_eq!(Paging::new(&foreign).err(), Some(StoreError::Cursor));
    }
}
