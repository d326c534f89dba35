//! Options that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// The token, from a file or from stdin.
#[derive(Debug, Args)]
pub(crate) struct TokenFile {
    /// Read the token from this file instead of from the first line of stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) token_file: Option<PathBuf>,
}

/// The token or, where no secret is needed, the id.
#[derive(Debug, Args)]
pub(crate) struct TokenOrId {
    #[command(flatten)]
    pub(super) token: TokenFile,
    /// The id of the value, which `list` and `get` show, instead of its token
    #[arg(long, conflicts_with = "token_file")]
    pub(super) id: Option<String>,
}

/// The password that protects a value.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from this file; one line ending after it is ignored
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) password_file: Option<PathBuf>,
    /// Ask for the password at the terminal, without showing it
    #[arg(long, conflicts_with = "password_file")]
    pub(super) ask_password: bool,
}

/// How many earlier values stay.
#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// Keep this many earlier values, at most 16 [default: as many as are kept now]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(super) keep_versions: Option<u32>,
}
