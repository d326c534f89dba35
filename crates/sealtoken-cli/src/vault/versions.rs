//! `vault versions`: lists the versions of a value that are kept.

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
  sealtoken vault versions < token
  sealtoken vault versions --json --token-file token | jq '.[].number'")]
pub(crate) struct Versions {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    value: TokenOrId,
    /// Print a JSON list of objects
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Versions) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let value = Named::of(&options.value)?;
    let versions = vault.open().await?.versions(value.target()).await;
    let versions = versions.map_err(|error| value.refused(error))?;
    if options.json {
        output::json(&versions)?;
    } else {
        let lines: Vec<_> = versions.iter().map(show::version_line).collect();
        output::line(&lines.join("\n"))?;
    }
    let tampered = versions.iter().filter(|version| version.is_tampered());
    Failure::of_tampered(tampered.count() as u64)
}
