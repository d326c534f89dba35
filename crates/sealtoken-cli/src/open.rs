//! `open`: prints what the token on stdin holds.

use clap::Args;
use sealtoken::Codec;

use crate::failure::Failure;
use crate::options::{At, Usage, unopened};
use crate::{input, output};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken open --purpose password-reset < token
  sealtoken open --purpose session --context user:42 --key-file keys.txt < token | jq .custom")]
pub(crate) struct Open {
    #[command(flatten)]
    usage: Usage,
    #[command(flatten)]
    at: At,
}

pub(crate) fn run(options: &Open) -> Result<(), Failure> {
    let keys = options.usage.keys()?;
    let codec = options.usage.codec(&keys, options.at.clock())?;
    let given = input::token(Codec::DEFAULT_MAX_OPENED)?;
    let opened = codec.open(&given);
    let token = opened.map_err(|error| given.refused(unopened(error, &given, &keys)))?;
    output::json(&output::opened(&token))
}
