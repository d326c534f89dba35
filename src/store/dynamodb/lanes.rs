//! The keys of labels in the order of a scan, merged from the buckets in which they lie.

use std::collections::VecDeque;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use crate::store::error::StoreError;
use crate::store::query::Position;

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
    pub(super) value: Vec<u8>,
    pub(super) id: Vec<u8>,
}

/// The buckets of a range, each with some of its keys read ahead.
pub(super) struct Lanes {
    lanes: Vec<Lane>,
}

struct Lane {
    store: DynamoStore,
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
        spans: Vec<Span>,
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
        let skip = after.map(|position| layout::sort(&position.value, &position.id));
        let opened = spans.into_iter().map(|span| {
            let request = store.query(&span).limit(part);
            let mut lane = Lane {
                store: store.clone(),
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

    /// Reads on where nothing is left, until there is something or the end is reached.
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
            let entries = answer.items.into_iter().flatten().filter_map(entry);
            let skip = self.skip.as_deref();
            self.ahead
                .extend(entries.filter(|entry| Some(&*entry.sort) != skip));
        }
        Ok(())
    }
}

/// The key of an item. One that this engine does not make leads nowhere, and is passed by.
fn entry(item: Item) -> Option<Entry> {
    let sort = item::blob(&item, item::SORT)?;
    let (value, behind) = layout::split(sort)?;
    let id = if layout::is_whole(sort) {
        behind
    } else {
        item::blob(&item, item::ID)?
    };
    (layout::sort(&value, id) == sort).then(|| Entry {
        sort: sort.to_vec(),
        id: id.to_vec(),
        value,
    })
}
