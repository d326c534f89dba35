//! `inspect`: the public parts of a token without a key, and its state with one.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use sealtoken::{Codec, OpenError, Token, TokenHeader, UnixTime, Value};

use crate::failure::Failure;
use crate::options::{clock, codec, unopened};
use crate::output::{Members, optional};
use crate::{input, output};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken inspect < token
  sealtoken inspect --purpose session --key-file keys.txt < token
  sealtoken inspect --purpose session --json --reveal < token | jq .custom")]
pub(crate) struct Inspect {
    /// What the token is for; with this and the keys, the token is opened
    #[arg(long)]
    purpose: Option<String>,
    /// What else the token is bound to; repeat it for each context, in the same order
    #[arg(long, requires = "purpose")]
    context: Vec<String>,
    /// Read the keys from this file instead of from SEALTOKEN_KEYS
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "purpose")]
    key_file: Option<PathBuf>,
    /// Use this as the current time
    #[arg(
        long,
        value_name = "UNIX_SECONDS",
        allow_negative_numbers = true,
        requires = "purpose"
    )]
    at: Option<i64>,
    /// Show the cargo as well
    #[arg(long, requires = "purpose")]
    reveal: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Inspect) -> Result<(), Failure> {
    let opener = match &options.purpose {
        None => None,
        Some(purpose) => {
            let keys = input::keys(options.key_file.as_deref())?;
            let codec = codec(&keys, purpose, &options.context, clock(options.at))?;
            Some((codec, keys))
        }
    };
    let given = input::token(Codec::DEFAULT_MAX_OPENED)?;
    let looked = look(&given, opener.as_ref().map(|(codec, _)| codec));
    let (header, state) = looked.map_err(|error| {
        given.refused(match &opener {
            Some((_, keys)) => unopened(error, &given, keys),
            None => error.into(),
        })
    })?;
    if options.json {
        return output::json(&as_members(&header, state.as_ref(), options.reveal));
    }
    let rows = as_rows(&header, state.as_ref(), options.reveal)?;
    let line = |(name, value)| format!("{name:<12}  {value}");
    output::line(&rows.into_iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// The header of a token and, with a codec, its state.
fn look(text: &str, codec: Option<&Codec>) -> Result<(TokenHeader, Option<State>), OpenError> {
    if text.len() > Codec::DEFAULT_MAX_OPENED {
        return Err(OpenError::Malformed);
    }
    let header = text.parse()?;
    let state = codec.map(|codec| State::of(codec, text)).transpose()?;
    Ok((header, state))
}

/// An opened token, and whether `open` would have refused it because of its times.
struct State {
    token: Token,
    time: Result<(), OpenError>,
}

impl State {
    fn of(codec: &Codec, text: &str) -> Result<Self, OpenError> {
        let token = codec.inspect(text)?;
        let time = codec.open(text).map(|_| ());
        Ok(Self { token, time })
    }

    /// `valid`, or the code of the refusal.
    fn code(&self) -> &'static str {
        self.time
            .as_ref()
            .map_or_else(OpenError::code, |()| "valid")
    }

    fn cargo(&self) -> Result<String, Failure> {
        Ok(output::json_text(self.token.cargo())?.to_string())
    }
}

type Rows = Vec<(&'static str, String)>;

fn as_rows(header: &TokenHeader, state: Option<&State>, reveal: bool) -> Result<Rows, Failure> {
    let mut rows = vec![
        ("version", TokenHeader::VERSION.into()),
        ("key", header.key_id.to_string()),
        ("length", format!("{} characters", header.length)),
        (
            "content",
            format!("{} bytes, padding included", header.plaintext_len),
        ),
    ];
    let Some(state) = state else {
        return Ok(rows);
    };
    let token = &state.token;
    let issued = token.issued_at();
    let first = token
        .first_issued_at()
        .filter(|first| Some(*first) != issued);
    let end = token
        .expires_at()
        .map_or_else(|| "never".into(), |end| end.to_string());
    let row = |name, at: Option<UnixTime>| at.map(|at| (name, at.to_string()));

    rows.push(("uuid", token.uuid().to_string()));
    rows.extend(row("first issued", first));
    rows.extend(row("issued", issued));
    rows.extend(row("not before", token.not_before()));
    rows.push(("expires", end));
    rows.push(("state", state.code().replace('_', " ")));
    rows.push((
        "needs reseal",
        if token.needs_reseal() { "yes" } else { "no" }.into(),
    ));
    if reveal {
        rows.push(("cargo", state.cargo()?));
    }
    Ok(rows)
}

fn as_members(header: &TokenHeader, state: Option<&State>, reveal: bool) -> Members {
    let number = |length: usize| Value::from(length as u64);
    let mut members = vec![
        ("version", TokenHeader::VERSION.into()),
        ("key_id", header.key_id.to_string().into()),
        ("length", number(header.length)),
        ("plaintext_length", number(header.plaintext_len)),
    ];
    if let Some(state) = state {
        let token = &state.token;
        members.push(("uuid", token.uuid().to_string().into()));
        members.extend(output::times(token));
        members.extend([
            ("issued_at", optional(token.issued_at())),
            ("first_issued_at", optional(token.first_issued_at())),
            ("not_before", optional(token.not_before())),
            ("expires_at", optional(token.expires_at())),
            ("state", state.code().into()),
            ("needs_reseal", token.needs_reseal().into()),
        ]);
        if reveal {
            members.push(("custom", token.cargo().into()));
        }
    }
    Members(members)
}
