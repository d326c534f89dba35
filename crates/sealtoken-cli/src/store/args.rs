//! Options that name a store, and the keys that open its records.

use std::sync::Arc;

use clap::Args;
use sealtoken::store::Store;
use sealtoken::{Clock, KeyRing, ManualClock, UnixTime};

use crate::failure::Failure;
use crate::options::{At, Keys};

use super::address::Address;

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// The store: sqlite:FILE, postgres://user@host/database or dynamodb:TABLE [default:
    /// SEALTOKEN_STORE, or sqlite:sealtoken.db]
    #[arg(long)]
    store: Option<String>,
    /// Do not create or upgrade the schema: see `sealtoken store schema`
    #[arg(long)]
    no_migrate: bool,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    at: At,
}

/// What opening a store and its services needs, checked before anything is opened.
pub(crate) struct Prepared {
    pub(crate) keys: KeyRing,
    pub(crate) clock: Option<ManualClock>,
    address: Address,
    migrate: bool,
}

impl StoreArgs {
    pub(crate) fn prepare(&self) -> Result<Prepared, Failure> {
        Ok(Prepared {
            keys: self.keys.read()?,
            clock: self.at.clock(),
            address: Address::choose(self.store.as_deref())?,
            migrate: !self.no_migrate,
        })
    }
}

impl Prepared {
    /// The moment at which the command runs.
    pub(crate) fn now(&self) -> UnixTime {
        self.clock.as_ref().map_or_else(UnixTime::now, Clock::now)
    }

    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        self.address.open(self.migrate).await
    }
}
