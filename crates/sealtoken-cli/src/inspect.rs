//! `inspect`: the public parts of a token without a key, and its state with one.

use sealtoken::{Codec, OpenError, Token, TokenHeader, UnixTime, Value};

use crate::args::Inspect;
use crate::commands::codec;
use crate::failure::{Failure, problem};
use crate::output::Members;
use crate::{input, output};

pub(crate) fn inspect(options: &Inspect) -> Result<(), Failure> {
    let codec = match &options.purpose {
        None => None,
        Some(purpose) => {
            let keys = input::keys(options.key_file.as_deref())?;
            Some(codec(&keys, purpose, &options.context, options.at)?)
        }
    };
    let text = input::token(Codec::DEFAULT_MAX_OPENED)?;
    if text.len() > Codec::DEFAULT_MAX_OPENED {
        return Err(OpenError::Malformed.into());
    }
    let header: TokenHeader = text.parse()?;
    let state = codec.map(|codec| State::of(&codec, &text)).transpose()?;
    if options.json {
        return output::json(&as_members(&header, state.as_ref(), options.reveal));
    }
    let rows = as_rows(&header, state.as_ref(), options.reveal)?;
    let line = |(name, value)| format!("{name:<12}  {value}");
    output::line(&rows.into_iter().map(line).collect::<Vec<_>>().join("\n"))
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
        serde_json::to_string(self.token.cargo()).map_err(problem)
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
    let optional = |name, at: Option<UnixTime>| at.map(|at| (name, at.to_string()));

    rows.push(("uuid", token.uuid().to_string()));
    rows.extend(optional("first issued", first));
    rows.extend(optional("issued", issued));
    rows.extend(optional("not before", token.not_before()));
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
        let text = |at: Option<UnixTime>| at.map_or(Value::Null, |at| at.to_string().into());
        members.push(("uuid", token.uuid().to_string().into()));
        members.extend(output::times(token));
        members.extend([
            ("issued_at", text(token.issued_at())),
            ("first_issued_at", text(token.first_issued_at())),
            ("not_before", text(token.not_before())),
            ("expires_at", text(token.expires_at())),
            ("state", state.code().into()),
            ("needs_reseal", token.needs_reseal().into()),
        ]);
        if reveal {
            members.push(("custom", token.cargo().into()));
        }
    }
    Members(members)
}
