//! What is known about a token, for people and for programs. Only a hash that was asked for is shown.

use std::collections::{BTreeMap, BTreeSet};

use sealtoken::pat::{PatError, PatRecord};
use sealtoken::{UnixTime, Value};

use crate::output::{Members, end, optional, printable};

/// The members of its JSON object.
pub(super) fn members(record: &PatRecord, now: UnixTime) -> Members {
    let name = record.name.as_deref();
    let mut members = vec![
        ("id", record.id.as_str().into()),
        ("state", record.state_at(now).name().into()),
        ("owner", record.owner.as_str().into()),
        ("admin", record.admin.into()),
        ("roles", list(&record.roles)),
        ("scopes", list(&record.scopes)),
        ("name", name.map_or(Value::Null, Value::from)),
        ("metadata", map(&record.metadata)),
        ("origin", record.origin.name().into()),
        ("created_at", record.created_at.to_string().into()),
        ("updated_at", record.updated_at.to_string().into()),
        ("last_used_at", optional(record.last_used_at)),
        ("expires_at", optional(record.expires_at)),
        ("revoked_at", optional(record.revoked_at)),
        ("purge_at", optional(record.purge_at)),
        (
            "previous_secret_ends_at",
            optional(record.previous_secret_ends_at),
        ),
    ];
    if let Some(hash) = &record.hash {
        members.push(("hash", hash.to_string().into()));
    }
    Members(members)
}

/// Texts as a list.
pub(super) fn list(texts: &BTreeSet<String>) -> Value {
    Value::Array(texts.iter().map(|text| text.as_str().into()).collect())
}

/// Entries as a map.
pub(super) fn map(entries: &BTreeMap<String, String>) -> Value {
    let entry = |(key, value): (&String, &String)| (key.as_str().into(), value.as_str().into());
    Value::Object(entries.iter().map(entry).collect())
}

/// A line for each thing that is known.
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
        ("origin", record.origin.name().into()),
        ("created", record.created_at.to_string()),
        ("updated", record.updated_at.to_string()),
        ("last used", end(record.last_used_at)),
        ("expires", end(record.expires_at)),
    ]);
    for (name, at) in [
        ("revoked", record.revoked_at),
        ("to be purged", record.purge_at),
        ("old secret", record.previous_secret_ends_at),
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

/// Texts in one line, each as it can be shown at a terminal.
pub(super) fn joined(texts: &BTreeSet<String>) -> String {
    let texts = texts.iter().map(|text| printable(text));
    texts.collect::<Vec<_>>().join(", ")
}

/// What stands over the columns of a list.
pub(super) fn heading() -> String {
    columns("id", "state", "admin", "expires", "owner", "roles") + "\n"
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

/// The line in the place of a record that could not be read.
pub(super) fn line_of_error(error: &PatError) -> String {
    columns("?", error.code(), "?", "?", "?", "")
}

fn columns(id: &str, state: &str, admin: &str, expires: &str, owner: &str, roles: &str) -> String {
    let line = format!("{id:<21}  {state:<8}  {admin:<5}  {expires:<20}  {owner:<30}  {roles}");
    line.trim_end().to_owned()
}
