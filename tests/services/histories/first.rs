//! Histories of the first admin, who is admitted exactly once, whatever others do at the same time.

use std::fmt::Write as _;
use std::sync::Arc;

use sealtoken::pat::{Generated, PersonalAccessTokens};
use sealtoken::store::{MemoryStore, Store};
use sealtoken::{Key, KeyRing};

use super::pat::{NOW, gave, options};
use super::{Group, Stage, again, at_once, gone, group, named, op, says, ungrouped};

type Op = super::Op<PersonalAccessTokens>;

/// An empty store; the options hold the hash of the first admin's token.
struct Empty {
    begin: MemoryStore,
    keys: KeyRing,
    root: Generated,
    another: Generated,
}

impl Empty {
    async fn new() -> Self {
        let (begin, keys) = (MemoryStore::new(), KeyRing::new(Key::generate()));
        let pats = options(NOW).open(begin.clone(), &keys).await.unwrap();
        let [root, another] = [(); 2].map(|()| pats.generate().unwrap());
        Self {
            begin,
            keys,
            root,
            another,
        }
    }

    fn operations(&self) -> Vec<Op> {
        let root = self.root.id;
        let bootstrap = |name, generated: &Generated| {
            let text = generated.token.clone();
            op(name, move |pats: PersonalAccessTokens| {
                let text = text.clone();
                async move { says(pats.bootstrap(text.expose(), "root").await) }
            })
        };
        vec![
            bootstrap("let in", &self.root),
            bootstrap("let in with another", &self.another),
            op("issue", |pats: PersonalAccessTokens| async move {
                gave(pats.issue("grace").await)
            }),
            op("revoke", move |pats: PersonalAccessTokens| async move {
                says(pats.revoke(root).await)
            }),
            op("delete", move |pats: PersonalAccessTokens| async move {
                gone(pats.delete(root).await)
            }),
        ]
    }
}

impl Stage for Empty {
    type Client = PersonalAccessTokens;
    const COLLECTIONS: &'static [&'static str] = &["pat_keysets", "pat_tokens", "pat_bootstrap"];
    const COUNTED: &'static [&'static str] = Self::COLLECTIONS;

    fn begin(&self) -> &MemoryStore {
        &self.begin
    }

    async fn open(&self, store: Arc<dyn Store>) -> PersonalAccessTokens {
        let options = options(NOW).bootstrap(self.root.hash.clone());
        options.open(store, &self.keys).await.unwrap()
    }

    async fn follow(&self, pats: &PersonalAccessTokens, token: &str) -> String {
        match pats.verify(token).await {
            Ok(record) => format!("{} {}", record.owner, record.admin),
            Err(error) => error.code().to_owned(),
        }
    }

    async fn see(&self, pats: &PersonalAccessTokens, _: &MemoryStore) -> String {
        let mut seen = String::new();
        for one in [&self.root, &self.another] {
            writeln!(seen, "{}", self.follow(pats, one.token.expose()).await).unwrap();
        }
        seen
    }
}

const GROUPS: &[Group] = &[(
    &["let in", "let in with another", "issue", "revoke", "delete"],
    &[
        &["let in"],
        &["let in", "delete"],
        &["let in", "revoke"],
        &["let in with another"],
        &["issue"],
    ],
)];

#[tokio::test]
async fn the_first_admin_is_admitted_once_or_the_effect_is_unknown() {
    let stage = Empty::new().await;
    let all = stage.operations();
    assert_eq!(ungrouped(&all, GROUPS), [""; 0]);
    group(&stage, &all, GROUPS, "let in").await;
}

#[tokio::test]
async fn a_first_admin_whose_reply_was_lost_can_retry() {
    let stage = Empty::new().await;
    for one in stage.operations() {
        again(&stage, &one).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_concurrent_first_admins_one_is_admitted() {
    let stage = Empty::new().await;
    let all = stage.operations();
    let ops = ["let in", "let in", "let in"].map(|name| named(&all, name));
    at_once(&stage, &ops, 0..20).await;
    let ops = ["let in", "delete", "let in"].map(|name| named(&all, name));
    at_once(&stage, &ops, 0..20).await;
}
