//! Finding values by label, by time and by state.

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::events::Observed;
use crate::sealed::{Listing, Page, Search, State, States, seal};
use crate::store::{Cursor, Query, Record, Values};

use super::info::ValueInfo;
use super::names;
use super::namespace::NamespaceKeys;
use super::row::Row;
use super::{Vault, VaultError, operation};

/// The values that [`Vault::list`] lists.
#[derive(Debug, Clone)]
pub struct ListedValues {
    vault: Vault,
    label: Option<String>,
    created: (Option<UnixTime>, Option<UnixTime>),
    expires: (Option<UnixTime>, Option<UnixTime>),
    states: States,
}

impl Vault {
    /// Lists the values of this namespace: the live ones, unless [`only`](Listing::only) or
    /// [`with`](Listing::with) asks for others.
    ///
    /// Without filters they come in the order of creation; by expiry or deletion, in that order; by
    /// label, in no particular one.
    ///
    /// A page examines about ten thousand values at most. If few of them match, it is short or
    /// empty, with a cursor to continue from.
    ///
    /// ```
    /// # use sealtoken::State;
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
    ///
    /// let soft_deleted = vault.list().only(State::Deleted).count().await?;
    /// let live_or_expired = vault.list().with(State::Expired).count().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`VaultError::Service`]. A damaged or tampered record is an error in its own place.
    pub fn list(&self) -> Listing<ListedValues> {
        Listing::new(ListedValues {
            vault: self.clone(),
            label: None,
            created: (None, None),
            expires: (None, None),
            states: States::only(State::Live),
        })
    }
}

impl Listing<ListedValues> {
    /// Only values with this label.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.wanted.label = Some(label.into());
        self
    }

    /// Only values created at this moment or later.
    pub fn created_from(mut self, at: impl Into<UnixTime>) -> Self {
        self.wanted.created.0 = Some(at.into());
        self
    }

    /// Only values created before this moment.
    pub fn created_before(mut self, at: impl Into<UnixTime>) -> Self {
        self.wanted.created.1 = Some(at.into());
        self
    }

    /// Only values that expire, and at this moment or later.
    pub fn expires_from(mut self, at: impl Into<UnixTime>) -> Self {
        self.wanted.expires.0 = Some(at.into());
        self
    }

    /// Only values that expire before this moment.
    pub fn expires_before(mut self, at: impl Into<UnixTime>) -> Self {
        self.wanted.expires.1 = Some(at.into());
        self
    }
}

impl seal::Read for ListedValues {
    type Entry = ValueInfo;
    type Error = VaultError;

    fn observe(&self) -> Observed<'_> {
        self.vault.observe(operation::LIST)
    }

    fn states(&mut self) -> &mut States {
        &mut self.states
    }

    async fn read(
        &self,
        observed: &Observed<'_>,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Page<ValueInfo, VaultError>, VaultError> {
        let namespace = self.vault.for_reading(observed).await?;
        let mut search = Search::new(namespace.store(), limit);
        let mut next = None;
        if !namespace.is_stand_in {
            let (query, now) = (self.query(&namespace), self.vault.now());
            let judge = |record| self.judge(&namespace, now, record).transpose();
            next = search.read(&query, after, judge).await?;
        }
        let entries = search.found;
        Ok(Page { entries, next })
    }

    /// The store can count all values of a namespace or of a label.
    async fn count_in_store(&self, observed: &Observed<'_>) -> Result<Option<u64>, VaultError> {
        let untimed = self.created == (None, None) && self.expires == (None, None);
        let each = [State::Live, State::Expired, State::Deleted];
        if !(untimed && self.states.contains_all(each)) {
            return Ok(None);
        }
        let namespace = self.vault.for_reading(observed).await?;
        if namespace.is_stand_in {
            return Ok(Some(0));
        }
        let count = namespace.store().count(&self.query(&namespace)).await?;
        Ok(Some(count))
    }
}

impl ListedValues {
    /// What is known about the value of a record, if it matches.
    fn judge(
        &self,
        namespace: &NamespaceKeys,
        now: UnixTime,
        record: Record,
    ) -> Result<Option<ValueInfo>, VaultError> {
        let row = Row::open(namespace, record)?;
        let meta = &row.meta;
        let within = |at: Option<UnixTime>, (from, until): (Option<UnixTime>, Option<UnixTime>)| {
            let late = from.is_none_or(|from| at.is_some_and(|at| at >= from));
            let early = until.is_none_or(|until| at.is_some_and(|at| at < until));
            late && early
        };
        let matches = self.states.contains(meta.state_at(now))
            && within(Some(UnixTime::from_secs(meta.created)), self.created)
            && within(meta.expires_at(), self.expires)
            && self
                .label
                .as_ref()
                .is_none_or(|label| meta.label.as_ref() == Some(label));
        let info = || ValueInfo::of(namespace, &row, now);
        matches.then(info).transpose()
    }

    /// The smallest index that holds all values that match.
    fn query(&self, namespace: &NamespaceKeys) -> Query {
        let timed = |from: Option<UnixTime>, until: Option<UnixTime>| {
            let prefix = namespace.scope_prefix();
            let value = |at: UnixTime| [prefix, namespace.keyset.order(at)].concat();
            let all = Values::beginning_with(prefix);
            Values {
                from: from.map_or(all.from, value),
                // The order ends with the calendar: no value is beyond its last second.
                until: until
                    .filter(|at| at.as_secs() <= MAX_SECONDS)
                    .map_or(all.until, value),
            }
        };
        let (name, values) = if let Some(label) = &self.label {
            let value = namespace.keyset.label(&[b"label", label.as_bytes()]);
            (names::LABEL, Values::exactly(value))
        } else if self.states == States::only(State::Deleted) {
            (names::DELETED, timed(None, None))
        } else if !self.states.contains(State::Deleted)
            && (self.expires != (None, None) || !self.states.contains(State::Live))
        {
            // Expired values expire before the next second.
            let next = self.vault.now().saturating_add(1);
            let until = if self.states.contains(State::Live) {
                self.expires.1
            } else {
                Some(self.expires.1.map_or(next, |until| until.min(next)))
            };
            (names::EXPIRES, timed(self.expires.0, until))
        } else {
            (names::CREATED, timed(self.created.0, self.created.1))
        };
        Query::label(names::VALUES, name, values)
    }
}
