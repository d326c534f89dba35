//! Options that several commands share.

use clap::Args;
use sealtoken::pat::{PatError, PatId, PatRecord};

use crate::failure::Failure;
use crate::output;
use crate::store::Prepared;

use super::show;

/// The token that a command is about.
#[derive(Debug, Args)]
pub(crate) struct TokenId {
    /// The id of the token, never the token itself
    #[arg(value_name = "ID", required_unless_present = "named_id")]
    id: Option<String>,
    /// The id, as an option
    #[arg(long = "id", id = "named_id", value_name = "ID", conflicts_with = "id")]
    named_id: Option<String>,
}

impl TokenId {
    pub(super) fn id(&self) -> Result<PatId, PatError> {
        let id = self.id.as_deref().or(self.named_id.as_deref());
        id.unwrap_or_default().parse()
    }
}

/// What a command prints about the token that it changed.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print the record as one JSON object
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Prints the record, if it was asked for.
    pub(super) fn print(&self, record: &PatRecord, store: &Prepared) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        let printed = output::json(&show::Shown::of(record, store.now()));
        output::ended(printed, output::DONE, Ok(()))
    }
}
