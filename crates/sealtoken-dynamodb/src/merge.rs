//! The keys of labels in the order of a scan, merged from the buckets that hold them.

use std::collections::VecDeque;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use sealtoken_store::engine::Position;
use sealtoken_store::{RecordKey, StoreError};

use super::item::{self, Item};
use super::layout;
use super::span::{Span, as_limit, concurrently, next_key};
use super::table::Table;

/// The maximum number of keys that one request asks for.
const MAX_KEYS: usize = 500;

/// The key of a label's item.
#[derive(Debug)]
pub(super) struct Entry {
    sort: Vec<u8>,
    /// `None` if this engine writes no such key: an attacker may have put it there.
    pub(super) label: Option<LabelKey>,
}

/// A decoded key.
#[derive(Debug)]
pub(super) struct LabelKey {
    pub(super) value: Vec<u8>,
    pub(super) id: Vec<u8>,
}

/// Merges the buckets of a range.
pub(super) struct Merge {
    streams: Vec<Stream>,
}

/// The keys of one bucket, some of them read ahead.
struct Stream {
    table: Table,
    bucket: u8,
    /// The next request; `None` at the end.
    next: Option<QueryFluentBuilder>,
    /// The key at which the page before ended.
    skip: Option<Vec<u8>>,
    ahead: VecDeque<Entry>,
}

impl Merge {
    /// Begins to read all buckets, concurrently.
    pub(super) async fn open(
        table: &Table,
        spans: Vec<(u8, Span)>,
        after: Option<&Position>,
        wanted: usize,
    ) -> Result<Self, StoreError> {
        // Each bucket is asked for twice its share, because values are not spread evenly. Two more
        // keys: one beyond the page, and one that may be skipped.
        let twice = wanted.saturating_mul(2).checked_div(spans.len());
        let share = match spans.len() {
            1 => wanted,
            _ => twice.unwrap_or(1),
        };
        let share = as_limit(share.saturating_add(2).min(MAX_KEYS));
        let skip = after.map(sort_at);
        let opened = spans.into_iter().map(|(bucket, span)| {
            let request = table.query(&span).limit(share);
            let mut stream = Stream {
                table: table.clone(),
                bucket,
                next: Some(request),
                skip: skip.clone(),
                ahead: VecDeque::new(),
            };
            async move {
                stream.fill().await?;
                Ok(stream)
            }
        });
        let streams = concurrently(opened).await?;
        Ok(Self { streams })
    }

    /// The next keys; fewer than `count` only at the end.
    pub(super) async fn take(&mut self, count: usize) -> Result<Vec<Entry>, StoreError> {
        let mut taken = Vec::new();
        while taken.len() < count {
            for stream in &mut self.streams {
                stream.fill().await?;
            }
            let fronts = self.streams.iter_mut().filter(|s| !s.ahead.is_empty());
            let first = fronts.min_by(|a, b| a.front().cmp(&b.front()));
            let Some(entry) = first.and_then(|stream| stream.ahead.pop_front()) else {
                break;
            };
            taken.push(entry);
        }
        Ok(taken)
    }
}

impl Stream {
    fn front(&self) -> Option<&[u8]> {
        self.ahead.front().map(|entry| &*entry.sort)
    }

    /// Reads on if no key is left, until there is one or the end is reached. Stray keys count too,
    /// so that no page is longer than it may be.
    async fn fill(&mut self) -> Result<(), StoreError> {
        while self.ahead.is_empty()
            && let Some(request) = self.next.take()
        {
            let answer = self.table.ask(|| request.clone().send()).await?;
            let key = next_key(answer.last_evaluated_key);
            // A bucket that needs more requests is asked for more each time.
            let more = request.get_limit().map(|share| share.saturating_mul(2));
            let request = request.set_limit(more.map(|more| more.min(as_limit(MAX_KEYS))));
            self.next = key.map(|key| request.set_exclusive_start_key(Some(key)));
            let (bucket, skip) = (self.bucket, self.skip.as_deref());
            let items = answer.items.into_iter().flatten();
            let entries = items.filter_map(|item| Entry::of(&item, bucket));
            self.ahead
                .extend(entries.filter(|entry| Some(&*entry.sort) != skip));
        }
        Ok(())
    }
}

impl Entry {
    fn of(item: &Item, bucket: u8) -> Option<Self> {
        let sort = item::blob(item, item::SORT)?;
        Some(Self {
            sort: sort.to_vec(),
            label: LabelKey::of(item, sort, bucket),
        })
    }

    /// The value and the id that stand for the entry in a cursor.
    pub(super) fn position(&self) -> (&[u8], &[u8]) {
        match &self.label {
            Some(LabelKey { value, id }) => (value, id),
            // No label has an empty value, so this marks a stray key.
            None => (&[], &self.sort),
        }
    }
}

impl LabelKey {
    fn of(item: &Item, sort: &[u8], bucket: u8) -> Option<Self> {
        let (value, tail) = layout::split(sort)?;
        let id = if layout::is_whole(sort) {
            tail
        } else {
            item::blob(item, item::ID)?
        };
        let is_ours = id.len() <= RecordKey::MAX_ID
            && layout::bucket(&value) == bucket
            && layout::sort(&value, id) == sort;
        is_ours.then(|| Self {
            id: id.to_vec(),
            value,
        })
    }
}

/// The sort key at a position: that of a label, or of a stray key that was skipped.
pub(super) fn sort_at(position: &Position) -> Vec<u8> {
    if position.value.is_empty() {
        position.id.clone()
    } else {
        layout::sort(&position.value, &position.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cursor cannot hold the id of a longer one, and no record has it.
    #[test]
    fn the_key_of_an_overlong_id_is_a_stray() {
        for (length, is_ours) in [(RecordKey::MAX_ID, true), (RecordKey::MAX_ID + 1, false)] {
            let id = vec![7; length];
            let sort = layout::sort(b"value", &id);
            let item = Item::from([
                (item::SORT.to_owned(), item::bytes(sort.clone())),
                (item::ID.to_owned(), item::bytes(id.clone())),
            ]);
            let entry = Entry::of(&item, layout::bucket(b"value")).unwrap();
            let expected = if is_ours {
                (&b"value"[..], &*id)
            } else {
                (&b""[..], &*sort)
            };
            assert_eq!(entry.position(), expected);
        }
    }
}
