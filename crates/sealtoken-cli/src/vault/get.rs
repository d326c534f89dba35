//! `vault get`: prints what is known about a value.

use clap::Args;

use crate::failure::Failure;
use crate::output;

use super::args::TokenOrId;
use super::input::Named;
use super::scope::Scope;
use super::show;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault get < token
  sealtoken vault get --json --token-file token | jq -r .expires_at")]
pub(crate) struct Get {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    value: TokenOrId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Get) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let value = Named::of(&options.value)?;
    let info = vault.open().await?.get(value.target()).await;
    let info = info.map_err(|error| value.refused(error))?;
    if options.json {
        return output::json(&info);
    }
    output::line(&show::rows(&info))
}
