//! `vault renew`: changes when a value expires.

use clap::Args;
use sealtoken::Lifetime;

use crate::failure::{Failure, look_first};
use crate::values::lifetime;

use super::args::TokenOrId;
use super::input::{LOOK, Named};
use super::scope::Scope;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault renew --expires-in 30d < token
  sealtoken vault renew --expires-in forever --even-expired --token-file token")]
pub(crate) struct Renew {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    value: TokenOrId,
    /// Expires after this long: 90s, 30m, 8h, 1d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime, allow_hyphen_values = true)]
    expires_in: Lifetime,
    /// Renew the value even if it has expired; it can be read again
    #[arg(long)]
    even_expired: bool,
    /// Renew the value even if it is soft-deleted; it stays soft-deleted
    #[arg(long)]
    even_deleted: bool,
}

pub(super) async fn run(options: &Renew) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let value = Named::of(&options.value)?;
    let vault = vault.open().await?;
    let mut renew = vault.renew(value.target()).expires(options.expires_in);
    if options.even_expired {
        renew = renew.even_expired();
    }
    if options.even_deleted {
        renew = renew.even_deleted();
    }
    let renewed = renew.await;
    renewed.map_err(|error| {
        value
            .refused(error)
            .in_doubt(&look_first(LOOK, "vault renew"))
    })
}
