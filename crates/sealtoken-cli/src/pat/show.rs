//! What is known about a token, for people and for programs. The hash is shown only where the
//! caller asked for it.

use sealtoken::pat::{PatId, PatRecord, PatToken, SecretHash};
use sealtoken::{State, UnixTime, Value};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::{self, end, printable};

/// A record as its JSON object.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    #[serde(flatten)]
    record: &'a PatRecord,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(record: &'a PatRecord, now: UnixTime) -> Self {
        Self {
            record,
            state: record.state_at(now),
            hash: record.hash.as_ref().map(ToString::to_string),
        }
    }
}

/// Texts as a list.
pub(super) fn list(texts: &[String]) -> Value {
    Value::Array(texts.iter().map(|text| text.as_str().into()).collect())
}

/// Entries as a map.
pub(super) fn map(entries: &[(String, String)]) -> Value {
    let entries = entries.iter();
    let entries = entries.map(|(key, value)| (key.as_str(), Value::from(value.as_str())));
    Value::Object(entries.collect())
}

/// One line for each property.
pub(super) fn rows(record: &PatRecord, now: UnixTime) -> String {
    let mut rows = vec![
        ("id", record.id.to_string()),
        ("state", record.state_at(now).name().into()),
        ("owner", printable(&record.owner)),
        ("admin", if record.admin { "yes" } else { "no" }.into()),
        ("roles", joined(&record.roles)),
        ("scopes", joined(&record.scopes)),
    ];
    if let Some(name) = &record.name {
        rows.push(("name", printable(name)));
    }
    for (key, value) in &record.metadata {
        let entry = format!("{}={}", printable(key), printable(value));
        rows.push(("metadata", entry));
    }
    rows.extend([
        ("origin", record.origin.to_string()),
        ("created", record.created_at.to_string()),
        ("updated", record.updated_at.to_string()),
        ("last used", end(record.last_used_at)),
        ("expires", end(record.expires_at)),
    ]);
    for (name, at) in [
        ("revoked", record.revoked_at),
        ("to be purged", record.purge_at),
        ("old secret", record.previous_secret_expires_at),
    ] {
        if let Some(at) = at {
            rows.push((name, at.to_string()));
        }
    }
    if let Some(hash) = &record.hash {
        rows.push(("hash", printable(&hash.to_string())));
    }
    let line = |(name, value)| format!("{name:<12}  {value}").trim_end().to_owned();
    rows.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Texts in one line, safe for a terminal.
pub(super) fn joined(texts: &[String]) -> String {
    let texts = texts.iter().map(|text| printable(text));
    texts.collect::<Vec<_>>().join(", ")
}

/// A line of a list.
pub(super) fn line(record: &PatRecord, now: UnixTime) -> String {
    columns(
        record.id.as_str(),
        record.state_at(now).name(),
        if record.admin { "yes" } else { "no" },
        &end(record.expires_at),
        &printable(&record.owner),
        &joined(&record.roles),
    )
}

/// The columns of a list.
pub(super) fn columns(
    id: &str,
    state: &str,
    admin: &str,
    expires: &str,
    owner: &str,
    roles: &str,
) -> String {
    let line = format!("{id:<21}  {state:<8}  {admin:<5}  {expires:<20}  {owner:<30}  {roles}");
    line.trim_end().to_owned()
}

/// Prints a new token on a line, once. Returns whether stdout was still open.
pub(super) fn print_token(
    token: &PatToken,
    id: PatId,
    hash: &SecretHash,
    json: bool,
) -> Result<bool, Failure> {
    if !json {
        return output::secret_line(token.expose());
    }
    // JSON escapes no character of these three. Written by hand, so that every copy is wiped.
    let (token, hash) = (token.expose(), hash.to_string());
    let text = format!(r#"{{"token":"{token}","id":"{id}","hash":"{hash}"}}"#);
    output::secret_line(&Zeroizing::new(text))
}
