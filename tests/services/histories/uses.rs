//! Histories of the best-effort writes after the use of a token: the time of last use, and a hash
//! upgrade.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use sealtoken::pat::{PatId, PatOptions, PersonalAccessTokens, VerifyError};
use sealtoken::store::{MemoryStore, Store};
use sealtoken::{Key, KeyRing};

use super::pat::{LIVE, NOW, gave, id, options};
use super::{
    Answer, Group, Stage, again, at_once, behind, done, gone, group, named, op, says, ungrouped,
};
use crate::pat::originals::{HASH, ID, TEXT};

type Op = super::Op<Nodes>;

/// How far the clocks of two servers may differ.
const LATER: i64 = 30;

/// Two servers whose clocks differ, and one that writes nothing when it verifies.
#[derive(Clone)]
struct Nodes {
    pats: PersonalAccessTokens,
    ahead: PersonalAccessTokens,
    looking: PersonalAccessTokens,
}

struct Used {
    begin: MemoryStore,
    keys: KeyRing,
    text: String,
}

fn noting(now: i64) -> PatOptions {
    let every = Duration::from_secs(1);
    options(now).last_used_every(every).upgrade_hashes(true)
}

async fn used(pats: &PersonalAccessTokens, text: &str) -> Answer {
    let verified = pats.verify(text).await;
    pats.flush().await;
    says(verified)
}

fn theirs() -> PatId {
    id(ID)
}

impl Used {
    async fn new() -> Self {
        let (begin, keys) = (MemoryStore::new(), KeyRing::new(Key::generate()));
        let before = options(NOW - 100).open(begin.clone(), &keys).await.unwrap();
        let issued = before.issue("ada").id(id(LIVE)).await;
        let register = before.register(theirs(), HASH.parse().unwrap(), "grace");
        register.await.unwrap();
        let text = issued.unwrap().token.expose().to_owned();
        Self { begin, keys, text }
    }

    fn operations(&self) -> Vec<Op> {
        let (text, same) = (self.text.clone(), self.text.clone());
        vec![
            behind("use", move |nodes: Nodes| {
                let text = text.clone();
                async move { used(&nodes.pats, &text).await }
            }),
            behind("use by one that is ahead", move |nodes: Nodes| {
                let text = same.clone();
                async move { used(&nodes.ahead, &text).await }
            }),
            behind("use theirs", |nodes: Nodes| async move {
                used(&nodes.pats, TEXT).await
            }),
            // Their answers are not compared: the last use may not have been written yet.
            op("name", |Nodes { pats, .. }| async move {
                done(pats.update(id(LIVE)).name("n").await)
            }),
            op("revoke", |Nodes { pats, .. }| async move {
                done(pats.revoke(id(LIVE)).await)
            }),
            op("rotate", |Nodes { pats, .. }| async move {
                gave(pats.rotate(id(LIVE)).await)
            }),
            op("delete", |Nodes { pats, .. }| async move {
                gone(pats.delete(id(LIVE)).await)
            }),
            op("rotate theirs", |Nodes { pats, .. }| async move {
                gave(pats.rotate(theirs()).await)
            }),
            op("delete theirs", |Nodes { pats, .. }| async move {
                gone(pats.delete(theirs()).await)
            }),
            op("register theirs", |Nodes { pats, .. }| async move {
                says(pats.register(theirs(), HASH.parse().unwrap(), "hedy").await)
            }),
        ]
    }
}

impl Stage for Used {
    type Client = Nodes;
    const COLLECTIONS: &'static [&'static str] = &["pat_keysets", "pat_tokens", "pat_bootstrap"];
    const COUNTED: &'static [&'static str] = Self::COLLECTIONS;

    fn begin(&self) -> &MemoryStore {
        &self.begin
    }

    async fn open(&self, store: Arc<dyn Store>) -> Nodes {
        let open = async |options: PatOptions| {
            let pats = options.open(Arc::clone(&store), &self.keys).await;
            pats.unwrap()
        };
        Nodes {
            pats: open(noting(NOW)).await,
            ahead: open(noting(NOW + LATER)).await,
            looking: open(options(NOW + LATER)).await,
        }
    }

    async fn follow(&self, nodes: &Nodes, token: &str) -> String {
        match nodes.looking.verify(token).await {
            Ok(record) => record.owner,
            Err(VerifyError::Failed(error)) => panic!("{error:?}"),
            Err(error) => error.code().to_owned(),
        }
    }

    async fn see(&self, nodes: &Nodes, _: &MemoryStore) -> String {
        let mut seen = String::new();
        for id in [id(LIVE), theirs()] {
            let record = match nodes.looking.get_with_hash(id).await {
                Ok(mut record) => {
                    let hash = record.hash.take().unwrap().to_string();
                    let kind = hash.split('$').nth(1).unwrap();
                    format!("{kind} {record:?}")
                }
                Err(error) => error.code().to_owned(),
            };
            writeln!(seen, "{record}").unwrap();
        }
        for text in [&self.text, TEXT] {
            writeln!(seen, "{}", self.follow(nodes, text).await).unwrap();
        }
        seen
    }
}

const GROUPS: &[Group] = &[
    (
        &[
            "use",
            "use by one that is ahead",
            "name",
            "revoke",
            "rotate",
            "delete",
        ],
        &[
            &["use"],
            &["use by one that is ahead"],
            &["use by one that is ahead", "use"],
            &["use", "revoke"],
            &["use", "rotate"],
            &["delete"],
        ],
    ),
    (
        &[
            "use theirs",
            "rotate theirs",
            "delete theirs",
            "register theirs",
        ],
        &[
            &["use theirs"],
            &["rotate theirs"],
            &["use theirs", "rotate theirs"],
            &["delete theirs"],
        ],
    ),
];

#[tokio::test]
async fn a_last_use_is_recorded_and_never_moves_back() {
    let stage = Used::new().await;
    let all = stage.operations();
    assert_eq!(ungrouped(&all, GROUPS), [""; 0]);
    group(&stage, &all, GROUPS, "use").await;
}

#[tokio::test]
async fn a_hash_is_upgraded_only_if_it_is_still_the_one_that_was_verified() {
    let stage = Used::new().await;
    group(&stage, &stage.operations(), GROUPS, "use theirs").await;
}

#[tokio::test]
async fn a_last_use_whose_write_failed_is_recorded_by_the_next_use() {
    let stage = Used::new().await;
    for one in stage.operations() {
        again(&stage, &one).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_uses_on_several_threads_match_some_order() {
    let stage = Used::new().await;
    let all = stage.operations();
    for names in [
        ["use", "use by one that is ahead", "rotate"],
        ["use", "use by one that is ahead", "name"],
        ["use theirs", "rotate theirs", "use theirs"],
    ] {
        let ops = names.map(|name| named(&all, name));
        at_once(&stage, &ops, 0..20).await;
    }
}
