//! The keys of labels in the order of a scan, merged from the buckets in which they lie.

use std::collections::VecDeque;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use sealtoken_store::StoreError;
use sealtoken_store::engine::Position;

use super::DynamoStore;
use super::item::{self, Item};
use super::layout;
use super::scan::count;
use super::span::{Span, at_once, rest};

/// The most keys that are asked for at once.
const MOST: usize = 500;

/// The key of a label's item.
#[derive(Debug)]
pub(super) struct Entry {
    sort: Vec<u8>,
    /// `None` where this engine makes no such key: an attacker may have put it there.
    pub(super) label: Option<Named>,
}

/// What a key says.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) value: Vec<u8>,
    pub(super) id: Vec<u8>,
}

/// The buckets of a range, each with some of its keys read ahead.
pub(super) struct Lanes {
    lanes: Vec<Lane>,
}

struct Lane {
    store: DynamoStore,
    bucket: u8,
    /// What is to be asked next, unless nothing is left.
    next: Option<QueryFluentBuilder>,
    /// The key at which the last page ended.
    skip: Option<Vec<u8>>,
    ahead: VecDeque<Entry>,
}

impl Lanes {
    /// Begins to read all buckets, at once.
    pub(super) async fn open(
        store: &DynamoStore,
        spans: Vec<(u8, Span)>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Self, StoreError> {
        // Values are spread over the buckets: each is asked for its part, twice over, since none is spread evenly. There is one more than the
        // page holds, and one that may be skipped.
        let even = limit.saturating_mul(2).checked_div(spans.len());
        let part = match spans.len() {
            1 => limit,
            _ => even.unwrap_or(1),
        };
        let part = count(part.saturating_add(2).min(MOST));
        let skip = after.map(sort_at);
        let opened = spans.into_iter().map(|(bucket, span)| {
            let request = store.query(&span).limit(part);
            let mut lane = Lane {
                store: store.clone(),
                bucket,
                next: Some(request),
                skip: skip.clone(),
                ahead: VecDeque::new(),
            };
            async move {
                lane.fill().await?;
                Ok(lane)
            }
        });
        let lanes = at_once(opened).await?;
        Ok(Self { lanes })
    }

    /// The next keys; fewer only at the end.
    pub(super) async fn take(&mut self, most: usize) -> Result<Vec<Entry>, StoreError> {
        let mut taken = Vec::new();
        while taken.len() < most {
            for lane in &mut self.lanes {
                lane.fill().await?;
            }
            let fronts = self.lanes.iter_mut().filter(|lane| !lane.ahead.is_empty());
            let first = fronts.min_by(|a, b| a.front().cmp(&b.front()));
            let Some(entry) = first.and_then(|lane| lane.ahead.pop_front()) else {
                break;
            };
            taken.push(entry);
        }
        Ok(taken)
    }
}

impl Lane {
    fn front(&self) -> Option<&[u8]> {
        self.ahead.front().map(|entry| &*entry.sort)
    }

    /// Reads on where nothing is left, until there is something or the end is reached: whatever the
    /// keys are, each counts, so that no page is longer than it may be.
    async fn fill(&mut self) -> Result<(), StoreError> {
        while self.ahead.is_empty()
            && let Some(request) = self.next.take()
        {
            let answer = self.store.ask(|| request.clone().send()).await?;
            let key = rest(answer.last_evaluated_key);
            // One that was not enough is asked for more and more.
            let more = request.get_limit().map(|part| part.saturating_mul(2));
            let request = request.set_limit(more.map(|more| more.min(count(MOST))));
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
            label: Named::of(item, sort, bucket),
        })
    }

    /// Where it stands, for a cursor.
    pub(super) fn position(&self) -> Position {
        match &self.label {
            Some(Named { value, id }) => Position::new(value, id),
            // No value is empty, so this stands for no label.
            None => Position::new(&[], &self.sort),
        }
    }
}

impl Named {
    fn of(item: &Item, sort: &[u8], bucket: u8) -> Option<Self> {
        let (value, behind) = layout::split(sort)?;
        let id = if layout::is_whole(sort) {
            behind
        } else {
            item::blob(item, item::ID)?
        };
        let is_ours = layout::bucket(&value) == bucket && layout::sort(&value, id) == sort;
        is_ours.then(|| Self {
            id: id.to_vec(),
            value,
        })
    }
}

/// The sort key at a position: the one of a label, or any that was passed by.
pub(super) fn sort_at(position: &Position) -> Vec<u8> {
    if position.value.is_empty() {
        position.id.clone()
    } else {
        layout::sort(&position.value, &position.id)
    }
}
