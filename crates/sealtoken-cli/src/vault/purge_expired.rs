//! `vault purge-expired`: deletes the expired values permanently.

use std::time::Duration;

use clap::Args;
use sealtoken::vault::Vault;

use crate::failure::Failure;
use crate::values::age;

use super::bulk::bulk;
use super::scope::Scope;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault purge-expired --namespace user-42
  sealtoken vault purge-expired --margin 1h")]
pub(crate) struct PurgeExpired {
    #[command(flatten)]
    scope: Scope,
    /// Only values that expired at least this long ago, because clocks differ: 0s, 30m, 1h
    /// [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = age, allow_hyphen_values = true)]
    margin: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &PurgeExpired) -> Result<(), Failure> {
    let mut settings = Vault::options();
    if let Some(seconds) = options.margin {
        settings = settings.purge_margin(Duration::from_secs(seconds));
    }
    let vault = options.scope.prepare()?.open_with(settings).await?;
    bulk(vault.purge_expired(), "purge-expired", options.json).await
}
