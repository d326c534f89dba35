//! The arguments of `sealtoken pat`.
#![expect(clippy::doc_markdown, reason = "the comments are the text of --help")]

mod many;
mod meta;
mod one;

use clap::{Args, Subcommand};
use sealtoken::pat::Prefix;

pub(super) use many::{
    Colour, Format, Import, List, ListState, Own, PurgeExpired, Rewrap, ScannerRule, Sync,
};
pub(super) use meta::{Changes, Meta};
pub(super) use one::{
    Delete, Done, Generate, Get, Issue, Register, Restore, Revoke, Rotate, Update, Verify,
};

const ABOUT: &str = "\
The tokens are in --store, or else in the environment variable SEALTOKEN_STORE: sqlite:FILE, \
postgres://user@host/database or dynamodb:TABLE?region=REGION, with the credentials that AWS \
gives a process. Without either it is sqlite:sealtoken.db in the current directory. A URL with a \
password belongs in SEALTOKEN_STORE: every user of the machine can see arguments.

Examples:
  export SEALTOKEN_KEYS=$(sealtoken key generate) SEALTOKEN_STORE=sqlite:tokens.db
  sealtoken pat issue --owner ada@example.com --role reader --expires-in 90d > token
  sealtoken pat verify < token
  sealtoken pat list --owner ada@example.com

Exit status:
  0  done
  1  wrong usage, or something is wrong with the keys, a file or the store
  2  refused: stderr has one line, which begins with a code: invalid_prefix, invalid_format, \
not_found, invalid_secret, revoked, expired, already_exists, invalid_phc, tampered and so on";

#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Pat {
    /// The prefix of the tokens: a lower-case letter, a-z, 0-9 and _, and _ at the end
    #[arg(long, global = true, default_value = "pat_", value_name = "PREFIX")]
    pub(in crate::pat) prefix: Prefix,
    #[command(subcommand)]
    pub(in crate::pat) command: PatCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PatCommand {
    /// Issue a token, and print it: once, on a line of its own
    Issue(Issue),

    /// Check the token on stdin, and print what is known about it
    ///
    /// Prints the record as one line of JSON. If the token is refused, stdout stays empty and the
    /// exit status is 2; the line on stderr begins with invalid_prefix, invalid_format, not_found,
    /// invalid_secret, revoked, expired, invalid_phc, unsupported_algorithm, invalid_parameters or
    /// too_many_attempts.
    Verify(Verify),

    /// Store a token whose secret was made elsewhere, by its id and its hash
    Register(Register),

    /// Make a token without storing it, and print it: to hand it out before you register it
    ///
    /// The hash is valid in this store only, so this needs the store. The id is the 21 characters
    /// after the prefix.
    Generate(Generate),

    /// Change what is known about a token, even if it is revoked or expired
    Update(Update),

    /// Refuse a token from now on; its record stays
    Revoke(Revoke),

    /// Restore a revoked token; if it has expired, it stays expired
    Restore(Restore),

    /// List tokens: all of them, in every state, unless you narrow it
    ///
    /// A record that was changed from outside is listed as tampered, and makes the exit status 2.
    List(List),

    /// Print what is known about a token
    Get(Get),

    /// Give a token a new secret, and print it; the old one stays valid for the overlap
    Rotate(Rotate),

    /// Delete a token permanently; a revoked token can still be looked up for an audit
    Delete(Delete),

    /// Import the tokens of @access-tokens/core from lines of DynamoDB's JSON, and print how many
    /// were new
    ///
    /// They keep their ids, hashes and times, so their owners keep their tokens. A token that was
    /// imported before is left as it is, so you can repeat an import that was interrupted. Lines
    /// that were not taken in are named on stderr, with the id and the code of the reason, and make
    /// the exit status 2.
    Import(Import),

    /// Make the store match a declared list of tokens, a file of YAML
    ///
    /// The file has a list `tokens`. Each has an id and an owner, and optionally hash, admin,
    /// roles, scopes, name, metadata, expires_at (RFC 3339, Unix seconds or null) and revoked. What
    /// a token leaves out stays as it is in the store. A token that is not in the store is
    /// registered by its hash; without a hash it is reported as missing. Live tokens that the file
    /// does not list are revoked, unless you give --keep-unlisted.
    ///
    /// The whole file is checked before anything is changed. A token that fails stops no other, is
    /// named on stderr, and makes the exit status 2. A second run changes nothing.
    Sync(Sync),

    /// Print a rule that finds leaked tokens with this prefix, for a secret scanner; it needs no
    /// store
    ScannerRule(ScannerRule),

    /// Delete expired tokens permanently, and print how many they were
    ///
    /// These are the tokens that expired 90 days ago, and those that were revoked with --purge-in.
    PurgeExpired(PurgeExpired),

    /// After a rotation of the keys: seal again with the current key what a retired one sealed
    ///
    /// It is one record, and no token changes. After that you can remove the retired key.
    Rewrap(Rewrap),
}
