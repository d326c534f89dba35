//! What is known about a token, as options.

use clap::{Args, builder::NonEmptyStringValueParser};
use sealtoken::pat::{NewPat, PatUpdate};
use sealtoken::{Lifetime, UnixTime};

use crate::values::{lifetime, moment};

/// What a new token is to be.
#[derive(Debug, Args)]
pub(crate) struct Facts {
    /// Whose the token is
    #[arg(long)]
    owner: String,
    /// A role of it; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A scope of it, such as repo:read; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// It may do everything
    #[arg(long)]
    admin: bool,
    /// What its owner calls it
    #[arg(long)]
    name: Option<String>,
    /// Something else to be known about it; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    #[command(flatten)]
    end: End,
}

/// When a token ends.
#[derive(Debug, Args)]
pub(crate) struct End {
    /// How long it lives from now: 90s, 30m, 8h, 90d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    expires_in: Option<Lifetime>,
    /// The moment at which it ends: RFC 3339, or Unix seconds
    #[arg(long, value_name = "MOMENT", value_parser = moment, conflicts_with = "expires_in")]
    expires_at: Option<UnixTime>,
}

impl Facts {
    pub(in crate::pat) fn new_pat(&self) -> NewPat {
        let mut new = NewPat::for_owner(&self.owner)
            .admin(self.admin)
            .roles(&self.roles)
            .scopes(&self.scopes);
        if let Some(name) = &self.name {
            new = new.name(name);
        }
        for (key, value) in &self.metadata {
            new = new.metadata(key, value);
        }
        match (self.end.expires_in, self.end.expires_at) {
            (Some(lifetime), _) => new.expires_in(lifetime),
            (_, Some(at)) => new.expires_at(at),
            _ => new,
        }
    }
}

/// What is to change about a token.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Changes {
    /// Another owner
    #[arg(long)]
    owner: Option<String>,
    /// Whether it may do everything
    #[arg(long, value_name = "true|false")]
    admin: Option<bool>,
    /// These roles and no others; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// No role any more
    #[arg(long, conflicts_with = "roles")]
    no_roles: bool,
    /// One more role; may be given several times
    #[arg(long = "add-role", value_name = "ROLE", conflicts_with_all = ["roles", "no_roles"])]
    add_roles: Vec<String>,
    /// Take this role; may be given several times, and beside --add-role
    #[arg(long = "remove-role", value_name = "ROLE", conflicts_with_all = ["roles", "no_roles"])]
    remove_roles: Vec<String>,
    /// These scopes and no others; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// No scope any more
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// No name any more
    #[arg(long, conflicts_with = "name")]
    no_name: bool,
    /// This metadata and no other; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// No metadata any more
    #[arg(long, conflicts_with = "metadata")]
    no_metadata: bool,
    /// Another secret: the hash of it in this file, or on stdin for -
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new(), value_hint = clap::ValueHint::FilePath)]
    hash_file: Option<String>,
    /// Let it end after this long from now: 90s, 30m, 8h, 90d, 2w, or forever
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    expires_in: Option<Lifetime>,
    /// Let it end at this moment: RFC 3339, or Unix seconds
    #[arg(long, value_name = "MOMENT", value_parser = moment, conflicts_with = "expires_in")]
    expires_at: Option<UnixTime>,
    /// Take its end away
    #[arg(long, conflicts_with_all = ["expires_in", "expires_at"])]
    never_expires: bool,
}

impl Changes {
    /// All of it but the hash, which is in a file.
    pub(in crate::pat) fn update(&self) -> PatUpdate {
        let mut update = PatUpdate::new();
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
            update = update.without_name();
        }
        if let Some(name) = &self.name {
            update = update.name(name);
        }
        if self.no_metadata || !self.metadata.is_empty() {
            update = update.metadata(self.metadata.clone());
        }
        match (self.expires_in, self.expires_at) {
            (Some(lifetime), _) => update.expires_in(lifetime),
            (_, Some(at)) => update.expires_at(at),
            _ if self.never_expires => update.never_expires(),
            _ => update,
        }
    }

    pub(in crate::pat) fn hash_file(&self) -> Option<&str> {
        self.hash_file.as_deref()
    }
}

/// A name and a value with = between them.
fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("give KEY=VALUE")?;
    Ok((key.into(), value.into()))
}
