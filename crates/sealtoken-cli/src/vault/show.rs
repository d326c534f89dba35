//! What is known about a value, for people and for programs.

use sealtoken::Value;
use sealtoken::vault::{Info, VaultError, Version};

use crate::output::{Members, end, optional, printable};

/// The members of its JSON object.
pub(super) fn members(info: &Info) -> Members {
    let label = info.label.as_deref();
    Members(vec![
        ("id", info.id.to_string().into()),
        ("state", info.state.name().into()),
        ("created_at", info.created_at.to_string().into()),
        ("updated_at", info.updated_at.to_string().into()),
        ("expires_at", optional(info.expires_at)),
        ("deleted_at", optional(info.deleted_at)),
        ("label", label.map_or(Value::Null, Value::from)),
        ("has_password", info.has_password.into()),
        ("length", info.length.into()),
        ("version", info.version.into()),
        ("earlier_versions", info.earlier_versions.into()),
    ])
}

/// A line for each thing that is known.
pub(super) fn rows(info: &Info) -> String {
    let mut rows = vec![
        ("id", info.id.to_string()),
        ("state", info.state.name().into()),
        ("created", info.created_at.to_string()),
        ("updated", info.updated_at.to_string()),
        ("expires", end(info.expires_at)),
    ];
    if let Some(at) = info.deleted_at {
        rows.push(("deleted", at.to_string()));
    }
    if let Some(label) = &info.label {
        rows.push(("label", printable(label)));
    }
    rows.extend([
        ("password", yes_or_no(info.has_password).into()),
        ("length", format!("{} bytes", info.length)),
        ("version", info.version.to_string()),
    ]);
    if info.earlier_versions > 0 {
        rows.push(("earlier", info.earlier_versions.to_string()));
    }
    let line = |(name, value)| format!("{name:<12}  {value}");
    rows.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What stands over the columns of a list.
pub(super) fn heading() -> String {
    columns("id", "state", "created", "expires", "password", "label") + "\n"
}

/// A line of a list.
pub(super) fn line(info: &Info) -> String {
    let label = info.label.as_deref().map(printable);
    columns(
        &info.id.to_string(),
        info.state.name(),
        &info.created_at.to_string(),
        &end(info.expires_at),
        yes_or_no(info.has_password),
        &label.unwrap_or_default(),
    )
}

/// The line in the place of a record that was changed from outside.
pub(super) fn line_of_error(error: &VaultError) -> String {
    columns("?", error.code(), "?", "?", "?", "")
}

fn columns(
    id: &str,
    state: &str,
    created: &str,
    expires: &str,
    password: &str,
    label: &str,
) -> String {
    let line =
        format!("{id:<64}  {state:<8}  {created:<20}  {expires:<20}  {password:<8}  {label}");
    line.trim_end().to_owned()
}

/// The members of the JSON object of a version.
pub(super) fn version_members(version: &Version) -> Members {
    Members(vec![
        ("number", version.number.into()),
        ("written_at", optional(version.written_at)),
        ("length", version.length.map_or(Value::Null, Value::from)),
        ("is_current", version.is_current.into()),
    ])
}

/// The line of a version.
pub(super) fn version_line(version: &Version) -> String {
    let number = version.number;
    let (Some(written_at), Some(length)) = (version.written_at, version.length) else {
        return format!("{number:<6}  {}", VaultError::Tampered.code());
    };
    let current = if version.is_current { "  current" } else { "" };
    format!("{number:<6}  {written_at}  {length} bytes{current}")
}

const fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
