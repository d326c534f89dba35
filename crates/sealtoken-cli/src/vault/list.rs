//! `vault list`: the values of a namespace.

use clap::Args;
use sealtoken::vault::{ListedValues, ValueInfo, VaultError};
use sealtoken::{State, UnixTime};
use serde::Serialize;

use crate::failure::Failure;
use crate::list::{ListArgs, Rows, in_states, state};
use crate::values::moment;

use super::scope::Scope;
use super::show;

/// The states that a value can have.
const STATES: &[State] = &[State::Live, State::Expired, State::Deleted];

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken vault list
  sealtoken vault list --label backup --expires-before 2027-01-01T00:00:00Z
  sealtoken vault list --state deleted --json | jq -r '.[].id'
  sealtoken vault list --state live --state expired --count")]
pub(crate) struct List {
    #[command(flatten)]
    scope: Scope,
    /// Only values with this label
    #[arg(long)]
    label: Option<String>,
    /// Only values created at or after this moment: Unix seconds or RFC 3339
    #[arg(long, value_name = "MOMENT", value_parser = moment, allow_hyphen_values = true)]
    created_from: Option<UnixTime>,
    /// Only values created before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment, allow_hyphen_values = true)]
    created_before: Option<UnixTime>,
    /// Only values that expire at or after this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment, allow_hyphen_values = true)]
    expires_from: Option<UnixTime>,
    /// Only values that expire before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment, allow_hyphen_values = true)]
    expires_before: Option<UnixTime>,
    /// Only values in this state; may be given several times [default: live]
    ///
    /// A soft-deleted value is `deleted`, even if it has expired, too.
    #[arg(long = "state", value_name = "STATE", value_parser = state(STATES))]
    states: Vec<State>,
    #[command(flatten)]
    printed: ListArgs,
}

pub(super) async fn run(options: &List) -> Result<(), Failure> {
    let vault = options.scope.prepare()?.open().await?;
    let mut list = in_states(vault.list(), &options.states);
    if let Some(label) = &options.label {
        list = list.label(label);
    }
    if let Some(at) = options.created_from {
        list = list.created_from(at);
    }
    if let Some(at) = options.created_before {
        list = list.created_before(at);
    }
    if let Some(at) = options.expires_from {
        list = list.expires_from(at);
    }
    if let Some(at) = options.expires_before {
        list = list.expires_before(at);
    }
    options.printed.print(list, &Values).await
}

/// Shows values.
struct Values;

impl Rows<ListedValues> for Values {
    fn heading(&self) -> String {
        show::columns("id", "state", "created", "expires", "password", "label")
    }

    fn line(&self, info: &ValueInfo) -> String {
        show::line(info)
    }

    fn json<'a>(&self, info: &'a ValueInfo) -> impl Serialize + 'a {
        info
    }

    fn code(&self, error: &VaultError) -> &'static str {
        error.code()
    }

    fn line_of_error(&self, code: &str) -> String {
        show::columns("?", code, "?", "?", "?", "")
    }
}
