//! Searches the store page by page, with a bounded amount of work per page.

use crate::store::{Cursor, Query, Record, Store, StoreError};

/// The maximum number of records to request from the store at once.
const MAX_STEP: usize = 1000;
/// The work after which a page ends; its last step may exceed it. A record counts as one, and each
/// KiB of its body as one more.
const MAX_WORK: usize = 10_000;

/// Whether any record matches. An empty page does not mean none: more may follow it.
pub(crate) async fn matches_any(store: &dyn Store, query: Query) -> Result<bool, StoreError> {
    let mut query = query.limit(1);
    loop {
        let page = store.scan(&query).await?;
        if !page.records.is_empty() || page.next.is_none() {
            return Ok(!page.records.is_empty());
        }
        query = query.after(page.next);
    }
}

/// A page that is being filled.
pub(crate) struct Search<'a, T> {
    store: &'a dyn Store,
    limit: usize,
    pub(crate) found: Vec<T>,
    examined: usize,
    records: usize,
}

impl<'a, T> Search<'a, T> {
    pub(crate) fn new(store: &'a dyn Store, limit: usize) -> Self {
        Self {
            store,
            limit,
            found: Vec::new(),
            examined: 0,
            records: 0,
        }
    }

    /// Whether the page ends here: it is full, or its work is used up.
    pub(crate) fn is_over(&self) -> bool {
        self.found.len() >= self.limit || self.examined >= MAX_WORK
    }

    /// Reads on until the page is over; returns no cursor at the end of the query.
    pub(crate) async fn read(
        &mut self,
        query: &Query,
        mut after: Option<Cursor>,
        judge: impl Fn(Record) -> Option<T>,
    ) -> Result<Option<Cursor>, StoreError> {
        loop {
            after = self.step(query, after, &judge).await?;
            if after.is_none() || self.is_over() {
                return Ok(after);
            }
        }
    }

    /// Reads some records, but never past the last entry that fits, so that the store's cursor
    /// points right after it.
    async fn step(
        &mut self,
        query: &Query,
        after: Option<Cursor>,
        judge: impl Fn(Record) -> Option<T>,
    ) -> Result<Option<Cursor>, StoreError> {
        let room = self.limit.saturating_sub(self.found.len());
        // Steps grow while few records match.
        let mut records = room.max(self.records).min(MAX_STEP);
        loop {
            let limit = u32::try_from(records).unwrap_or(u32::MAX);
            let query = query.clone().limit(limit).after(after.clone());
            let page = self.store.scan(&query).await?;
            // An empty page counts as work too: the store examined the records it skipped.
            let (mut found, mut examined) = (Vec::new(), 1_usize);
            let mut first_left_out = None;
            for (at, record) in page.records.into_iter().enumerate() {
                examined = examined.saturating_add(work(&record));
                let Some(entry) = judge(record) else {
                    continue;
                };
                if found.len() >= room {
                    first_left_out = Some(at);
                    break;
                }
                found.push(entry);
            }
            match first_left_out {
                // More matched than fit: read again only up to there.
                Some(at) if (1..records).contains(&at) => records = at,
                _ => {
                    if page.next.is_some() {
                        examined = examined.max(records);
                    }
                    self.found.append(&mut found);
                    self.examined = self.examined.saturating_add(examined);
                    self.records = self.records.saturating_add(records);
                    return Ok(page.next);
                }
            }
        }
    }
}

/// The work of examining a record.
fn work(record: &Record) -> usize {
    record.body.len().div_euclid(1024).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::crypto::clock::UnixTime;
    use crate::store::{
        Change, Collection, Limits, MemoryStore, Outcome, Page, RecordKey, Version,
    };

    const NOTES: Collection = Collection::from_static("note");

    /// A store with records whose ids count from 0.
    async fn filled(records: u32, bytes: usize) -> MemoryStore {
        let store = MemoryStore::new();
        for n in 0..records {
            let key = RecordKey::new(NOTES, n.to_be_bytes());
            let record = Record::new(key, Version::draw().unwrap(), vec![0; bytes]);
            let written = store.write(&[Change::Insert(record)]).await;
            assert_eq!(written, Ok(Outcome::Written));
        }
        store
    }

    /// The wanted records page by page, each page with the number of records it examined.
    async fn pages(
        store: &MemoryStore,
        limit: usize,
        is_wanted: impl Fn(u32) -> bool,
    ) -> Vec<(Vec<u32>, usize)> {
        let (mut pages, mut next) = (Vec::new(), None);
        loop {
            let examined = AtomicUsize::new(0);
            let judge = |record: Record| {
                examined.fetch_add(1, Ordering::SeqCst);
                let id = u32::from_be_bytes(record.key.id.try_into().unwrap());
                is_wanted(id).then_some(id)
            };
            let mut search = Search::new(store, limit);
            next = search.read(&Query::all(NOTES), next, judge).await.unwrap();
            pages.push((search.found, examined.into_inner()));
            if next.is_none() {
                return pages;
            }
        }
    }

    fn all(pages: &[(Vec<u32>, usize)]) -> Vec<u32> {
        pages.iter().flat_map(|(page, _)| page.clone()).collect()
    }

    /// About forty of these use up a page's work, and its last step examines at most as many as all
    /// steps before it.
    #[tokio::test]
    async fn the_work_per_page_is_bounded_and_its_cursor_continues() {
        let store = filled(150, 256 * 1024).await;
        let order = all(&pages(&store, 1000, |_| true).await);
        let last = *order.last().unwrap();
        let found = pages(&store, 1, |id| id == last).await;
        assert!(found.len() > 1);
        assert!(
            found.iter().all(|(_, examined)| *examined <= 80),
            "{found:?}"
        );
        assert_eq!(all(&found), [last]);
    }

    /// A store whose pages are all empty and never end.
    #[derive(Debug, Default)]
    struct EmptyPages {
        pages: AtomicUsize,
    }

    #[async_trait::async_trait]
    impl Store for EmptyPages {
        fn limits(&self) -> Limits {
            MemoryStore::new().limits()
        }
        async fn get(&self, _: &RecordKey) -> Result<Option<Record>, StoreError> {
            Ok(None)
        }
        async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
            Ok(vec![None; keys.len()])
        }
        async fn write(&self, _: &[Change]) -> Result<Outcome, StoreError> {
            Ok(Outcome::Written)
        }
        async fn scan(&self, _: &Query) -> Result<Page, StoreError> {
            self.pages.fetch_add(1, Ordering::SeqCst);
            Ok(Page {
                records: Vec::new(),
                next: Some(Cursor::from_bytes("on")),
            })
        }
        async fn count(&self, _: &Query) -> Result<u64, StoreError> {
            Ok(0)
        }
        async fn purge(&self, _: &Collection, _: UnixTime, _: u32) -> Result<u32, StoreError> {
            Ok(0)
        }
    }

    #[tokio::test]
    async fn a_page_ends_after_many_empty_pages_of_the_store() {
        let store = EmptyPages::default();
        let mut search = Search::new(&store, 1);
        let next = search.read(&Query::all(NOTES), None, Some).await.unwrap();
        assert!(next.is_some() && search.found.is_empty());
        assert!(store.pages.into_inner() <= 25);
    }

    #[tokio::test]
    async fn pages_of_any_size_show_each_entry_once_and_all_but_the_last_are_full() {
        let store = filled(340, 1).await;
        let is_wanted = |id: u32| id % 100 < 30;
        for limit in [1, 7, 29, 30, 100, 119, 120, 121, 1000] {
            let found = pages(&store, limit, is_wanted).await;
            let mut ids = all(&found);
            ids.sort_unstable();
            assert_eq!(
                ids,
                (0..340).filter(|id| is_wanted(*id)).collect::<Vec<_>>()
            );
            let (last, full) = found.split_last().unwrap();
            assert!(full.iter().all(|(page, _)| page.len() == limit), "{limit}");
            assert!(last.0.len() <= limit);
        }
    }
}
