//! The declared tokens: YAML, checked as a whole before anything is changed.
#![expect(
    clippy::option_option,
    reason = "a value that is left out differs from one that is null"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use sealtoken::pat::{Issue, PatError, PatId, PersonalAccessTokens, SecretHash};
use sealtoken::store::MemoryStore;
use sealtoken::{Key, KeyRing, ManualClock, UnixTime};
use serde::de::{Error, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::options::MergeKeyPolicy;
use serde_saphyr::{Error as Yaml, Spanned};

use crate::failure::{Failure, has_secret, problem};
use crate::output::printable;
use crate::values::moment;

/// A declared token. What is `None` stays as it is.
pub(super) struct Declared {
    pub(super) id: PatId,
    pub(super) line: u64,
    pub(super) owner: String,
    pub(super) hash: Option<SecretHash>,
    pub(super) admin: Option<bool>,
    /// Sorted, as in a record.
    pub(super) roles: Option<Vec<String>>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) name: Option<Option<String>>,
    pub(super) metadata: Option<Vec<(String, String)>>,
    pub(super) expires_at: Option<Option<UnixTime>>,
    pub(super) revoked: Option<bool>,
}

/// The file. That of `@access-tokens/cli` also names servers, which this command does not need.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tokens: Vec<Spanned<Entry>>,
    #[serde(default)]
    #[expect(dead_code, reason = "it is accepted and ignored")]
    defaults: Option<IgnoredAny>,
    #[serde(default)]
    #[expect(dead_code, reason = "it is accepted and ignored")]
    endpoints: Option<IgnoredAny>,
}

/// A token in the file; the aliases are the names of `@access-tokens/cli`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(alias = "tokenId")]
    id: String,
    owner: String,
    #[serde(default, alias = "secretPhc", deserialize_with = "given")]
    hash: Option<String>,
    #[serde(default, alias = "isAdmin", deserialize_with = "given")]
    admin: Option<Flag>,
    #[serde(default, deserialize_with = "given")]
    roles: Option<BTreeSet<String>>,
    #[serde(default, deserialize_with = "given")]
    scopes: Option<BTreeSet<String>>,
    #[serde(default, deserialize_with = "given")]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(default, alias = "expiresAt", deserialize_with = "given")]
    expires_at: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    revoked: Option<Flag>,
}

/// A boolean. In quotes it is a text: a word in quotes makes nobody an admin.
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Flags)
    }
}

struct Flags;

impl Visitor<'_> for Flags {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BOOLEAN)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Flag, E> {
        Ok(Flag(value))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Flag, E> {
        Err(E::custom(NOT_A_BOOLEAN))
    }
}

const BOOLEAN: &str = "true or false";

const NOT_A_BOOLEAN: &str = "a boolean is true or false, without quotes";

/// A value that is given, even if it is null: that differs from one that is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Reads the list. Reports all invalid entries at once.
pub(super) fn read(text: &str) -> Result<Vec<Declared>, Failure> {
    let options = serde_saphyr::options! {
        // A snippet would show hashes.
        with_snippet: false,
        // `yes` is not a boolean: nobody becomes an admin by a word that meant something else.
        strict_booleans: true,
        merge_keys: MergeKeyPolicy::Error,
    };
    let file = serde_saphyr::from_str_with_options::<File>(text, options);
    let file = file.map_err(|error| invalid(&error))?;
    let mut declared: Vec<Declared> = Vec::with_capacity(file.tokens.len());
    let mut lines = HashMap::new();
    let mut wrong = Wrong::default();
    for entry in file.tokens {
        let line = entry.referenced.line();
        match entry.value.declared(line) {
            Ok(token) => {
                if let Some(before) = lines.insert(token.id, line) {
                    let id = token.id;
                    wrong.add(line, &format!("{id} is declared on line {before} already"));
                }
                declared.push(token);
            }
            Err(what) => wrong.add(line, &what),
        }
    }
    wrong.end()?;
    Ok(declared)
}

/// What is wrong with the YAML, and where. It advises none of the options of the parser.
fn invalid(error: &Yaml) -> Failure {
    let all = error.to_string();
    let place = error.location().map(|at| (at.line(), at.column()));
    let (before, after) = place.map_or_else(Default::default, |(line, column)| {
        let place = format!("line {line}, column {column}");
        (format!("{place}: "), format!(" at {place}"))
    });
    let what: &str = match error {
        // A key or a hash may stand where a name belongs.
        _ if has_secret(&all) => "a word looks like a secret, so it is not shown",
        Yaml::DuplicateMappingKey { key: Some(key), .. } => &format!("`{key}` is a duplicate"),
        Yaml::DuplicateMappingKey { .. } => "a name is a duplicate",
        Yaml::MultipleDocuments { .. } => "a second document begins: give one",
        Yaml::MergeKeyNotAllowed { .. } => "merge keys (<<) are not allowed: write them out",
        Yaml::NullIntoString { .. } => "null is not a text",
        Yaml::SerdeInvalidType { expected, .. } if expected == BOOLEAN => NOT_A_BOOLEAN,
        _ => all.strip_suffix(&after).unwrap_or(&all),
    };
    problem(format!("the file: {before}{}", printable(what)))
}

impl Entry {
    fn declared(self, line: u64) -> Result<Declared, String> {
        let with_code = |error: PatError| format!("{}: {error}", error.code());
        let id: PatId = self.id.parse().map_err(with_code)?;
        let of_it = |what: String| format!("{id}: {what}");
        let hash = self.hash.map(|hash| hash.parse()).transpose();
        let end = self
            .expires_at
            .map(|end| end.map(|end| moment(&end)).transpose());
        Ok(Declared {
            hash: hash.map_err(|error| of_it(with_code(error)))?,
            expires_at: end
                .transpose()
                .map_err(|what| of_it(format!("expires_at: {what}")))?,
            id,
            line,
            owner: self.owner,
            admin: self.admin.map(|Flag(admin)| admin),
            roles: self.roles.map(|roles| roles.into_iter().collect()),
            scopes: self.scopes.map(|scopes| scopes.into_iter().collect()),
            name: self.name,
            metadata: self.metadata.map(|metadata| metadata.into_iter().collect()),
            revoked: self.revoked.map(|Flag(revoked)| revoked),
        })
    }
}

impl Declared {
    /// Sets all of it but the owner.
    pub(super) fn describe<'a, S>(&self, new: Issue<'a, S>, now: UnixTime) -> Issue<'a, S> {
        let mut new = new
            .admin(self.admin.unwrap_or_default())
            .roles(self.roles.iter().flatten())
            .scopes(self.scopes.iter().flatten());
        if let Some(Some(name)) = &self.name {
            new = new.name(name);
        }
        for (key, value) in self.metadata.iter().flatten() {
            new = new.metadata(key, value);
        }
        match self.expires_at.flatten() {
            Some(at) if at > now => new.expires(at),
            _ => new,
        }
    }

    pub(super) fn has_expired(&self, now: UnixTime) -> bool {
        self.expires_at.flatten().is_some_and(|at| at <= now)
    }
}

/// Checks each token as the library does, by issuing one like it in a store in memory. The clock
/// stands still, so that no token expires meanwhile.
pub(super) async fn check(declared: &[Declared], now: UnixTime) -> Result<(), Failure> {
    let options = PersonalAccessTokens::options().clock(ManualClock::at(now));
    let keys = KeyRing::new(Key::try_generate().map_err(problem)?);
    let trial = options.open(MemoryStore::new(), &keys).await?;
    let mut wrong = Wrong::default();
    for token in declared {
        let new = trial.issue(&token.owner);
        match token.describe(new, now).await {
            Ok(issued) => trial.delete(issued.record.id).await?,
            Err(error) => wrong.add(
                token.line,
                &format!("{}: {}: {error}", token.id, error.code()),
            ),
        }
    }
    wrong.end()
}

/// Checks that the hashes were made for this store, as far as their text shows. Registering others
/// would fail.
pub(super) fn check_hashes(
    declared: &[Declared],
    pats: &PersonalAccessTokens,
) -> Result<(), Failure> {
    let ours = pats.generate()?.hash.to_string();
    let mut wrong = Wrong::default();
    for token in declared {
        let hash = token.hash.as_ref().map(ToString::to_string);
        let key = hash.as_deref().and_then(key_of);
        if key.is_some() && key != key_of(&ours) {
            let what = "invalid_parameters: the hash was made under the keys of another store";
            wrong.add(token.line, &format!("{}: {what}", token.id));
        }
    }
    wrong.end()
}

/// The key that a keyed hash names; `None` for another system's hash.
fn key_of(hash: &str) -> Option<&str> {
    let (key, _) = hash.strip_prefix("$hmac-sha256$")?.split_once('$')?;
    Some(key)
}

/// What is wrong with the file, by line.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn add(&mut self, line: u64, what: &str) {
        self.0.push(format!("line {line}: {what}"));
    }

    fn end(self) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        let all = self.0.join("\n  ");
        Err(problem(format!(
            "the file has errors, and nothing was changed:\n  {all}"
        )))
    }
}
