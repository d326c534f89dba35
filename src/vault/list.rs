//! Finding values by label and by time, and what is known about them.

use serde::Serialize;

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::events::Observed;
use crate::sealed::{Listing, Page, Search, State, seal};
use crate::store::{Cursor, Query, Record, Values};

use super::names;
use super::namespace::Namespace;
use super::row::Row;
use super::target::ValueId;
use super::{Vault, VaultError, operation};

/// What is known about a value: times, state and label. Never the value, and not the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ValueInfo {
    /// Identifies the value where no token is at hand.
    pub id: ValueId,
    /// Whether it can be read, or why not.
    pub state: State,
    /// When the value was created.
    pub created_at: UnixTime,
    /// When it was last updated.
    pub updated_at: UnixTime,
    /// When it expires.
    pub expires_at: Option<UnixTime>,
    /// When it was soft-deleted.
    pub deleted_at: Option<UnixTime>,
    /// The label that it was created with.
    pub label: Option<String>,
    /// Whether a password protects it.
    pub has_password: bool,
    /// The length of the value in bytes.
    pub length: u64,
    /// The number of the current version, from 1.
    pub version: u64,
    /// How many earlier values are kept.
    pub earlier_versions: u64,
}

impl ValueInfo {
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

/// Which expired, or soft-deleted, values are wanted.
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

/// The values that [`Vault::list`] lists.
#[derive(Debug, Clone)]
pub struct ListedValues {
    vault: Vault,
    label: Option<String>,
    created: (Option<UnixTime>, Option<UnixTime>),
    expires: (Option<UnixTime>, Option<UnixTime>),
    expired: Wanted,
    deleted: Wanted,
}

impl Vault {
    /// Lists the values of this namespace: the live ones, unless you ask for others. They usually
    /// come in the order of their creation.
    ///
    /// A page examines about ten thousand values at most. Where few of them match, it is short or
    /// empty, with a cursor to go on from.
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
    /// [`VaultError::Service`]. A record that was changed from outside is an error in its own
    /// place.
    pub fn list(&self) -> Listing<ListedValues> {
        Listing::new(ListedValues {
            vault: self.clone(),
            label: None,
            created: (None, None),
            expires: (None, None),
            expired: Wanted::No,
            deleted: Wanted::No,
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

    /// Expired values, too.
    pub fn with_expired(mut self) -> Self {
        self.wanted.expired = Wanted::Too;
        self
    }

    /// Only expired values.
    pub fn only_expired(mut self) -> Self {
        self.wanted.expired = Wanted::Only;
        self
    }

    /// Soft-deleted values, too.
    pub fn with_deleted(mut self) -> Self {
        self.wanted.deleted = Wanted::Too;
        self
    }

    /// Only soft-deleted values.
    pub fn only_deleted(mut self) -> Self {
        self.wanted.deleted = Wanted::Only;
        self
    }
}

impl seal::Read for ListedValues {
    type Entry = ValueInfo;
    type Error = VaultError;

    fn observe(&self) -> Observed<'_> {
        self.vault.observe(operation::LIST)
    }

    async fn read(
        &self,
        observed: &Observed<'_>,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Page<ValueInfo, VaultError>, VaultError> {
        let namespace = self.vault.for_reading(observed).await?;
        let mut search = Search::new(self.vault.store(), limit.max(1));
        let mut next = None;
        if !namespace.is_stand_in {
            let (query, now) = (self.query(&namespace), self.vault.now());
            let judge = |record| self.judge(&namespace, now, record).transpose();
            next = search.read(&query, after, judge).await?;
        }
        let entries = search.found;
        Ok(Page { entries, next })
    }

    /// For all values of a namespace or of a label.
    async fn count_in_store(&self, observed: &Observed<'_>) -> Result<Option<u64>, VaultError> {
        let untimed = self.created == (None, None) && self.expires == (None, None);
        let whole = self.expired == Wanted::Too && self.deleted == Wanted::Too;
        if !(untimed && whole) {
            return Ok(None);
        }
        let namespace = self.vault.for_reading(observed).await?;
        if namespace.is_stand_in {
            return Ok(Some(0));
        }
        let count = self.vault.store().count(&self.query(&namespace)).await?;
        Ok(Some(count))
    }
}

impl ListedValues {
    /// What is known about the value of a record, if it matches.
    fn judge(
        &self,
        namespace: &Namespace,
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
        let matches = self.deleted.admits(meta.is_deleted())
            && self.expired.admits(meta.is_expired(now))
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
    fn query(&self, namespace: &Namespace) -> Query {
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
        } else if self.deleted == Wanted::Only {
            (names::DELETED, timed(None, None))
        } else if self.deleted == Wanted::No
            && (self.expires != (None, None) || self.expired == Wanted::Only)
        {
            // Expired values expire before the next second.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crypto::clock::ManualClock;
    use crate::keys::{Key, KeyRing};
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn what_is_known_about_a_value_and_its_versions_is_json() {
        let clock = ManualClock::at(UnixTime::from_secs(1_763_755_200));
        let options = Vault::options().clock(clock).keep_versions(1);
        let keys = KeyRing::new(Key::generate());
        let vault = options.open(MemoryStore::new(), &keys).await.unwrap();
        let expires = UnixTime::from_secs(1_763_755_260);
        let token = vault.create("v").expires(expires).await.unwrap();
        vault.update(&token, "more").await.unwrap();
        let info = vault.get(&token).await.unwrap();
        let expected = json!({
            "id": info.id.to_string(),
            "state": "live",
            "created_at": "2025-11-21T20:00:00Z",
            "updated_at": "2025-11-21T20:00:00Z",
            "expires_at": "2025-11-21T20:01:00Z",
            "deleted_at": null,
            "label": null,
            "has_password": false,
            "length": 4,
            "version": 2,
            "earlier_versions": 1,
        });
        assert_eq!(serde_json::to_value(&info).unwrap(), expected);
        let versions = vault.versions(&token).await.unwrap();
        let version = |number, length, is_current| {
            let written_at = "2025-11-21T20:00:00Z";
            json!({
                "number": number,
                "written_at": written_at,
                "length": length,
                "is_current": is_current,
            })
        };
        let expected = json!([version(2, 4, true), version(1, 1, false)]);
        assert_eq!(serde_json::to_value(&versions).unwrap(), expected);
    }
}
