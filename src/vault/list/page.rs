//! A page of a list: so much is looked at, and no more.

use crate::crypto::clock::UnixTime;
use crate::store::{Cursor, Record};
use crate::vault::namespace::Namespace;
use crate::vault::row::Row;
use crate::vault::{Info, VaultError};

use super::{List, ListPage};

/// The most records that the store is asked for at once.
const STEP_AT_MOST: usize = 1000;
/// The most that is looked at for a page, but for the last step: a record counts as one, and each
/// KiB of its body as one more.
const LOOK_AT_MOST: usize = 10_000;

/// What the store was asked for at once.
struct Step {
    found: Vec<Result<Info, VaultError>>,
    looked_at: usize,
    next: Option<Cursor>,
}

impl List<'_> {
    /// Reads until the page is full, the list at its end, or enough has been looked at.
    pub(super) async fn page(&self, namespace: &Namespace) -> Result<ListPage, VaultError> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let (mut entries, mut looked_at) = (Vec::new(), 0_usize);
        let mut next = self.after.clone();
        if namespace.is_phantom {
            return Ok(ListPage {
                entries,
                next: None,
            });
        }
        loop {
            let room = limit.saturating_sub(entries.len());
            // What is found rarely is sought in longer and longer steps.
            let records = room.max(looked_at).min(STEP_AT_MOST);
            let step = self.step(namespace, next, records, room).await?;
            entries.extend(step.found);
            looked_at = looked_at.saturating_add(step.looked_at);
            next = step.next;
            if next.is_none() || entries.len() >= limit || looked_at >= LOOK_AT_MOST {
                return Ok(ListPage { entries, next });
            }
        }
    }

    /// Reads on by so many records, or so far that no more is found than there is room for: the
    /// store's cursor is right behind the last one that is shown.
    async fn step(
        &self,
        namespace: &Namespace,
        after: Option<Cursor>,
        mut records: usize,
        room: usize,
    ) -> Result<Step, VaultError> {
        loop {
            let limit = u32::try_from(records).unwrap_or(u32::MAX);
            let query = self.query(namespace).limit(limit).after(after.clone());
            let page = self.vault.store().scan(&query).await?;
            let now = self.vault.now();
            let mut step = Step {
                found: Vec::new(),
                // A page of the store that is empty is work, too.
                looked_at: 1,
                next: page.next,
            };
            let mut fit = None;
            for (at, record) in page.records.into_iter().enumerate() {
                step.looked_at = step.looked_at.saturating_add(work(&record));
                let Some(entry) = self.judge(namespace, now, record).transpose() else {
                    continue;
                };
                if step.found.len() >= room {
                    fit = Some(at);
                    break;
                }
                step.found.push(entry);
            }
            match fit {
                // Too many of them: those that fit are read once more.
                Some(at) if (1..records).contains(&at) => records = at,
                _ => return Ok(step),
            }
        }
    }

    /// What is known about a record, if it is wanted.
    fn judge(
        &self,
        namespace: &Namespace,
        now: UnixTime,
        record: Record,
    ) -> Result<Option<Info>, VaultError> {
        let row = Row::open(namespace, record)?;
        let meta = &row.meta;
        let within = |at: Option<UnixTime>, (from, until): (Option<UnixTime>, Option<UnixTime>)| {
            let late = from.is_none_or(|from| at.is_some_and(|at| at >= from));
            let early = until.is_none_or(|until| at.is_some_and(|at| at < until));
            late && early
        };
        let wanted = self.deleted.admits(meta.is_deleted())
            && self.expired.admits(meta.is_expired(now))
            && within(Some(UnixTime::from_secs(meta.created)), self.created)
            && within(meta.expires_at(), self.expires)
            && self
                .label
                .as_ref()
                .is_none_or(|label| meta.label.as_ref() == Some(label));
        wanted.then(|| Info::of(namespace, &row, now)).transpose()
    }
}

/// How much work it is to look at a record.
fn work(record: &Record) -> usize {
    record.body.len().div_euclid(1024).saturating_add(1)
}
