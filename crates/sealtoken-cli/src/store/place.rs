//! The options for the location of the records and for the keys that open them.
#![expect(clippy::doc_markdown, reason = "the comments are the text of --help")]

use std::sync::Arc;

use clap::Args;
use sealtoken::store::Store;
use sealtoken::{Clock, KeyRing, ManualClock, SystemClock, UnixTime};

use crate::args::{At, Keys};
use crate::failure::Failure;
use crate::{commands, input};

use super::Address;

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Where the records are: sqlite:FILE, postgres://user@host/database or dynamodb:TABLE
    /// [default: SEALTOKEN_STORE, or sqlite:sealtoken.db]
    #[arg(long)]
    store: Option<String>,
    /// Do not create or upgrade the database's schema: see `sealtoken store schema`
    #[arg(long)]
    no_migrate: bool,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    at: At,
}

/// Everything that is needed to open a store and its services, before anything is opened.
pub(crate) struct Prepared {
    pub(crate) keys: KeyRing,
    pub(crate) clock: Option<ManualClock>,
    address: Address,
    migrate: bool,
}

impl Place {
    pub(crate) fn prepare(&self) -> Result<Prepared, Failure> {
        Ok(Prepared {
            keys: input::keys(self.keys.key_file.as_deref())?,
            clock: commands::clock(self.at.at),
            address: Address::choose(self.store.as_deref())?,
            migrate: !self.no_migrate,
        })
    }
}

impl Prepared {
    /// The moment at which the command runs.
    pub(crate) fn now(&self) -> UnixTime {
        self.clock
            .as_ref()
            .map_or_else(|| SystemClock.now(), Clock::now)
    }

    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        self.address.open(self.migrate).await
    }
}
