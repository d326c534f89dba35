//! What is in a namespace, found by label and by time.

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::events::Operation;
use crate::sealed::{Search, Tally};
use crate::store::{Cursor, Query, Record, Values};

use super::names;
use super::namespace::Namespace;
use super::row::Row;
use super::target::ValueId;
use super::{Vault, VaultError};

/// Where a value stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It can be had.
    Live,
    /// Its end has come.
    Expired,
    /// It was soft-deleted; whether it has expired, too, its end tells.
    Deleted,
}

impl State {
    /// `live`, `expired` or `deleted`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }
}

/// What is known about a value: times, state and label. Never the value, and not the token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// By what it is renewed, hidden, restored and removed without the token.
    pub id: ValueId,
    /// Where it stands.
    pub state: State,
    /// When the token was created.
    pub created_at: UnixTime,
    /// When the value was written last.
    pub updated_at: UnixTime,
    /// When it ends.
    pub expires_at: Option<UnixTime>,
    /// When it was soft-deleted.
    pub deleted_at: Option<UnixTime>,
    /// The label of its creation.
    pub label: Option<String>,
    /// Whether a password protects it.
    pub has_password: bool,
    /// The bytes of the value.
    pub length: u64,
    /// The number of the present value, from 1.
    pub version: u64,
    /// How many earlier values are kept.
    pub earlier_versions: u64,
}

impl Info {
    pub(super) fn of(namespace: &Namespace, row: &Row, now: UnixTime) -> Result<Self, VaultError> {
        let meta = &row.meta;
        Ok(Self {
            id: ValueId::of(&row.key)?,
            state: if meta.is_deleted() {
                State::Deleted
            } else if meta.is_expired(now) {
                State::Expired
            } else {
                State::Live
            },
            created_at: UnixTime::from_secs(meta.created),
            updated_at: UnixTime::from_secs(meta.updated),
            expires_at: meta.expires_at(),
            deleted_at: meta.deleted.map(UnixTime::from_secs),
            label: meta.label.clone(),
            has_password: row.data_key != namespace.open.id,
            length: meta.length,
            version: meta.revision,
            earlier_versions: meta.revision.saturating_sub(meta.oldest),
        })
    }
}

/// A part of a list.
#[derive(Debug)]
#[non_exhaustive]
pub struct ListPage {
    /// What was found: fewer than the limit, or none, also where there are more. A record that was
    /// changed from outside is an error of its own, and hides no other.
    pub entries: Vec<Result<Info, VaultError>>,
    /// Where to go on; `None` at the end, and only there.
    pub next: Option<Cursor>,
}

/// Which of expired, or of deleted, values are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    No,
    Too,
    Only,
}

impl Wanted {
    fn admits(self, is: bool) -> bool {
        match self {
            Self::No => !is,
            Self::Too => true,
            Self::Only => is,
        }
    }
}

/// Finds values: [`Vault::list`]. Awaited, it gives a page; [`count`](List::count) gives a number.
#[derive(Debug, Clone)]
#[must_use = "nothing is listed until this is awaited"]
pub struct List<'a> {
    vault: &'a Vault,
    label: Option<String>,
    created: (Option<UnixTime>, Option<UnixTime>),
    expires: (Option<UnixTime>, Option<UnixTime>),
    expired: Wanted,
    deleted: Wanted,
    limit: u32,
    after: Option<Cursor>,
}

impl Vault {
    /// Finds values of this namespace: the live ones, unless the builder is told otherwise, in the order of their creation as a rule.
    ///
    /// A page looks at some ten thousand values at most. Where few of them are wanted it comes
    /// short or empty, with a cursor that goes on.
    ///
    /// ```
    /// # use sealtoken::vault::{Vault, VaultError};
    /// # async fn example(vault: Vault) -> Result<(), VaultError> {
    /// let mut next = None;
    /// loop {
    ///     let page = vault.list().label("backup").limit(50).after(next).await?;
    ///     for entry in page.entries {
    ///         println!("{:?}", entry?.expires_at);
    ///     }
    ///     next = page.next;
    ///     if next.is_none() { break }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`]. A record that was changed from outside is an error in its own place.
    pub fn list(&self) -> List<'_> {
        List {
            vault: self,
            label: None,
            created: (None, None),
            expires: (None, None),
            expired: Wanted::No,
            deleted: Wanted::No,
            limit: 100,
            after: None,
        }
    }
}

impl List<'_> {
    /// Those with this label.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Those created at this moment or later.
    pub fn created_from(mut self, at: impl Into<UnixTime>) -> Self {
        self.created.0 = Some(at.into());
        self
    }

    /// Those created before this moment.
    pub fn created_before(mut self, at: impl Into<UnixTime>) -> Self {
        self.created.1 = Some(at.into());
        self
    }

    /// Those that end at this moment or later, so not those without an end.
    pub fn expires_from(mut self, at: impl Into<UnixTime>) -> Self {
        self.expires.0 = Some(at.into());
        self
    }

    /// Those that end before this moment.
    pub fn expires_before(mut self, at: impl Into<UnixTime>) -> Self {
        self.expires.1 = Some(at.into());
        self
    }

    /// Also those that have expired.
    pub fn with_expired(mut self) -> Self {
        self.expired = Wanted::Too;
        self
    }

    /// Those that have expired, and no others.
    pub fn only_expired(mut self) -> Self {
        self.expired = Wanted::Only;
        self
    }

    /// Also those that are soft-deleted.
    pub fn with_deleted(mut self) -> Self {
        self.deleted = Wanted::Too;
        self
    }

    /// Those that are soft-deleted, and no others.
    pub fn only_deleted(mut self) -> Self {
        self.deleted = Wanted::Only;
        self
    }

    /// The most entries of a page; 100 unless set.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// From where a page ended.
    pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.after = cursor.into();
        self
    }

    /// How many there are, on all pages, that can be read: [`tally`](List::tally) says how many cannot.
    ///
    /// Each is looked at, so it takes as long as a list to its end, but for the whole of a
    /// namespace and for a label with expired and deleted ones: there the store counts, which
    /// trusts that nobody changed its index or a record.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub async fn count(self) -> Result<u64, VaultError> {
        let vault = self.vault;
        let untimed = self.created == (None, None) && self.expires == (None, None);
        let whole = self.expired == Wanted::Too && self.deleted == Wanted::Too;
        let result = if untimed && whole {
            self.count_in_store().await
        } else {
            self.try_tally().await.map(|tally| tally.count)
        };
        let count = result.as_ref().ok().copied();
        vault.report(Operation::VaultList, None, count, result)
    }

    /// How many there are, on all pages, and how many records were changed from outside. Each is
    /// looked at.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub async fn tally(self) -> Result<Tally, VaultError> {
        let vault = self.vault;
        let result = self.try_tally().await;
        let count = result.as_ref().ok().map(|tally| tally.count);
        vault.report(Operation::VaultList, None, count, result)
    }

    async fn count_in_store(self) -> Result<u64, VaultError> {
        let namespace = self.vault.for_reading().await?;
        if namespace.is_phantom {
            return Ok(0);
        }
        Ok(self.vault.store().count(&self.query(&namespace)).await?)
    }

    async fn try_tally(mut self) -> Result<Tally, VaultError> {
        let namespace = self.vault.for_reading().await?;
        self.limit = 1000;
        let mut tally = Tally::default();
        loop {
            let page = self.page(&namespace).await?;
            tally.add(&page.entries);
            self.after = page.next;
            if self.after.is_none() {
                return Ok(tally);
            }
        }
    }

    async fn run(self) -> Result<ListPage, VaultError> {
        let page = match self.vault.for_reading().await {
            Ok(namespace) => self.page(&namespace).await,
            Err(error) => Err(error),
        };
        let count = page.as_ref().ok().map(|page| page.entries.len() as u64);
        self.vault.report(Operation::VaultList, None, count, page)
    }

    async fn page(&self, namespace: &Namespace) -> Result<ListPage, VaultError> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut search = Search::new(self.vault.store(), limit);
        let mut next = None;
        if !namespace.is_phantom {
            let (query, now) = (self.query(namespace), self.vault.now());
            let judge = |record| self.judge(namespace, now, record).transpose();
            next = search.read(&query, self.after.clone(), judge).await?;
        }
        let entries = search.found;
        Ok(ListPage { entries, next })
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

    /// The index with the fewest entries that holds all that is wanted.
    fn query(&self, namespace: &Namespace) -> Query {
        let timed = |from: Option<UnixTime>, until: Option<UnixTime>| {
            let mark = namespace.mark();
            let value = |at: UnixTime| [mark, namespace.keyset.order(at)].concat();
            let all = Values::beginning_with(mark);
            Values {
                from: from.map_or(all.from, value),
                // The last second of all is the end of the order, too: nothing is beyond it.
                until: until
                    .filter(|at| at.as_secs() <= MAX_SECONDS)
                    .map(value)
                    .or(all.until),
            }
        };
        let (name, values) = if let Some(label) = &self.label {
            let value = namespace.keyset.label(&[b"label", label.as_bytes()]);
            (names::LABEL, Values::exactly(value))
        } else if self.deleted == Wanted::Only {
            (names::DELETED, timed(None, None))
        } else if self.deleted == Wanted::No
            && (self.expires != (None, None) || self.expired == Wanted::Only)
        {
            // What has expired ends before the next second.
            let next = self.vault.now().saturating_add(1);
            let until = match (self.expired, self.expires.1) {
                (Wanted::Only, Some(until)) => Some(until.min(next)),
                (Wanted::Only, None) => Some(next),
                (_, until) => until,
            };
            (names::EXPIRES, timed(self.expires.0, until))
        } else {
            (names::CREATED, timed(self.created.0, self.created.1))
        };
        Query::label(names::VALUES, name, values)
    }
}

awaited!(List => ListPage);
