//! Pages of what is sought in the store: so much is looked at for one, and no more.

use crate::store::{Cursor, Query, Record, Store, StoreError};

/// The most records that the store is asked for at once.
const STEP_AT_MOST: usize = 1000;
/// The most that is looked at for a page, but for the last step: a record counts as one, and each KiB of its body as one more.
const LOOK_AT_MOST: usize = 10_000;

/// How many entries a list has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Those that could be read.
    pub count: u64,
    /// Those that were changed from outside.
    pub tampered: u64,
}

impl Tally {
    pub(crate) fn add<T, E>(&mut self, entries: &[Result<T, E>]) {
        for entry in entries {
            let count = match entry {
                Ok(_) => &mut self.count,
                Err(_) => &mut self.tampered,
            };
            *count = count.saturating_add(1);
        }
    }
}

/// Whether there is any record of these: a page of nothing may have more behind it.
pub(crate) async fn finds_any(store: &dyn Store, query: Query) -> Result<bool, StoreError> {
    let mut query = query.limit(1);
    loop {
        let page = store.scan(&query).await?;
        if !page.records.is_empty() || page.next.is_none() {
            return Ok(!page.records.is_empty());
        }
        query = query.after(page.next);
    }
}

/// A page in the making.
pub(crate) struct Search<'a, T> {
    store: &'a dyn Store,
    limit: usize,
    pub(crate) found: Vec<T>,
    looked_at: usize,
    records: usize,
}

impl<'a, T> Search<'a, T> {
    pub(crate) fn new(store: &'a dyn Store, limit: usize) -> Self {
        Self {
            store,
            limit,
            found: Vec::new(),
            looked_at: 0,
            records: 0,
        }
    }

    /// Whether the page ends here: it is full, or enough has been looked at.
    pub(crate) fn is_over(&self) -> bool {
        self.found.len() >= self.limit || self.looked_at >= LOOK_AT_MOST
    }

    /// Reads on until that is so, or what the query selects has ended: then there is no cursor.
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

    /// Reads on by some records, or so far that no more is found than there is room for: the store's cursor is right behind the last one that is
    /// shown.
    async fn step(
        &mut self,
        query: &Query,
        after: Option<Cursor>,
        judge: impl Fn(Record) -> Option<T>,
    ) -> Result<Option<Cursor>, StoreError> {
        let room = self.limit.saturating_sub(self.found.len());
        // What is found rarely is sought in longer and longer steps.
        let mut records = room.max(self.records).min(STEP_AT_MOST);
        loop {
            let limit = u32::try_from(records).unwrap_or(u32::MAX);
            let query = query.clone().limit(limit).after(after.clone());
            let page = self.store.scan(&query).await?;
            // A page of the store that is empty is work, too: the store has looked at what it passed by.
            let (mut found, mut looked_at) = (Vec::new(), 1_usize);
            let mut fit = None;
            for (at, record) in page.records.into_iter().enumerate() {
                looked_at = looked_at.saturating_add(work(&record));
                let Some(entry) = judge(record) else {
                    continue;
                };
                if found.len() >= room {
                    fit = Some(at);
                    break;
                }
                found.push(entry);
            }
            match fit {
                // Too many of them: those that fit are read once more.
                Some(at) if (1..records).contains(&at) => records = at,
                _ => {
                    if page.next.is_some() {
                        looked_at = looked_at.max(records);
                    }
                    self.found.append(&mut found);
                    self.looked_at = self.looked_at.saturating_add(looked_at);
                    self.records = self.records.saturating_add(records);
                    return Ok(page.next);
                }
            }
        }
    }
}

/// How much work it is to look at a record.
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

    /// Records with ids from 0 on.
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

    /// Each page of those that are wanted, and at how many records it looked.
    async fn pages(
        store: &MemoryStore,
        limit: usize,
        is_wanted: impl Fn(u32) -> bool,
    ) -> Vec<(Vec<u32>, usize)> {
        let (mut pages, mut next) = (Vec::new(), None);
        loop {
            let looked_at = AtomicUsize::new(0);
            let judge = |record: Record| {
                looked_at.fetch_add(1, Ordering::SeqCst);
                let id = u32::from_be_bytes(record.key.id.try_into().unwrap());
                is_wanted(id).then_some(id)
            };
            let mut search = Search::new(store, limit);
            next = search.read(&Query::all(NOTES), next, judge).await.unwrap();
            pages.push((search.found, looked_at.into_inner()));
            if next.is_none() {
                return pages;
            }
        }
    }

    fn all(pages: &[(Vec<u32>, usize)]) -> Vec<u32> {
        pages.iter().flat_map(|(page, _)| page.clone()).collect()
    }

    /// Some forty of these are as much as a page looks at, and its last step looks at no more than all others did.
    #[tokio::test]
    async fn a_page_looks_at_so_much_and_its_cursor_goes_on() {
        let store = filled(150, 256 * 1024).await;
        let order = all(&pages(&store, 1000, |_| true).await);
        let last = *order.last().unwrap();
        let found = pages(&store, 1, |id| id == last).await;
        assert!(found.len() > 1);
        assert!(
            found.iter().all(|(_, looked_at)| *looked_at <= 80),
            "{found:?}"
        );
        assert_eq!(all(&found), [last]);
    }

    /// Each of its pages is empty, and there is always another one.
    #[derive(Debug, Default)]
    struct Endless {
        pages: AtomicUsize,
    }

    #[async_trait::async_trait]
    impl Store for Endless {
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
    async fn a_page_ends_where_the_store_finds_nothing_for_long() {
        let store = Endless::default();
        let mut search = Search::new(&store, 1);
        let next = search.read(&Query::all(NOTES), None, Some).await.unwrap();
        assert!(next.is_some() && search.found.is_empty());
        assert!(store.pages.into_inner() <= 25);
    }

    #[tokio::test]
    async fn pages_of_any_size_have_each_once_and_are_full_but_for_the_last() {
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
