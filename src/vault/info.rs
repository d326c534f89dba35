//! What is known about a value and its versions.

use serde::Serialize;

use crate::crypto::clock::UnixTime;
use crate::sealed::State;

use super::VaultError;
use super::namespace::NamespaceKeys;
use super::row::Row;
use super::target::ValueId;

/// What is known about a value: times, state and label. Never the value, and not the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ValueInfo {
    /// Identifies the value without its token.
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
    pub(super) fn of(
        namespace: &NamespaceKeys,
        row: &Row,
        now: UnixTime,
    ) -> Result<Self, VaultError> {
        let meta = &row.meta;
        Ok(Self {
            id: ValueId::of(&row.key)?,
            state: meta.state_at(now),
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

/// What is known about the current value or an earlier one:
/// [`Vault::versions`](super::Vault::versions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VersionInfo {
    /// Its number, from 1.
    pub number: u64,
    /// When it was written; `None` if its record is damaged or tampered with.
    pub written_at: Option<UnixTime>,
    /// Its length in bytes; `None` if its record is damaged or tampered with.
    pub length: Option<u64>,
    /// Whether it is the current one.
    pub is_current: bool,
}

impl VersionInfo {
    /// Whether its record is damaged or tampered with: nobody can read it.
    #[must_use]
    pub const fn is_tampered(&self) -> bool {
        self.written_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crypto::clock::ManualClock;
    use crate::keys::{Key, KeyRing};
    use crate::store::MemoryStore;
    use crate::vault::Vault;

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
