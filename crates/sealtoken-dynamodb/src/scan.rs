//! Pages and counts.

use std::collections::HashMap;

use sealtoken_store::engine::{Paging, Position};
use sealtoken_store::{LabelName, Page, Query, Record, RecordKey, Selection, StoreError, Values};

use super::DynamoStore;
use super::item::{self, Item};
use super::lanes::{Entry, Lanes, Named, sort_at};
use super::layout::{self, BUCKETS, Place};
use super::read::Part;
use super::span::{Rows, Span, at_once, rest};

/// The most items that one request is asked for. A response has at most 1 MB in any case.
const MOST_ITEMS: usize = 1000;

/// So many records are read before it is known how large they are.
const FIRST: usize = 32;

/// The most records of one request, by DynamoDB.
const MOST_RECORDS: usize = 100;

impl DynamoStore {
    pub(super) async fn page(&self, query: &Query) -> Result<Page, StoreError> {
        let after = query
            .after
            .as_ref()
            .map(Position::from_cursor)
            .transpose()?;
        // No sort key is empty, and DynamoDB refuses to be asked for one.
        if after.as_ref().is_some_and(|after| after.id.is_empty()) {
            return Err(StoreError::Cursor);
        }
        match &query.selection {
            Selection::All => self.page_of_all(query, after).await,
            Selection::Label { values, .. } if values.is_empty() => {
                Ok(Paging::new(query).into_page(None))
            }
            Selection::Label { name, values } => {
                self.page_of_label(query, name, values, after.as_ref())
                    .await
            }
        }
    }

    pub(super) async fn number(&self, query: &Query) -> Result<u64, StoreError> {
        let spans: Vec<Span> = match &query.selection {
            Selection::All => all_buckets()
                .map(|bucket| Span {
                    partition: layout::records(&query.collection, bucket),
                    rows: Rows::All,
                })
                .collect(),
            Selection::Label { values, .. } if values.is_empty() => return Ok(0),
            Selection::Label { name, values } => buckets_of(values)
                .into_iter()
                .map(|bucket| Span {
                    partition: layout::labels(&query.collection, name, bucket),
                    rows: rows(values, None),
                })
                .collect(),
        };
        let counts = at_once(spans.into_iter().map(|span| {
            let store = self.clone();
            async move { store.rows_of(&span).await }
        }));
        Ok(counts.await?.into_iter().fold(0, u64::saturating_add))
    }

    /// The buckets in turn, each in the order of ids.
    async fn page_of_all(
        &self,
        query: &Query,
        after: Option<Position>,
    ) -> Result<Page, StoreError> {
        let mut paging = Paging::new(query);
        let mut last = None;
        let first = after.as_ref().map_or(0, bucket_of);
        let mut behind = after.map(|position| position.id);
        for bucket in first..BUCKETS {
            let rows = behind.take().map_or(Rows::All, Rows::Behind);
            let partition = layout::records(&query.collection, bucket);
            let mut request = self.query(&Span { partition, rows });
            loop {
                // One more than are wanted: by it, it is known whether there is another page.
                let wanted = paging.wanted().saturating_add(1);
                request = request.limit(count(wanted.min(MOST_ITEMS)));
                let answer = self.ask(|| request.clone().send()).await?;
                for item in answer.items.into_iter().flatten() {
                    if paging.is_full() {
                        return Ok(paging.into_page(last.as_ref()));
                    }
                    let Some(id) = item::blob(&item, item::SORT).map(<[u8]>::to_vec) else {
                        continue;
                    };
                    if layout::bucket(&id) == bucket {
                        last = Some(Position::new(&[], &id));
                        let key = RecordKey::new(query.collection.clone(), id);
                        let fetched = item::fetched(&item);
                        match item::to_record(item, key.clone()) {
                            Ok(record) => paging.push(record),
                            Err(_) => paging.push_unreadable(key, fetched),
                        }
                    } else {
                        // A stranger put it where no reader of its key looks.
                        last = Some(Position::new(&[bucket], &id));
                        paging.pass(1, id.len());
                    }
                }
                match rest(answer.last_evaluated_key) {
                    Some(key) => request = request.set_exclusive_start_key(Some(key)),
                    None => break,
                }
            }
        }
        Ok(paging.into_page(None))
    }

    /// The keys of labels first, merged from all buckets, and then their records.
    async fn page_of_label(
        &self,
        query: &Query,
        name: &LabelName,
        values: &Values,
        after: Option<&Position>,
    ) -> Result<Page, StoreError> {
        let limit = limit_of(query);
        let spans = spans(query, name, values, after);
        let mut lanes = Lanes::open(self, spans, after, limit).await?;
        let mut paging = Paging::new(query);
        let mut size = Size::default();
        let mut last = None;
        loop {
            let wanted = paging.wanted().min(size.fitting()).max(1);
            let entries = lanes.take(wanted).await?;
            if entries.is_empty() {
                return Ok(paging.into_page(None));
            }
            if paging.is_full() {
                return Ok(paging.into_page(last.as_ref()));
            }
            let mut found = self.records_of(query, &entries).await?;
            let nowhere = entries.len().saturating_add(size.records);
            for entry in entries {
                if paging.is_full() {
                    return Ok(paging.into_page(last.as_ref()));
                }
                last = Some(entry.position());
                let Some(Named { value, id }) = entry.label else {
                    continue;
                };
                let key = RecordKey::new(query.collection.clone(), id);
                // A label of a record that is not there, or has it no more: it was changed or removed in between, or expired.
                let Some(item) = found.take(&key) else {
                    continue;
                };
                let fetched = item::fetched(&item);
                match item::to_record(item, key.clone()) {
                    Ok(record) if has(&record, name, &value) => {
                        size.add(record.body.len());
                        paging.push(record);
                    }
                    Ok(_) => paging.pass(0, fetched),
                    // Broken, as above.
                    Err(_) => {
                        size.add(fetched);
                        paging.push_unreadable(key, fetched);
                    }
                }
            }
            let nowhere = nowhere.saturating_sub(size.records);
            if nowhere > 0 {
                // A request costs its time, however little is asked for.
                paging.pass(nowhere.max(FIRST), 0);
            }
        }
    }

    async fn records_of(&self, query: &Query, entries: &[Entry]) -> Result<Found, StoreError> {
        let key = |label: &Named| RecordKey::new(query.collection.clone(), label.id.clone());
        let labels = entries.iter().filter_map(|entry| entry.label.as_ref());
        let keys: Vec<RecordKey> = labels.map(key).collect();
        let items = self.items(&keys, Part::Whole, self.shared.consistent);
        let items = items.await?;
        let mut uses: HashMap<Place, usize> = HashMap::with_capacity(items.len());
        for key in &keys {
            let uses = uses.entry(layout::record(key)).or_default();
            *uses = uses.saturating_add(1);
        }
        Ok(Found { items, uses })
    }
}

/// Items that were read, each copied as often as it is used but once.
struct Found {
    items: HashMap<Place, Item>,
    uses: HashMap<Place, usize>,
}

impl Found {
    fn take(&mut self, key: &RecordKey) -> Option<Item> {
        let place = layout::record(key);
        let uses = self.uses.get_mut(&place)?;
        *uses = uses.saturating_sub(1);
        if *uses == 0 {
            self.items.remove(&place)
        } else {
            self.items.get(&place).cloned()
        }
    }
}

/// How large the records of a page have been.
#[derive(Default)]
struct Size {
    records: usize,
    bytes: usize,
}

impl Size {
    fn add(&mut self, bytes: usize) {
        self.records = self.records.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// How many more of this size the page has room for.
    fn fitting(&self) -> usize {
        let Some(average) = self.bytes.checked_div(self.records) else {
            return FIRST;
        };
        let left = Query::PAGE_BYTES.saturating_sub(self.bytes);
        left.checked_div(average.max(1))
            .map_or(1, |more| more.clamp(1, MOST_RECORDS))
    }
}

fn has(record: &Record, name: &LabelName, value: &[u8]) -> bool {
    let mut labels = record.labels.iter();
    labels.any(|label| label.name == *name && label.value == value)
}

/// The bucket in which a scan of a collection goes on: that of the id, unless the position names another.
fn bucket_of(position: &Position) -> u8 {
    match position.value[..] {
        [bucket] if bucket < BUCKETS => bucket,
        _ => layout::bucket(&position.id),
    }
}

fn all_buckets() -> std::ops::Range<u8> {
    0..BUCKETS
}

/// Where the values of a range lie: one alone is in one bucket.
fn buckets_of(values: &Values) -> Vec<u8> {
    if *values == Values::exactly(&*values.from) {
        vec![layout::bucket(&values.from)]
    } else {
        all_buckets().collect()
    }
}

/// The sort keys of a range, from a position on, which may be one of them.
fn rows(values: &Values, after: Option<&Position>) -> Rows {
    let mut from = layout::bound(&values.from);
    if let Some(position) = after {
        from = from.max(sort_at(position));
    }
    match &values.until {
        None => Rows::From(from),
        Some(until) => Rows::Between(from, layout::bound(until)),
    }
}

/// Nothing where the position lies behind the range: DynamoDB refuses to look from there.
fn spans(
    query: &Query,
    name: &LabelName,
    values: &Values,
    after: Option<&Position>,
) -> Vec<(u8, Span)> {
    let rows = rows(values, after);
    if matches!(&rows, Rows::Between(from, until) if from > until) {
        return Vec::new();
    }
    let span = |bucket| {
        let partition = layout::labels(&query.collection, name, bucket);
        let rows = rows.clone();
        (bucket, Span { partition, rows })
    };
    buckets_of(values).into_iter().map(span).collect()
}

fn limit_of(query: &Query) -> usize {
    usize::try_from(query.limit.max(1)).unwrap_or(usize::MAX)
}

pub(super) fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
