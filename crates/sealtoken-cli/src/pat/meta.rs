//! Options for what is known about a token.

use std::collections::HashSet;

use clap::{Args, builder::NonEmptyStringValueParser};
use sealtoken::pat::{Issue, Update};
use sealtoken::{Expiry, Lifetime, UnixTime};

use crate::failure::{Failure, problem};
use crate::output::printable;
use crate::values::{lifetime, moment};

/// What to store about a new token.
#[derive(Debug, Args)]
pub(crate) struct Meta {
    /// The owner of the token
    #[arg(long)]
    pub(super) owner: String,
    /// A role; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A scope, such as repo:read; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Give its owner admin rights
    #[arg(long)]
    admin: bool,
    /// A name for the token
    #[arg(long)]
    name: Option<String>,
    /// Metadata of your own; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Expires after this long: 90s, 30m, 8h, 90d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime, allow_hyphen_values = true)]
    expires_in: Option<Lifetime>,
    /// Expires at this moment: Unix seconds or RFC 3339
    #[arg(
        long,
        value_name = "MOMENT",
        value_parser = moment,
        allow_hyphen_values = true,
        conflicts_with = "expires_in"
    )]
    expires_at: Option<UnixTime>,
}

/// The expiry that one of the two options sets.
fn expiry(expires_in: Option<Lifetime>, expires_at: Option<UnixTime>) -> Option<Expiry> {
    let lifetime = expires_in.map(Expiry::from);
    lifetime.or_else(|| expires_at.map(Expiry::from))
}

impl Meta {
    pub(super) fn check(&self) -> Result<(), Failure> {
        distinct(&self.metadata)
    }

    /// Sets all of it but the owner.
    pub(super) fn describe<'a, S>(&self, new: Issue<'a, S>) -> Issue<'a, S> {
        let mut new = new
            .admin(self.admin)
            .roles(&self.roles)
            .scopes(&self.scopes);
        if let Some(name) = &self.name {
            new = new.name(name);
        }
        for (key, value) in &self.metadata {
            new = new.metadata(key, value);
        }
        match expiry(self.expires_in, self.expires_at) {
            Some(expiry) => new.expires(expiry),
            None => new,
        }
    }
}

/// What to change about a token.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Changes {
    /// A new owner
    #[arg(long)]
    owner: Option<String>,
    /// Whether its owner has admin rights
    #[arg(long, value_name = "true|false")]
    admin: Option<bool>,
    /// These roles and no others; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Remove all roles
    #[arg(long, conflicts_with = "roles")]
    no_roles: bool,
    /// Add a role; may be given several times
    #[arg(long = "add-role", value_name = "ROLE", conflicts_with_all = ["roles", "no_roles"])]
    add_roles: Vec<String>,
    /// Remove a role; may be given several times, and together with --add-role
    #[arg(long = "remove-role", value_name = "ROLE", conflicts_with_all = ["roles", "no_roles"])]
    remove_roles: Vec<String>,
    /// These scopes and no others; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Remove all scopes
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    /// Remove the name
    #[arg(long, conflicts_with = "name")]
    no_name: bool,
    /// This metadata and no other; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Remove all metadata
    #[arg(long, conflicts_with = "metadata")]
    no_metadata: bool,
    /// A new secret: read its hash from this file, or from stdin for -
    #[arg(
        long,
        value_name = "FILE",
        value_parser = NonEmptyStringValueParser::new(),
        value_hint = clap::ValueHint::FilePath
    )]
    hash_file: Option<String>,
    /// Expires after this long: 90s, 30m, 8h, 90d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime, allow_hyphen_values = true)]
    expires_in: Option<Lifetime>,
    /// Expires at this moment, or now if it has passed: Unix seconds or RFC 3339
    #[arg(
        long,
        value_name = "MOMENT",
        value_parser = moment,
        allow_hyphen_values = true,
        conflicts_with = "expires_in"
    )]
    expires_at: Option<UnixTime>,
    /// Never expires
    #[arg(long, conflicts_with_all = ["expires_in", "expires_at"])]
    never_expires: bool,
}

impl Changes {
    pub(super) fn check(&self) -> Result<(), Failure> {
        distinct(&self.metadata)
    }

    /// Sets all of it but the hash, which is in a file.
    pub(super) fn describe<'a>(&self, mut update: Update<'a>) -> Update<'a> {
        if let Some(owner) = &self.owner {
            update = update.owner(owner);
        }
        if let Some(admin) = self.admin {
            update = update.admin(admin);
        }
        if self.no_roles || !self.roles.is_empty() {
            update = update.roles(&self.roles);
        }
        for role in &self.add_roles {
            update = update.add_role(role);
        }
        for role in &self.remove_roles {
            update = update.remove_role(role);
        }
        if self.no_scopes || !self.scopes.is_empty() {
            update = update.scopes(&self.scopes);
        }
        if self.no_name {
            update = update.clear_name();
        }
        if let Some(name) = &self.name {
            update = update.name(name);
        }
        if self.no_metadata || !self.metadata.is_empty() {
            update = update.metadata(self.metadata.clone());
        }
        match expiry(self.expires_in, self.expires_at) {
            Some(expiry) => update.expires(expiry),
            None if self.never_expires => update.expires(Expiry::Never),
            None => update,
        }
    }

    pub(super) fn hash_file(&self) -> Option<&str> {
        self.hash_file.as_deref()
    }
}

/// Refuses metadata that gives a key twice: only one of the values would be kept.
fn distinct(metadata: &[(String, String)]) -> Result<(), Failure> {
    let mut keys = HashSet::new();
    match metadata.iter().find(|(key, _)| !keys.insert(key)) {
        Some((key, _)) => {
            let key = printable(key);
            Err(problem(format!(
                "--metadata gives {key} twice: give each key once"
            )))
        }
        None => Ok(()),
    }
}

/// Parses KEY=VALUE.
fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("give KEY=VALUE")?;
    Ok((key.into(), value.into()))
}
