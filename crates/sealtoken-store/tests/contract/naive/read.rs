//! How the store reads.

use sealtoken_store::engine::check_key;
use sealtoken_store::{
    Collection, Cursor, Page, Query, Record, RecordKey, Selection, StoreError, Values, Version,
};

use super::{Fault, Naive, State};

impl Naive {
    pub(super) fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        if !self.is(Fault::NoLimitOfIds) {
            check_key(key)?;
        }
        let state = match self.fault {
            Fault::StaleReads => &self.stale,
            _ => &self.state,
        };
        Ok(self.read_in(&state.lock().unwrap(), key))
    }

    pub(super) fn read_in(&self, state: &State, key: &RecordKey) -> Option<Record> {
        let record = state.records.get(&self.at(key)).cloned();
        record.map(|record| Record {
            key: key.clone(),
            ..record
        })
    }

    /// The selected records in order, each with the label's value.
    pub(super) fn selected(&self, query: &Query) -> Vec<(Vec<u8>, Record)> {
        let state = self.state.lock().unwrap();
        let collection = match self.fault {
            Fault::OneCollection => Collection::new("note").unwrap(),
            _ => query.collection.clone(),
        };
        let mut selected = Vec::new();
        match &query.selection {
            Selection::All => {
                let here = |record: &&Record| record.key.collection == query.collection;
                let records = state.records.values();
                selected.extend(records.filter(here).map(|r| (Vec::new(), r.clone())));
            }
            Selection::Label { name, values } => {
                let mut values = values.clone();
                if self.is(Fault::RangeBeginsAnywhere) {
                    values.from = Vec::new();
                }
                for (c, n, value, id) in &state.labels {
                    let last = self.is(Fault::RangeEndsInclusive) && values.until == *value;
                    if *c == collection && n == name && (last || contains(&values, value)) {
                        let key = RecordKey::new(c.clone(), id.clone());
                        let record = state.records.get(&key).cloned();
                        // A label without its record is skipped, except in the stores whose labels
                        // stay.
                        let record = record
                            .unwrap_or_else(|| Record::new(key, Version::from_bytes([0; 16]), "x"));
                        selected.push((value.clone(), record));
                    }
                }
            }
        }
        if self.is(Fault::ScansByIdAlone) {
            selected.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
        }
        selected
    }

    pub(super) fn page(&self, query: &Query) -> Result<Page, StoreError> {
        let mut selected = self.selected(query);
        let all = selected.len();
        if let Some(after) = &query.after {
            let position = position(after);
            if self.is(Fault::PanicsAtCursors) {
                assert!(position.is_some());
            }
            let (value, id) = position.ok_or(StoreError::Cursor)?;
            if self.is(Fault::PagesAreOffsets) {
                let offset = <[u8; 8]>::try_from(&id[..]).map_err(|_| StoreError::Cursor)?;
                let offset = usize::try_from(u64::from_be_bytes(offset)).unwrap();
                selected.drain(..offset.min(all));
            } else if self.is(Fault::BelievesCursors) {
                // It continues at the cursor, whatever the query says.
                let mut everything = query.clone();
                everything.after = None;
                if let Selection::Label { values, .. } = &mut everything.selection {
                    values.from = value.clone();
                    values.until = Values::beginning_with("").until;
                }
                selected = self.selected(&everything);
                selected.retain(|(v, record)| (v, &record.key.id) > (&value, &id));
            } else if self.is(Fault::CursorsBeginTheRange) {
                let mut everything = query.clone();
                if let Selection::Label { values, .. } = &mut everything.selection {
                    values.from = value.clone();
                }
                selected = self.selected(&everything);
                selected.retain(|(v, record)| (v, &record.key.id) > (&value, &id));
            } else if self.is(Fault::ScansByIdAlone) {
                selected.retain(|(_, record)| record.key.id > id);
            } else if self.is(Fault::RepeatsAtPageEnds) {
                selected.retain(|(v, record)| (v, &record.key.id) >= (&value, &id));
            } else {
                selected.retain(|(v, record)| (v, &record.key.id) > (&value, &id));
            }
            if self.is(Fault::SkipsAtPageEnds) && !selected.is_empty() {
                selected.remove(0);
            }
        }
        let mut limit = usize::try_from(query.limit).unwrap();
        if !self.is(Fault::ZeroIsNothing) {
            limit = limit.max(1);
        }
        let mut page = Page {
            records: Vec::new(),
            next: None,
        };
        let (mut bytes, mut more) = (0, false);
        let begin = all - selected.len();
        let mut last = None;
        for (value, mut record) in selected {
            if page.records.len() >= limit
                || bytes >= Query::PAGE_BYTES && !self.is(Fault::PagesAreUnbounded)
            {
                more = true;
                break;
            }
            bytes += record.body.len();
            last = Some(cursor(&value, &record.key.id));
            if self.is(Fault::ScansWithoutBodies) {
                record.body.clear();
            }
            page.records.push(record);
        }
        if self.is(Fault::PagesAreOffsets) {
            last = Some(cursor(b"", &(begin + page.records.len()).to_be_bytes()));
        }
        if more || self.is(Fault::LastPageHasACursor) {
            page.next = last;
        }
        Ok(page)
    }
}

fn contains(values: &Values, value: &Vec<u8>) -> bool {
    (&values.from..&values.until).contains(&value)
}

fn cursor(value: &[u8], id: &[u8]) -> Cursor {
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    Cursor::from_bytes([&length[..], value, id].concat())
}

fn position(cursor: &Cursor) -> Option<(Vec<u8>, Vec<u8>)> {
    let (length, rest) = cursor.as_bytes().split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (value, id) = rest.split_at_checked(length)?;
    Some((value.to_vec(), id.to_vec()))
}
