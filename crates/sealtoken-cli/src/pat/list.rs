//! `pat list`: the tokens of a store.

use clap::Args;
use sealtoken::pat::{ListedTokens, PatError, PatRecord};
use sealtoken::{State, UnixTime};
use serde::Serialize;

use crate::failure::Failure;
use crate::list::{ListArgs, Rows, in_states, state};
use crate::store::StoreArgs;

use super::{open, show};

/// The states that a token can have.
const STATES: &[State] = &[State::Live, State::Expired, State::Revoked];

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat list
  sealtoken pat list --owner ada@example.com --state live
  sealtoken pat list --role deploy --json | jq -r '.[].id'
  sealtoken pat list --state expired --state revoked --count")]
pub(crate) struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Only tokens of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Only tokens with this role
    #[arg(long)]
    role: Option<String>,
    /// Only tokens in this state; may be given several times [default: every state]
    #[arg(long = "state", value_name = "STATE", value_parser = state(STATES))]
    states: Vec<State>,
    /// Add the hashes of the secrets to the JSON
    #[arg(long, requires = "json", conflicts_with = "count")]
    with_hashes: bool,
    #[command(flatten)]
    printed: ListArgs,
}

pub(super) async fn run(options: &List) -> Result<(), Failure> {
    let store = options.store.prepare()?;
    let pats = open::plain(&store).await?;
    let mut list = in_states(pats.list(), &options.states);
    if let Some(owner) = &options.owner {
        list = list.owner(owner);
    }
    if let Some(role) = &options.role {
        list = list.role(role);
    }
    if options.with_hashes {
        list = list.with_hashes();
    }
    let now = store.now();
    options.printed.print(list, &Tokens { now }).await
}

/// Shows tokens, with their states as of one moment.
struct Tokens {
    now: UnixTime,
}

impl Rows<ListedTokens> for Tokens {
    fn heading(&self) -> String {
        show::columns("id", "state", "admin", "expires", "owner", "roles")
    }

    fn line(&self, record: &PatRecord) -> String {
        show::line(record, self.now)
    }

    fn json<'a>(&self, record: &'a PatRecord) -> impl Serialize + 'a {
        show::Shown::of(record, self.now)
    }

    fn code(&self, error: &PatError) -> &'static str {
        error.code()
    }

    fn line_of_error(&self, code: &str) -> String {
        show::columns("?", code, "?", "?", "?", "")
    }
}
