//! The differences between a token and its declaration, field by field.

use sealtoken::pat::{PatRecord, PersonalAccessTokens, Update};
use sealtoken::{Expiry, UnixTime, Value};

use crate::output::{optional, or_null};
use crate::pat::show;

use super::file::Declared;
use super::step::{Difference, Plan, Step, Work};

/// Plans what makes a token match its declaration.
pub(super) fn compare<'a>(
    plan: &mut Plan<'a>,
    pats: &'a PersonalAccessTokens,
    record: &PatRecord,
    token: &Declared,
    own: bool,
    now: UnixTime,
) {
    let mut change = Changes {
        unchanged: pats.update(record.id),
        restriction: None,
        update: None,
        differences: Vec::new(),
        notes: Vec::new(),
    };
    change.meta(record, token);
    change.rights(record, token, own);
    change.expiry(record, token, own, now);
    let is_revoked = record.revoked_at.is_some();
    let life = match token.revoked {
        Some(true) if !is_revoked && own => {
            change
                .notes
                .push("your own token is declared revoked: it is NOT revoked");
            None
        }
        Some(true) if !is_revoked => Some(true),
        Some(false) if is_revoked => Some(false),
        None if is_revoked => {
            change.notes.push(
                "it is revoked, and the file does not say `revoked`: it stays so \
                 (`revoked: false` restores it)",
            );
            None
        }
        _ => None,
    };
    let notes = change.notes.into_iter();
    plan.notes.extend(notes.map(|note| (record.id, note)));
    let update = change.update.map(Box::new);
    let work = match (life, update) {
        (Some(true), update) => Work::Revoke(update),
        (Some(false), update) => Work::Restore(update),
        (None, Some(update)) => Work::Change(update),
        (None, None) if change.restriction.is_some() => Work::Change(Box::new(change.unchanged)),
        (None, None) => {
            plan.unchanged = plan.unchanged.saturating_add(1);
            return;
        }
    };
    plan.steps.push(Step {
        id: record.id,
        owner: record.owner.clone(),
        restriction: change.restriction.map(Box::new),
        work,
        differences: change.differences,
    });
}

struct Changes<'a> {
    /// An update that changes nothing.
    unchanged: Update<'a>,
    /// What only restricts the token. It is done first and on its own, so that no other failure
    /// delays it.
    restriction: Option<Update<'a>>,
    update: Option<Update<'a>>,
    differences: Vec<Difference>,
    notes: Vec<&'static str>,
}

impl<'a> Changes<'a> {
    fn make(
        &mut self,
        field: &'static str,
        (before, after): (Value, Value),
        change: impl FnOnce(Update<'a>) -> Update<'a>,
    ) {
        self.differ(field, before, after);
        self.update(change);
    }

    fn differ(&mut self, field: &'static str, before: Value, after: Value) {
        self.differences.push(Difference {
            field,
            before: Some(before),
            after: Some(after),
        });
    }

    fn update(&mut self, change: impl FnOnce(Update<'a>) -> Update<'a>) {
        let update = self.update.take();
        self.update = Some(change(update.unwrap_or_else(|| self.unchanged.clone())));
    }

    fn restrict(&mut self, change: impl FnOnce(Update<'a>) -> Update<'a>) {
        let restriction = self.restriction.take();
        self.restriction = Some(change(
            restriction.unwrap_or_else(|| self.unchanged.clone()),
        ));
    }

    /// What grants and restricts nothing.
    fn meta(&mut self, record: &PatRecord, token: &Declared) {
        if token.owner != record.owner {
            let values = (record.owner.as_str().into(), token.owner.as_str().into());
            self.make("owner", values, |update| update.owner(&token.owner));
        }
        if let Some(name) = token.name.as_ref().filter(|name| **name != record.name) {
            let values = (text(record.name.as_ref()), text(name.as_ref()));
            self.make("name", values, |update| match name {
                Some(name) => update.name(name),
                None => update.clear_name(),
            });
        }
        let metadata = token.metadata.as_ref();
        if let Some(metadata) = metadata.filter(|metadata| **metadata != record.metadata) {
            let values = (show::map(&record.metadata), show::map(metadata));
            self.make("metadata", values, |update| {
                update.metadata(metadata.clone())
            });
        }
    }

    /// What a token may do, and who can use it.
    fn rights(&mut self, record: &PatRecord, token: &Declared, own: bool) {
        if let Some(roles) = token.roles.as_ref().filter(|roles| **roles != record.roles) {
            let values = (show::list(&record.roles), show::list(roles));
            let gone = record.roles.iter().filter(|role| !roles.contains(role));
            let gone: Vec<&String> = gone.collect();
            if !gone.is_empty() {
                self.restrict(|update| gone.into_iter().fold(update, Update::remove_role));
            }
            self.make("roles", values, |update| update.roles(roles));
        }
        if let Some(scopes) = token
            .scopes
            .as_ref()
            .filter(|scopes| **scopes != record.scopes)
        {
            let values = (show::list(&record.scopes), show::list(scopes));
            let stay = |scope: &&String| scopes.contains(scope);
            if !record.scopes.iter().all(|scope| stay(&scope)) {
                self.restrict(|update| update.scopes(record.scopes.iter().filter(stay)));
            }
            self.make("scopes", values, |update| update.scopes(scopes));
        }
        match token.admin {
            Some(false) if record.admin && own => {
                self.notes
                    .push("your own token is declared without admin rights: it KEEPS them");
            }
            Some(admin) if admin != record.admin => {
                let values = (record.admin.into(), admin.into());
                if !admin {
                    self.restrict(|update| update.admin(false));
                }
                self.make("admin", values, |update| update.admin(admin));
            }
            _ => {}
        }
        match &token.hash {
            Some(hash) if record.hash.as_ref() != Some(hash) && own => {
                self.notes
                    .push("your own token is declared with another hash: its secret STAYS");
            }
            Some(hash) if record.hash.as_ref() != Some(hash) => {
                self.differences.push(Difference::hidden("hash"));
                self.update(|update| update.hash(hash.clone()));
            }
            _ => {}
        }
    }

    fn expiry(&mut self, record: &PatRecord, token: &Declared, own: bool, now: UnixTime) {
        let Some(end) = token.expires_at.filter(|end| *end != record.expires_at) else {
            return;
        };
        let values = (optional(record.expires_at), optional(end));
        match end {
            None => self.make("expires_at", values, |update| update.expires(Expiry::Never)),
            Some(at) if at > now && own && record.expires_at.is_none_or(|end| at < end) => {
                self.notes
                    .push("your own token is declared to expire sooner: its expiry STAYS");
            }
            Some(at) if at > now && record.expires_at.is_none_or(|end| at < end) => {
                self.differ("expires_at", values.0, values.1);
                self.restrict(|update| update.expires(at));
            }
            Some(at) if at > now => {
                self.make("expires_at", values, |update| update.expires(at));
            }
            // Declared in the past: it expires when this is applied.
            Some(at) => {
                if record.expires_at.is_some_and(|end| end <= now) {
                    // It has expired, whenever that was.
                } else if own {
                    self.notes
                        .push("your own token is declared expired: its expiry STAYS");
                } else {
                    self.differ("expires_at", values.0, optional(Some(now)));
                    self.restrict(|update| update.expires(at));
                }
            }
        }
    }
}

/// All that is declared of a new token.
pub(super) fn meta(token: &Declared) -> Vec<Difference> {
    let mut meta = vec![Difference::new("owner", token.owner.as_str().into())];
    let fields = [
        ("admin", token.admin.map(Value::from)),
        ("roles", token.roles.as_deref().map(show::list)),
        ("scopes", token.scopes.as_deref().map(show::list)),
        ("name", token.name.as_ref().map(|name| text(name.as_ref()))),
        ("metadata", token.metadata.as_deref().map(show::map)),
        ("expires_at", token.expires_at.map(optional)),
    ];
    for (field, value) in fields {
        meta.extend(value.map(|value| Difference::new(field, value)));
    }
    meta
}

fn text(text: Option<&String>) -> Value {
    or_null(text.map(String::as_str))
}
