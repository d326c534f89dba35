//! Histories of personal access tokens.

mod operations;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use sealtoken::pat::{
    ForeignPat, Generated, Issued, PatError, PatId, PatOptions, PersonalAccessTokens,
};
use sealtoken::store::{MemoryStore, Store};
use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};
use sealtoken_import::access_tokens;

use super::{Answer, Group, Stage, again, answer, at_once, group, named, ungrouped};

type Op = super::Op<PersonalAccessTokens>;

pub(super) const NOW: i64 = 1_763_755_200;

pub(super) const LIVE: &str = "live0and0verified0000";
const REVOKED: &str = "revoked0for0a0while00";
/// Expired, and due to be purged.
const EXPIRED: &str = "over0and0purged000000";
/// From the other system.
const THEIRS: &str = "2JAkraRtrH4sRVE1aOcjG";
/// No token yet.
const FREE: &str = "free0for0the0taking00";
const IDS: [&str; 5] = [LIVE, REVOKED, EXPIRED, THEIRS, FREE];
pub(super) const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn id(text: &str) -> PatId {
    text.parse().unwrap()
}

struct Tokens {
    begin: MemoryStore,
    keys: KeyRing,
    /// The ring when the key has left it that sealed the keyset.
    current: KeyRing,
    /// Texts of existing tokens.
    texts: Vec<String>,
    /// What waits for its registration, and the next secret of the live token.
    new: Generated,
    next: Generated,
}

pub(super) fn options(now: i64) -> PatOptions {
    let clock = ManualClock::at(UnixTime::from_secs(now));
    let options = PersonalAccessTokens::options().clock(clock).limiter(());
    options.last_used_every(None).keep_expired(Duration::ZERO)
}

fn theirs(end: &str) -> ForeignPat {
    access_tokens::from_dynamodb_json(&format!(
        r#"{{"tokenId": {{"S": "{THEIRS}"}}, "owner": {{"S": "ada"}},
        "createdAt": {{"N": "1763000000"}}, {end}
        "secretPhc": {{"S":
        "$scrypt$ln=10,r=8,p=1$g4YGYr7uaYTUXddjaTkXPg$bWvmkRKgB5Fa7UIlO/tYyw"}}}}"#
    ))
    .unwrap()
}

impl Tokens {
    async fn new() -> Self {
        let begin = MemoryStore::new();
        // A keyset under a standby key is left as it is until it is sealed again.
        let (old, current) = (Key::generate(), KeyRing::new(Key::generate()));
        let keys = current.clone().with_standby(old.clone()).unwrap();
        let old = KeyRing::new(old);
        let before = options(NOW - 100).open(begin.clone(), &old).await.unwrap();
        let mut texts = Vec::new();
        for one in [LIVE, REVOKED, EXPIRED] {
            let new = before.issue("ada").id(id(one)).role("reader");
            let new = if one == EXPIRED {
                new.expires(Lifetime::seconds(10))
            } else {
                new
            };
            let issued = new.await.unwrap();
            texts.push(issued.token.expose().to_owned());
        }
        before.revoke(id(REVOKED)).await.unwrap();
        Self {
            new: before.generate_as(id(FREE)).unwrap(),
            next: before.generate_as(id(LIVE)).unwrap(),
            begin,
            keys,
            current,
            texts,
        }
    }
}

impl Stage for Tokens {
    type Client = PersonalAccessTokens;
    const COLLECTIONS: &'static [&'static str] = &["pat_keysets", "pat_tokens", "pat_bootstrap"];
    const COUNTED: &'static [&'static str] = Self::COLLECTIONS;

    fn begin(&self) -> &MemoryStore {
        &self.begin
    }

    async fn open(&self, store: Arc<dyn Store>) -> PersonalAccessTokens {
        options(NOW).open(store, &self.keys).await.unwrap()
    }

    async fn follow(&self, pats: &PersonalAccessTokens, token: &str) -> String {
        match pats.verify(token).await {
            Ok(record) => format!("{} {:?}", record.owner, record.roles),
            Err(error) => error.code().to_owned(),
        }
    }

    async fn see(&self, pats: &PersonalAccessTokens, store: &MemoryStore) -> String {
        let mut seen = String::new();
        for record in pats.get_many(&IDS.map(id)).await.unwrap() {
            writeln!(seen, "{record:?}").unwrap();
        }
        let next = self.next.token.expose().to_owned();
        for text in self.texts.iter().chain([&next]) {
            writeln!(seen, "{}", self.follow(pats, text).await).unwrap();
        }
        for role in ["reader", "writer"] {
            let count = pats.list().role(role).count().await;
            writeln!(seen, "{role}: {count:?}").unwrap();
        }
        let without_old = match options(NOW).open(store.clone(), &self.current).await {
            Ok(pats) => self.follow(&pats, &self.texts[0]).await,
            Err(error) => error.code().to_owned(),
        };
        writeln!(seen, "without the old key: {without_old}").unwrap();
        seen
    }
}

pub(super) fn gave(issued: Result<Issued, PatError>) -> Answer {
    answer(issued, |issued| {
        Answer::Told("done".into(), vec![issued.token.expose().to_owned()])
    })
}

const GROUPS: &[Group] = &[
    (
        &[
            "add a role",
            "remove a role",
            "another owner",
            "another end",
            "revoke",
            "revoke for a time",
            "restore this one",
            "rotate",
            "rotate to",
            "delete",
            "issue it anew",
            "get",
            "get with its hash",
            "get many",
            "list",
            "count",
            "verify",
        ],
        &[
            &["add a role"],
            &["add a role", "remove a role"],
            &["another owner"],
            &["revoke"],
            &["revoke", "restore this one"],
            &["delete"],
            &["delete", "issue it anew"],
            &["rotate", "revoke"],
        ],
    ),
    (
        &[
            "list ours",
            "get ours",
            "revoke ours",
            "rotate ours",
            "rotate ours to",
            "update ours",
            "delete ours",
        ],
        &[
            &["another owner"],
            &["delete", "issue it anew"],
            &["rotate ours to", "revoke ours"],
            &["update ours"],
            &["delete ours"],
        ],
    ),
    (
        &["issue as", "register", "delete the new one"],
        &[
            &["issue as"],
            &["delete the new one"],
            &["register", "delete the new one"],
            &["delete the new one", "issue as"],
        ],
    ),
    (
        &[
            "import",
            "import what was revoked there",
            "restore theirs",
            "delete theirs",
        ],
        &[
            &["import"],
            &["delete theirs"],
            &["import", "delete theirs"],
            &["import what was revoked there", "restore theirs"],
        ],
    ),
    (
        &[
            "issue",
            "an end for what is over",
            "restore",
            "revoke again",
            "delete what is revoked",
            "purge",
            "rewrap",
        ],
        &[
            &["purge"],
            &["an end for what is over"],
            &["restore", "revoke again"],
            &["delete what is revoked"],
            &["rewrap"],
        ],
    ),
];

async fn of_the_group(one: &str) {
    let stage = Tokens::new().await;
    group(&stage, &stage.operations(), GROUPS, one).await;
}

#[tokio::test]
async fn a_live_token_is_changed_once_or_not_known_to_be() {
    of_the_group("revoke").await;
}

#[tokio::test]
async fn a_token_of_ones_own_is_changed_once_or_not_known_to_be() {
    of_the_group("revoke ours").await;
}

#[tokio::test]
async fn an_id_that_is_free_is_changed_once_or_not_known_to_be() {
    of_the_group("register").await;
}

#[tokio::test]
async fn what_is_imported_is_changed_once_or_not_known_to_be() {
    of_the_group("import").await;
}

#[tokio::test]
async fn an_expired_or_revoked_token_is_changed_once_or_the_effect_is_unknown() {
    of_the_group("purge").await;
}

#[tokio::test]
async fn every_operation_is_in_a_group() {
    let operations = Tokens::new().await.operations();
    assert_eq!(ungrouped(&operations, GROUPS), [""; 0]);
}

#[tokio::test]
async fn every_operation_that_failed_can_be_done_again() {
    let stage = Tokens::new().await;
    for one in stage.operations() {
        again(&stage, &one).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_at_once_on_several_threads_come_in_some_order() {
    let stage = Tokens::new().await;
    let all = stage.operations();
    for names in [
        ["add a role", "another owner", "revoke"],
        ["revoke", "restore this one", "rotate"],
        ["rotate", "rotate to", "another end"],
        ["delete", "issue it anew", "add a role"],
        ["issue as", "register", "delete the new one"],
        ["import", "import what was revoked there", "restore theirs"],
        ["purge", "an end for what is over", "issue"],
        ["update ours", "another owner", "rotate ours"],
        ["delete ours", "another owner", "add a role"],
    ] {
        let ops = names.map(|name| named(&all, name));
        at_once(&stage, &ops, 0..20).await;
    }
}
