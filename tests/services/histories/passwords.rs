//! Histories of the vault's passwords. There are fewer of them, since each run costs several
//! password hashes.

use std::fmt::Write as _;
use std::sync::Arc;

use sealtoken::store::{MemoryStore, Store};
use sealtoken::vault::{Argon2Cost, Vault, VaultOptions};
use sealtoken::{Key, KeyRing};

use super::vault::{NOW, gave, options, shown};
use super::{Answer, QUICK, Stage, answer, beside_in, done, named, op, says};
use crate::faulty::{copy, records};

type Op = super::Op<Opened>;

const OLD: &str = "the old password";
const NEW: &str = "the new password";
const THIRD: &str = "the third password";
const PASSWORDS: [&str; 3] = [OLD, NEW, THIRD];

const KEPT: &str = "kept-under-a-password";
const FIRST: &str = "first-under-a-new-one";
const SECOND: &str = "second-under-a-new-one";

/// A vault, with the store and keys to open it again.
#[derive(Clone)]
struct Opened {
    vault: Vault,
    store: Arc<dyn Store>,
    keys: KeyRing,
}

struct Locked {
    begin: MemoryStore,
    keys: KeyRing,
    /// The ids of each password's entry, at the initial cost and at the stronger one.
    places: Vec<(&'static str, [Vec<u8>; 2])>,
}

fn stronger() -> VaultOptions {
    options(NOW).argon2_cost(Argon2Cost::new(20, 2, 1).unwrap())
}

async fn entries(store: &MemoryStore) -> Vec<Vec<u8>> {
    let entries = records(store, "vault_passwords").await.into_iter();
    entries.map(|entry| entry.key.id).collect()
}

impl Locked {
    async fn new() -> Self {
        let (begin, keys) = (MemoryStore::new(), KeyRing::new(Key::generate()));
        let vault = options(NOW).open(begin.clone(), &keys).await.unwrap();
        vault.create("open").await.unwrap();
        let mut places = Vec::new();
        for password in PASSWORDS {
            let mut own = Vec::new();
            for options in [options(NOW), stronger()] {
                let store = copy(&begin, Self::COLLECTIONS).await;
                let vault = options.open(store.clone(), &keys).await.unwrap();
                vault.create("v").password(password).await.unwrap();
                own.append(&mut entries(&store).await);
            }
            places.push((password, own.try_into().unwrap()));
        }
        let kept = vault.create("kept").token(KEPT).password(OLD);
        kept.await.unwrap();
        Self {
            begin,
            keys,
            places,
        }
    }
}

impl Stage for Locked {
    type Client = Opened;
    const COLLECTIONS: &'static [&'static str] = &[
        "vault_keysets",
        "vault_values",
        "vault_versions",
        "vault_passwords",
    ];
    const COUNTED: &'static [&'static str] = Self::COLLECTIONS;

    fn begin(&self) -> &MemoryStore {
        &self.begin
    }

    async fn open(&self, store: Arc<dyn Store>) -> Opened {
        let keys = self.keys.clone();
        let vault = options(NOW).open(Arc::clone(&store), &keys).await.unwrap();
        Opened { vault, store, keys }
    }

    async fn follow(&self, client: &Opened, token: &str) -> String {
        let value = client.vault.read(token).password(NEW).await;
        shown(value.map(|value| value.expose().to_vec()))
    }

    async fn see(&self, Opened { vault, .. }: &Opened, store: &MemoryStore) -> String {
        let mut seen = String::new();
        for (password, places) in &self.places {
            // A password without an entry opens nothing, so hashing it would show no more.
            let there = entries(store).await;
            if places.iter().all(|place| !there.contains(place)) {
                continue;
            }
            let unlocked = vault.unlock(*password).await.unwrap();
            for token in [KEPT, FIRST, SECOND] {
                let value = unlocked.read(token).await;
                let value = shown(value.map(|value| value.expose().to_vec()));
                writeln!(seen, "{password}: {token} is {value}").unwrap();
            }
            // Unlocking has moved the entry to the current cost, if nothing had before.
            vault.flush().await;
            let there = entries(store).await;
            let there = places.each_ref().map(|place| there.contains(place));
            writeln!(seen, "{password}: {there:?}").unwrap();
        }
        seen
    }
}

fn operations() -> Vec<Op> {
    vec![
        op("create the first", |Opened { vault, .. }| async move {
            done(vault.create("1").token(FIRST).password(NEW).await)
        }),
        op("create the second", |Opened { vault, .. }| async move {
            done(vault.create("2").token(SECOND).password(NEW).await)
        }),
        // A single value is one batch, which is done as a whole or not at all.
        op("create many", |Opened { vault, .. }| async move {
            answer(vault.create_many(["x"]).password(NEW).await, gave)
        }),
        op("read", |Opened { vault, .. }| async move {
            let read = vault.read(KEPT).password(OLD).await;
            vault.flush().await;
            says(read.map(|value| value.expose().to_vec()))
        }),
        op("update", |Opened { vault, .. }| async move {
            let updated = vault.update(KEPT, "newer").password(OLD).await;
            vault.flush().await;
            done(updated)
        }),
        op("raise the cost", |Opened { store, keys, .. }| async move {
            done(stronger().open(store, &keys).await)
        }),
        op("rekey", |Opened { vault, .. }| async move {
            answer(vault.rekey(OLD, NEW).await, |count| {
                Answer::told(format!("{count}"))
            })
        }),
        // The count is not compared: a client that unlocked the old password before may write on.
        op(
            "rekey what is unlocked",
            |Opened { vault, .. }| async move { done(vault.rekey(OLD, NEW).await) },
        ),
        op("rekey on", |Opened { vault, .. }| async move {
            done(vault.rekey(NEW, THIRD).await)
        }),
        op("unlock and update", |Opened { vault, .. }| async move {
            let unlocked = match vault.unlock(OLD).await {
                Ok(unlocked) => unlocked,
                Err(error) => return Answer::failed(&error),
            };
            let updated = unlocked.update(KEPT, "newest").await;
            vault.flush().await;
            done(updated)
        }),
        op("unlock and create", |Opened { vault, .. }| async move {
            let unlocked = match vault.unlock(OLD).await {
                Ok(unlocked) => unlocked,
                Err(error) => return Answer::failed(&error),
            };
            let created = unlocked.create("1").token(FIRST).await;
            vault.flush().await;
            done(created)
        }),
        op(
            "unlock and create many",
            |Opened { vault, .. }| async move {
                let unlocked = match vault.unlock(OLD).await {
                    Ok(unlocked) => unlocked,
                    Err(error) => return Answer::failed(&error),
                };
                // The token is not followed: rivals decide which password opens it.
                answer(unlocked.create_many(["x"]).await, |many| match gave(many) {
                    Answer::Told(text, given) => Answer::told(format!("{text}{}", given.len())),
                    other => other,
                })
            },
        ),
        op("unlock and read", |Opened { vault, .. }| async move {
            let unlocked = match vault.unlock(OLD).await {
                Ok(unlocked) => unlocked,
                Err(error) => return Answer::failed(&error),
            };
            let one = unlocked.read(KEPT).await;
            let many = unlocked.read_many([KEPT, FIRST]).await;
            vault.flush().await;
            match one {
                Err(error) => Answer::failed(&error),
                Ok(one) => answer(many, |many| {
                    let many = many.into_iter();
                    let many = many.map(|one| shown(one.map(|one| one.expose().to_vec())));
                    let many: Vec<_> = many.collect();
                    Answer::told(format!("{:?} {many:?}", one.expose()))
                }),
            }
        }),
    ]
}

/// Operations, each with the rivals that act meanwhile.
type Pairs = &'static [(&'static str, &'static [&'static str])];

const CHANGES: Pairs = &[
    ("create the first", &["create the second"]),
    ("create the first", &["rekey"]),
    ("create many", &["create the second"]),
    ("rekey", &["rekey on"]),
    ("rekey", &["create the first"]),
    ("rekey", &["update"]),
    ("update", &["rekey"]),
];

const UNLOCKED: Pairs = &[
    ("unlock and update", &["rekey what is unlocked"]),
    ("unlock and create", &["rekey what is unlocked"]),
    ("unlock and create many", &["rekey what is unlocked"]),
    ("unlock and read", &["rekey what is unlocked"]),
    ("rekey what is unlocked", &["unlock and create"]),
];

const RAISED: Pairs = &[
    ("read", &["raise the cost", "read"]),
    ("raise the cost", &["read"]),
    ("update", &["raise the cost", "read"]),
    ("unlock and read", &["raise the cost", "read"]),
    ("rekey", &["raise the cost", "read"]),
    ("create the first", &["raise the cost", "create the second"]),
    ("raise the cost", &["raise the cost"]),
];

async fn histories(stage: &Locked, pairs: Pairs) {
    let all = operations();
    for (one, rivals) in pairs {
        let rivals: Vec<_> = rivals.iter().map(|name| named(&all, name)).collect();
        let runs = beside_in(&QUICK, stage, &named(&all, one), &rivals).await;
        assert!(runs > 2, "{one}: {runs}");
    }
}

#[tokio::test]
async fn passwords_open_every_value_whatever_rivals_do() {
    histories(&Locked::new().await, CHANGES).await;
}

#[tokio::test]
async fn an_unlocked_password_stays_usable_while_rivals_change_it() {
    histories(&Locked::new().await, UNLOCKED).await;
}

#[tokio::test]
async fn passwords_open_every_value_while_their_cost_is_raised() {
    histories(&Locked::new().await, RAISED).await;
}

/// The same after the cost was raised: every password moves to the new cost when it is used.
#[tokio::test]
async fn passwords_open_every_value_while_they_move_to_a_higher_cost() {
    let stage = Locked::new().await;
    let raised = stronger().open(stage.begin.clone(), &stage.keys).await;
    raised.unwrap();
    const MOVING: Pairs = &[
        ("read", &["read"]),
        ("read", &["rekey"]),
        ("update", &["read"]),
        ("rekey", &["read"]),
    ];
    histories(&stage, MOVING).await;
}

#[test]
fn every_operation_has_rivals() {
    let groups: Vec<_> = [CHANGES, UNLOCKED, RAISED].concat();
    let all = operations();
    let is_in = |op: &&Op| {
        groups
            .iter()
            .any(|(one, rivals)| *one == op.name || rivals.contains(&op.name))
    };
    assert_eq!(all.iter().filter(is_in).count(), all.len());
}
