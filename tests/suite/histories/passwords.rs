//! Histories of the vault's passwords: fewer of them, for each costs several hashes.

use std::fmt::Write as _;
use std::sync::Arc;

use sealtoken::store::{MemoryStore, Store};
use sealtoken::vault::Vault;
use sealtoken::{Key, KeyRing};

use super::vault::{NOW, answer, done, gave, options, shown};
use super::{Answer, QUICK, Stage, beside_in, named, op};

type Op = super::Op<Vault>;

const OLD: &str = "the old password";
const NEW: &str = "the new password";
const THIRD: &str = "the third password";

const KEPT: &str = "kept-under-a-password";
const FIRST: &str = "first-under-a-new-one";
const SECOND: &str = "second-under-a-new-one";

struct Locked {
    begin: MemoryStore,
    keys: KeyRing,
}

impl Locked {
    async fn new() -> Self {
        let (begin, keys) = (MemoryStore::new(), KeyRing::new(Key::generate()));
        let vault = options(NOW).open(begin.clone(), &keys).await.unwrap();
        let kept = vault.create("kept").token(KEPT).password(OLD);
        kept.await.unwrap();
        Self { begin, keys }
    }
}

impl Stage for Locked {
    type Client = Vault;
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

    async fn open(&self, store: Arc<dyn Store>) -> Vault {
        options(NOW).open(store, &self.keys).await.unwrap()
    }

    async fn follow(&self, vault: &Vault, token: &str) -> String {
        let value = vault.read(token).password(NEW).await;
        shown(value.map(|value| value.expose().to_vec()))
    }

    async fn see(&self, vault: &Vault, _: &MemoryStore) -> String {
        let mut seen = String::new();
        for password in [OLD, NEW, THIRD] {
            let unlocked = match vault.unlock(password).await {
                Ok(unlocked) => unlocked,
                Err(error) => {
                    writeln!(seen, "{password}: {}", error.code()).unwrap();
                    continue;
                }
            };
            for token in [KEPT, FIRST, SECOND] {
                let value = unlocked.read(token).await;
                let value = shown(value.map(|value| value.expose().to_vec()));
                writeln!(seen, "{password}: {token} is {value}").unwrap();
            }
        }
        seen
    }
}

fn operations() -> Vec<Op> {
    vec![
        op("create the first", |vault: Vault| async move {
            done(vault.create("1").token(FIRST).password(NEW).await)
        }),
        op("create the second", |vault: Vault| async move {
            done(vault.create("2").token(SECOND).password(NEW).await)
        }),
        // One alone is one batch, and done or not done.
        op("create many", |vault: Vault| async move {
            answer(vault.create_many(["x"]).password(NEW).await, gave)
        }),
        op("update", |vault: Vault| async move {
            done(vault.update(KEPT, "newer").password(OLD).await)
        }),
        op("rekey", |vault: Vault| async move {
            answer(vault.rekey(OLD, NEW).await, |count| {
                Answer::told(format!("{count}"))
            })
        }),
        op("rekey on", |vault: Vault| async move {
            done(vault.rekey(NEW, THIRD).await)
        }),
    ]
}

#[tokio::test]
async fn passwords_lead_to_every_value_whoever_was_there_meanwhile() {
    let stage = Locked::new().await;
    let all = operations();
    let mut runs = 0;
    for (one, rival) in [
        ("create the first", "create the second"),
        ("create the first", "rekey"),
        ("create many", "create the second"),
        ("rekey", "rekey on"),
        ("rekey", "create the first"),
        ("rekey", "update"),
        ("update", "rekey"),
    ] {
        let (one, rival) = (named(&all, one), named(&all, rival));
        runs += beside_in(&QUICK, &stage, &one, &[rival]).await;
    }
    assert!(runs > 40, "{runs}");
}
