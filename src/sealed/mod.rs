//! Seals the records of all services: the database sees no content, and an edited record does not
//! open. Also holds the parts that services share: errors, lists, retries, best-effort writes.
//!
//! A *keyset* is 32 random bytes, sealed by the key ring. The keys for ids, labels and bodies of
//! its scope derive from it; a scope is a whole service, or one namespace of the vault. A body is
//! sealed with the rest of its record as associated data: collection, scope, id, version, labels,
//! `purge_at` and payload. `docs/sealed-records.md` specifies every byte.

mod awaited;
mod background;
mod body;
mod commit;
mod error;
mod expiry;
mod keyset;
mod keysets;
mod listing;
mod order;
mod pages;
mod public;
mod retry;
mod settings;
mod state;
mod text;

pub use awaited::Bulk;
pub(crate) use awaited::{BoxFuture, Progress, awaited, boxed};
pub(crate) use background::{BackgroundWork, BackgroundWriter};
#[cfg(fuzzing)]
pub(crate) use body::split;
pub(crate) use body::{Draft, Plaintext};
pub(crate) use commit::{CommitOutcome, change, commit, expected_version, is_too_heavy};
pub use error::ServiceError;
pub(crate) use error::from_shared;
pub(crate) use expiry::NewExpiry;
pub(crate) use keyset::{KeyUse, Keyset};
pub use keysets::Rewrapped;
pub(crate) use keysets::{Keysets, StoredKeyset};
pub(crate) use listing::seal;
pub use listing::{ListStream, Listed, Listing, Page, Tally};
pub(crate) use pages::{Search, matches_any};
pub use public::PublicError;
pub(crate) use retry::Rounds;
pub(crate) use settings::{ServiceSettings, service_setters};
pub use state::State;
pub(crate) use state::States;
pub(crate) use text::deserialize_from_text;
