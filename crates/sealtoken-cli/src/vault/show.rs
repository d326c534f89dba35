//! What is known about a value, as text.

use sealtoken::ServiceError;
use sealtoken::vault::{ValueInfo, VaultError, VersionInfo};

use crate::output::{end, printable};

/// A line for each fact about a value.
pub(super) fn rows(info: &ValueInfo) -> String {
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

/// A line of a list.
pub(super) fn line(info: &ValueInfo) -> String {
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

/// The columns of a list.
pub(super) fn columns(
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

/// The line of a version.
pub(super) fn version_line(version: &VersionInfo) -> String {
    let number = version.number;
    let (Some(written_at), Some(length)) = (version.written_at, version.length) else {
        return format!(
            "{number:<6}  {}",
            VaultError::Service(ServiceError::Tampered).code()
        );
    };
    let current = if version.is_current { "  current" } else { "" };
    format!("{number:<6}  {written_at}  {length} bytes{current}")
}

const fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
