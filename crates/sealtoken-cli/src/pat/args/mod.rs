//! What `sealtoken pat` takes.
#![expect(clippy::doc_markdown, reason = "the comments are the text of --help")]

mod facts;
mod many;
mod one;

use clap::{Args, Subcommand};
use sealtoken::pat::Prefix;

pub(super) use facts::{Changes, Facts};
pub(super) use many::{
    Colour, Format, Import, List, ListState, Own, Purge, Rewrap, ScannerRule, Sync,
};
pub(super) use one::{
    Done, Generate, Get, Issue, Register, Restore, Revoke, Rotate, Update, Verify,
};

const ABOUT: &str = "\
The tokens are in --store or, without it, where the environment variable SEALTOKEN_STORE says: sqlite:FILE, \
postgres://user@host/database or dynamodb:TABLE?region=REGION, with the credentials that AWS gives a process. Without either it is sqlite:sealtoken.db, in the current directory. A URL with a \
password in it belongs in SEALTOKEN_STORE: arguments can be seen by every user of the machine.

Examples:
  export SEALTOKEN_KEYS=$(sealtoken key generate) SEALTOKEN_STORE=sqlite:tokens.db
  sealtoken pat issue --owner ada@example.com --role reader --expires-in 90d > token
  sealtoken pat verify < token
  sealtoken pat list --owner ada@example.com

Exit status:
  0  done
  1  wrong usage, or something is wrong with the keys, a file or the store
  2  refused: stderr has one line, which begins with a code: invalid_prefix, invalid_format, not_found, \
invalid_secret, revoked, expired, already_exists, invalid_phc, tampered and so on";

#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Pat {
    /// What the tokens begin with: a lower-case letter, a-z, 0-9 and _, and _ at the end
    #[arg(long, global = true, default_value = "pat_", value_name = "PREFIX")]
    pub(in crate::pat) prefix: Prefix,
    #[command(subcommand)]
    pub(in crate::pat) command: PatCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PatCommand {
    /// Issue a token, and print it: once, on a line of its own
    Issue(Issue),

    /// Tell whose the token on stdin is, and refuse one that is not good now
    ///
    /// Prints the record as one line of JSON. A token that is refused leaves stdout empty and the exit status at 2;
    /// the line on stderr begins with invalid_prefix, invalid_format, not_found, invalid_secret, revoked, expired,
    /// invalid_phc, unsupported_algorithm, invalid_parameters or too_many_attempts.
    Verify(Verify),

    /// Store a token whose secret was made elsewhere, by its id and its hash
    Register(Register),

    /// Make a token without storing anything, and print it: to hand out before it is registered
    ///
    /// The hash is good in this store alone, so it needs the store. The id is the 21 characters after the prefix.
    Generate(Generate),

    /// Change what is known about a token, also of one that is revoked or expired
    Update(Update),

    /// Refuse a token from now on; its record stays
    Revoke(Revoke),

    /// Bring back a token that was revoked; one that has expired stays expired
    Restore(Restore),

    /// Tell which tokens there are: all of them, in whatever state, unless told otherwise
    ///
    /// A record that was changed from outside is named as tampered, hides no other, and makes the exit status 2.
    List(List),

    /// Tell what is known about a token
    Get(Get),

    /// Give a token a new secret, and print it; the old one is good for a while beside it
    Rotate(Rotate),

    /// Take in the tokens of @access-tokens/core from lines of DynamoDB's JSON, and print how many were new
    ///
    /// They keep their ids, hashes and times, and their owners the tokens that they have. What was imported before is
    /// left as it is, so an import that was cut off can be done again. Lines that were not taken are named on stderr,
    /// with the id and the code of the reason, and make the exit status 2.
    Import(Import),

    /// Make the store like a declared list of tokens, a file of YAML
    ///
    /// The file has a list `tokens`. Each has an id and an owner, and perhaps hash, admin, roles, scopes, name,
    /// metadata, expires_at (RFC 3339, Unix seconds or null) and revoked. What a token leaves out stays as it is in
    /// the store. One that is not in the store is registered by its hash; without one it is reported as missing.
    /// Live tokens that the file does not list are revoked, unless --keep-unlisted is given.
    ///
    /// The whole file is checked before anything is changed. One token that fails stops no other, is named on
    /// stderr, and makes the exit status 2. A second run changes nothing.
    Sync(Sync),

    /// Print a rule that finds leaked tokens with this prefix, for a secret scanner; it needs no store
    ScannerRule(ScannerRule),

    /// Remove the tokens whose time is over, and print how many those were
    ///
    /// That are those that ended 90 days ago, and those that were revoked with --purge-in.
    Purge(Purge),

    /// After a rotation of the keys: seal with the current one what a retired one sealed
    ///
    /// It is one record, and no token changes. After that the retired key can go.
    Rewrap(Rewrap),
}
