//! Histories of the vault.

mod operations;

use std::fmt::{Debug, Write as _};
use std::sync::Arc;

use sealtoken::store::{MemoryStore, Store};
use sealtoken::vault::{ValueInfo, Vault, VaultError, VaultOptions, VaultToken};
use sealtoken::{Key, KeyRing, Lifetime, ManualClock, State, UnixTime};

use super::{Answer, Group, Stage, again, at_once, group, named, ungrouped};

use self::operations::operations;
use crate::faulty::Failure as _;

type Op = super::Op<Vault>;

pub(super) const NOW: i64 = 1_763_755_200;

/// A live value that had two others before.
const OPEN: &str = "open-with-a-history";
const HIDDEN: &str = "hidden-for-a-while";
/// Expired, and it had another value before.
const EXPIRED: &str = "over-since-a-while";
/// No value yet.
const FREE: &str = "free-for-the-taking";
const TOKENS: [&str; 4] = [OPEN, HIDDEN, EXPIRED, FREE];

/// A vault with values without passwords: every operation is quick.
struct Open {
    begin: MemoryStore,
    keys: KeyRing,
    /// The ring without its retired key.
    current: KeyRing,
}

pub(super) fn options(now: i64) -> VaultOptions {
    let clock = ManualClock::at(UnixTime::from_secs(now));
    Vault::options().clock(clock).limiter(()).keep_versions(2)
}

impl Open {
    async fn new() -> Self {
        let begin = MemoryStore::new();
        let (old, new) = (Key::generate(), Key::generate());
        let before = options(NOW - 100)
            .open(begin.clone(), &KeyRing::new(old.clone()))
            .await
            .unwrap();
        before.create("1").token(OPEN).label("l").await.unwrap();
        before.update(OPEN, "2").await.unwrap();
        before.update(OPEN, "3").await.unwrap();
        before.create("h").token(HIDDEN).await.unwrap();
        before.soft_delete(HIDDEN).await.unwrap();
        let soon = Lifetime::seconds(10);
        before
            .create("o")
            .token(EXPIRED)
            .expires(soon)
            .await
            .unwrap();
        before.update(EXPIRED, "over").await.unwrap();
        let current = KeyRing::new(new);
        let keys = current.clone().with_retired(old).unwrap();
        Self {
            begin,
            keys,
            current,
        }
    }
}

impl Stage for Open {
    type Client = Vault;
    const COLLECTIONS: &'static [&'static str] = &[
        "vault_keysets",
        "vault_values",
        "vault_versions",
        "vault_passwords",
    ];
    const COUNTED: &'static [&'static str] = &["vault_values", "vault_versions", "vault_passwords"];

    fn begin(&self) -> &MemoryStore {
        &self.begin
    }

    async fn open(&self, store: Arc<dyn Store>) -> Vault {
        options(NOW).open(store, &self.keys).await.unwrap()
    }

    async fn follow(&self, vault: &Vault, token: &str) -> String {
        shown(vault.read(token).await.map(|value| value.expose().to_vec()))
    }

    async fn see(&self, vault: &Vault, store: &MemoryStore) -> String {
        let mut seen = String::new();
        for token in TOKENS {
            writeln!(seen, "{token}: {}", facts(vault, token).await).unwrap();
            writeln!(seen, "reads {}", self.follow(vault, token).await).unwrap();
            for version in vault.versions(token).await.unwrap_or_default() {
                let read = vault.read(token).version(version.number).await;
                let read = shown(read.map(|value| value.expose().to_vec()));
                writeln!(seen, "{} was {read}", version.number).unwrap();
            }
        }
        let all = vault
            .list()
            .with(State::Deleted)
            .with(State::Expired)
            .count()
            .await;
        let without_old = match options(NOW).open(store.clone(), &self.current).await {
            Ok(vault) => self.follow(&vault, OPEN).await,
            Err(error) => error.code().to_owned(),
        };
        writeln!(seen, "{all:?} in all; without the old key: {without_old}").unwrap();
        seen
    }
}

pub(super) fn shown<T: Debug>(result: Result<T, VaultError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.code().to_owned(),
    }
}

async fn facts(vault: &Vault, token: &str) -> String {
    shown(vault.get(token).await.map(facts_of))
}

/// All but the id, which differs from vault to vault.
fn facts_of(info: ValueInfo) -> impl Debug {
    (
        (
            info.state,
            info.created_at,
            info.updated_at,
            info.expires_at,
        ),
        (
            info.deleted_at,
            info.label,
            info.length,
            info.version,
            info.earlier_versions,
        ),
    )
}

pub(super) fn gave(tokens: Vec<Result<VaultToken, VaultError>>) -> Answer {
    let mut given = Vec::new();
    let mut told = String::new();
    for token in tokens {
        match token {
            Ok(token) => given.push(token.expose().to_owned()),
            // It is the result of a write that failed: nothing else was in the batch.
            Err(error) if error.of_store().is_some() => return Answer::failed(&error),
            Err(error) => told.push_str(error.code()),
        }
    }
    Answer::Told(told, given)
}

/// What others do to a live value.
const LIVELY: &[&[&str]] = &[
    &["update"],
    &["delete"],
    &["soft delete"],
    &["soft delete", "restore this one"],
    &["delete", "upsert an existing one"],
    &["update", "delete"],
    &["prune", "roll back"],
];

const GROUPS: &[Group] = &[
    (
        &[
            "update",
            "update with an expiry",
            "upsert an existing one",
            "renew",
            "soft delete",
            "restore this one",
            "delete",
            "roll back",
            "prune",
        ],
        LIVELY,
    ),
    (
        &[
            "read",
            "read many",
            "versions",
            "read a version",
            "exists",
            "get",
            "list",
            "count",
        ],
        LIVELY,
    ),
    (
        &[
            "create this one",
            "upsert a missing one",
            "delete the new one",
            "import",
        ],
        &[
            &["create this one"],
            &["create this one", "delete the new one"],
            &[
                "create this one",
                "delete the new one",
                "upsert a missing one",
            ],
            &["delete the new one"],
        ],
    ),
    (
        &[
            "soft delete expired",
            "purge expired",
            "purge deleted",
            "renew what has expired",
            "restore",
            "delete what is soft-deleted",
        ],
        &[
            &["soft delete expired"],
            &["renew what has expired"],
            &["purge expired", "purge deleted"],
            &["restore"],
            &["restore", "delete what is soft-deleted"],
        ],
    ),
    (
        &["create", "create one of many", "create many", "rewrap"],
        &[&["rewrap"], &["create one of many"]],
    ),
];

async fn of_the_group(one: &str) {
    let stage = Open::new().await;
    group(&stage, &operations(), GROUPS, one).await;
}

#[tokio::test]
async fn a_live_value_is_changed_once_or_not_known_to_be() {
    of_the_group("update").await;
}

#[tokio::test]
async fn a_live_value_is_read_as_it_is_at_one_moment() {
    of_the_group("read").await;
}

#[tokio::test]
async fn a_token_that_is_free_is_changed_once_or_not_known_to_be() {
    of_the_group("create this one").await;
}

#[tokio::test]
async fn an_expired_or_soft_deleted_value_is_changed_once_or_not_known_to_be() {
    of_the_group("soft delete expired").await;
}

#[tokio::test]
async fn new_values_and_keysets_are_written_once_or_not_known_to_be() {
    of_the_group("create").await;
}

#[tokio::test]
async fn every_operation_is_in_a_group() {
    assert_eq!(ungrouped(&operations(), GROUPS), [""; 0]);
}

#[tokio::test]
async fn every_operation_that_failed_can_be_done_again() {
    let stage = Open::new().await;
    for one in operations() {
        again(&stage, &one).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_at_once_on_several_threads_come_in_some_order() {
    let stage = Open::new().await;
    let all = operations();
    for names in [
        ["update", "delete", "upsert an existing one"],
        ["update", "soft delete", "restore this one"],
        [
            "upsert a missing one",
            "create this one",
            "delete the new one",
        ],
        ["roll back", "prune", "update with an expiry"],
        ["purge expired", "renew what has expired", "purge deleted"],
        ["soft delete expired", "renew what has expired", "rewrap"],
        ["restore", "delete what is soft-deleted", "purge deleted"],
        ["create many", "create", "create one of many"],
    ] {
        let ops = names.map(|name| named(&all, name));
        at_once(&stage, &ops, 0..20).await;
    }
}
