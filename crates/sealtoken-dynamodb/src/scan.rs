//! Pages and counts.

use std::collections::HashMap;

use sealtoken_store::engine::{Paging, Position, unreadable};
use sealtoken_store::{LabelName, Page, Query, Record, RecordKey, Selection, StoreError, Values};

use super::item::{self, Item};
use super::layout::{self, BUCKETS, ItemKey};
use super::merge::{Entry, LabelKey, Merge, sort_at};
use super::read::Part;
use super::span::{Rows, Span, as_limit, concurrently, next_key};
use super::table::Table;

/// The maximum number of items that one request asks for. A response has at most 1 MB in any case.
const MAX_ITEMS: usize = 1000;

/// How many records are read before their size is known.
const FIRST: usize = 32;

/// The maximum number of records in one request, by DynamoDB.
const MAX_RECORDS: usize = 100;

impl Table {
    pub(super) async fn page(&self, query: &Query) -> Result<Page, StoreError> {
        let paging = Paging::new(query)?;
        // No sort key is empty, and DynamoDB refuses to start at an empty one.
        if paging.last().is_some_and(|after| after.id.is_empty()) {
            return Err(StoreError::Cursor);
        }
        match &query.selection {
            Selection::All => self.page_of_all(query, paging).await,
            Selection::Label { name, values } => {
                self.page_of_label(query, name, values, paging).await
            }
        }
    }

    pub(super) async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        let spans: Vec<Span> = match &query.selection {
            Selection::All => (0..BUCKETS)
                .map(|bucket| Span {
                    partition: layout::records(&query.collection, bucket),
                    rows: Rows::All,
                })
                .collect(),
            Selection::Label { name, values } => spans(query, name, values, None)
                .into_iter()
                .map(|(_, span)| span)
                .collect(),
        };
        let counts = concurrently(spans.into_iter().map(|span| {
            let table = self.clone();
            async move { table.count_rows(&span).await }
        }));
        Ok(counts.await?.into_iter().fold(0, u64::saturating_add))
    }

    /// Reads the buckets one after the other, each in the order of ids.
    async fn page_of_all(&self, query: &Query, mut paging: Paging<'_>) -> Result<Page, StoreError> {
        let first = paging.last().map_or(0, bucket_of);
        let mut after = paging.last().map(|position| position.id.clone());
        for bucket in first..BUCKETS {
            let rows = after.take().map_or(Rows::All, Rows::After);
            let partition = layout::records(&query.collection, bucket);
            let mut request = self.query(&Span { partition, rows });
            loop {
                // One more than needed shows whether there is another page.
                let (rows, _) = paging.room();
                request = request.limit(as_limit(rows.saturating_add(1).min(MAX_ITEMS)));
                let answer = self.ask(|| request.clone().send()).await?;
                for item in answer.items.into_iter().flatten() {
                    if paging.is_full() {
                        return Ok(paging.into_page(true));
                    }
                    take(&mut paging, bucket, item);
                }
                match next_key(answer.last_evaluated_key) {
                    Some(key) => request = request.set_exclusive_start_key(Some(key)),
                    None => break,
                }
            }
        }
        Ok(paging.into_page(false))
    }

    /// Reads the keys of labels first, merged from all buckets, and then their records.
    async fn page_of_label(
        &self,
        query: &Query,
        name: &LabelName,
        values: &Values,
        mut paging: Paging<'_>,
    ) -> Result<Page, StoreError> {
        let after = paging.last();
        let spans = spans(query, name, values, after);
        let (rows, _) = paging.room();
        let mut merge = Merge::open(self, spans, after, rows).await?;
        let mut size = Size::default();
        loop {
            let (rows, _) = paging.room();
            let entries = merge.take(rows.min(size.fitting()).max(1)).await?;
            if entries.is_empty() {
                return Ok(paging.into_page(false));
            }
            if paging.is_full() {
                return Ok(paging.into_page(true));
            }
            let mut found = self.records_of(query, &entries).await?;
            let stray = entries.len().saturating_add(size.records);
            for entry in entries {
                if paging.is_full() {
                    return Ok(paging.into_page(true));
                }
                let (value, id) = entry.position();
                let Some(key) = paging.move_to(value, id) else {
                    continue;
                };
                // Otherwise the record was removed in between, or by DynamoDB.
                let Some(item) = found.take(&key) else {
                    continue;
                };
                let fetched = item::fetched(&item);
                match item::to_record(item, key.clone()) {
                    Ok(record) if has_label(&record, name, value) => {
                        size.add(record.body.len());
                        paging.push(record);
                    }
                    // The record was changed in between, and does not have the label any more.
                    Ok(_) => paging.skip(0, fetched),
                    Err(_) => {
                        size.add(fetched);
                        paging.skip(0, fetched);
                        paging.push(unreadable(key));
                    }
                }
            }
            let stray = stray.saturating_sub(size.records);
            if stray > 0 {
                // A request takes its time, however little it asks for.
                paging.skip(stray.max(FIRST), 0);
            }
        }
    }

    async fn records_of(&self, query: &Query, entries: &[Entry]) -> Result<Found, StoreError> {
        let key = |label: &LabelKey| RecordKey::new(query.collection.clone(), label.id.clone());
        let labels = entries.iter().filter_map(|entry| entry.label.as_ref());
        let keys: Vec<RecordKey> = labels.map(key).collect();
        let items = self.items(&keys, Part::Whole).await?;
        let mut uses: HashMap<ItemKey, usize> = HashMap::with_capacity(items.len());
        for key in &keys {
            let uses = uses.entry(layout::record(key)).or_default();
            *uses = uses.saturating_add(1);
        }
        Ok(Found { items, uses })
    }
}

/// Adds the item of a record to a page.
fn take(paging: &mut Paging<'_>, bucket: u8, item: Item) {
    let Some(id) = item::blob(&item, item::SORT) else {
        return;
    };
    // An attacker put it into a bucket where no read of its key looks. The cursor names the bucket.
    if layout::bucket(id) != bucket {
        paging.move_to(&[bucket], id);
        paging.skip(1, id.len());
        return;
    }
    let Some(key) = paging.move_to(&[], id) else {
        return;
    };
    let fetched = item::fetched(&item);
    let record = item::to_record(item, key.clone());
    if record.is_err() {
        paging.skip(0, fetched);
    }
    paging.push(record.unwrap_or_else(|_| unreadable(key)));
}

/// Fetched items. Each is copied for every use but the last.
struct Found {
    items: HashMap<ItemKey, Item>,
    uses: HashMap<ItemKey, usize>,
}

impl Found {
    fn take(&mut self, key: &RecordKey) -> Option<Item> {
        let key = layout::record(key);
        let uses = self.uses.get_mut(&key)?;
        *uses = uses.saturating_sub(1);
        if *uses == 0 {
            self.items.remove(&key)
        } else {
            self.items.get(&key).cloned()
        }
    }
}

/// The size of the records of a page so far.
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

    /// How many more records of the average size the page has room for.
    fn fitting(&self) -> usize {
        let Some(average) = self.bytes.checked_div(self.records) else {
            return FIRST;
        };
        let left = Query::PAGE_BYTES.saturating_sub(self.bytes);
        left.checked_div(average.max(1))
            .map_or(1, |more| more.clamp(1, MAX_RECORDS))
    }
}

fn has_label(record: &Record, name: &LabelName, value: &[u8]) -> bool {
    let mut labels = record.labels.iter();
    labels.any(|label| label.name == *name && label.value == value)
}

/// The bucket in which the scan of a collection continues: that of the id, unless the position
/// names another.
fn bucket_of(position: &Position) -> u8 {
    match position.value[..] {
        [bucket] if bucket < BUCKETS => bucket,
        _ => layout::bucket(&position.id),
    }
}

/// The buckets that hold the values of a range. A single value is in one bucket.
fn buckets_of(values: &Values) -> Vec<u8> {
    if *values == Values::exactly(&*values.from) {
        vec![layout::bucket(&values.from)]
    } else {
        (0..BUCKETS).collect()
    }
}

/// The rows of a range in each bucket, from a position on, inclusive. None if the range is empty or
/// ends before the position.
fn spans(
    query: &Query,
    name: &LabelName,
    values: &Values,
    after: Option<&Position>,
) -> Vec<(u8, Span)> {
    let mut from = layout::bound(&values.from);
    if let Some(position) = after {
        from = from.max(sort_at(position));
    }
    let until = layout::bound(&values.until);
    if from > until {
        return Vec::new();
    }
    let span = |bucket| {
        let partition = layout::labels(&query.collection, name, bucket);
        let rows = Rows::Between(from.clone(), until.clone());
        (bucket, Span { partition, rows })
    };
    buckets_of(values).into_iter().map(span).collect()
}
