//! `seal`: seals the cargo on stdin.

use clap::Args;
use sealtoken::{Lifetime, SealError, Token};

use crate::failure::{Failure, problem};
use crate::options::Usage;
use crate::values::{block, lifetime};
use crate::{input, output};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo '{\"user_id\":123}' | sealtoken seal --purpose password-reset --expires-in 30m
  sealtoken seal --purpose session --expires-in 8h --context user:42 --pad 256 < cargo.json")]
pub(crate) struct Seal {
    #[command(flatten)]
    usage: Usage,
    /// How long the token lives: 90s, 30m, 8h, 1d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime, allow_hyphen_values = true)]
    expires_in: Lifetime,
    /// Pad the content with spaces to a multiple of this many bytes, so that the token's length
    /// reveals less
    #[arg(long, value_name = "BYTES", value_parser = block, allow_negative_numbers = true)]
    pad: Option<usize>,
}

pub(crate) fn run(options: &Seal) -> Result<(), Failure> {
    let mut codec = options.usage.codec(&options.usage.keys()?, None)?;
    if let Some(block) = options.pad {
        codec = codec.with_padding(block);
    }
    let mut token = Token::from(input::cargo()?);
    let text = codec
        .seal(&mut token, options.expires_in)
        .map_err(|error| match error {
            SealError::TooLong { length, max } => problem(format!(
                "the token would have {length} characters, but at most {max} are allowed: put less \
                 into it"
            )),
            error => problem(error),
        })?;
    output::line(&text)
}
