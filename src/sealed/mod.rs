//! Layer 3: records between the services and the store, so that a database shows nothing and can change nothing unseen.
//!
//! A *keyset* is 32 random bytes that the ring seals. From it come the keys for ids, labels and bodies of its scope: a whole service,
//! or one namespace of the vault. What is in a record is sealed with everything around it as associated data: collection, scope, id, version,
//! labels, `purge_at` and payload. `docs/sealed-records.md` has every byte.

mod behind;
mod body;
mod commit;
mod contention;
mod end;
mod error;
mod keyset;
mod keysets;
mod order;
mod pages;
mod public;

pub(crate) use behind::{Behind, Work};
pub(crate) use body::Draft;
#[cfg(fuzzing)]
pub(crate) use body::split;
pub(crate) use commit::{Committed, commit, expectable};
pub(crate) use contention::{Rounds, contended};
pub(crate) use end::{End, EndError};
pub(crate) use error::{SealedError, keyset_gone};
pub(crate) use keyset::{Keyset, Use};
pub(crate) use keysets::{Keysets, Rewrapped, Stored};
pub use pages::Tally;
pub(crate) use pages::{Search, finds_any};
pub use public::PublicError;
