//! Makes the records of `tests/vectors/vault.json`.

use sealtoken::store::MemoryStore;
use sealtoken::vault::{Argon2Cost, Vault};
use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};
use serde_json::{Value, json};

use super::{COLLECTIONS, NAMESPACES, NEXT, SHARED, TYPED, options};
use crate::records::{all, list, seconds, text};
use crate::vault::{NOW, RIGHT, WRONG};

pub(super) struct Maker {
    store: MemoryStore,
    clock: ManualClock,
    keys: KeyRing,
    ring: String,
    vault: Vault,
    ada: Vault,
    values: Vec<Value>,
    refused: Vec<Value>,
    pub(super) states: Vec<Value>,
}

impl Maker {
    pub(super) async fn new() -> Self {
        let (store, key) = (MemoryStore::new(), Key::generate());
        let clock = ManualClock::at(UnixTime::from_secs(NOW));
        let keys = KeyRing::new(key.clone());
        let opened = options(&clock).open(store.clone(), &keys).await;
        let vault = opened.unwrap();
        Self {
            ada: vault.namespace(NAMESPACES[1]).unwrap(),
            ring: key.expose().to_string(),
            store,
            clock,
            keys,
            vault,
            values: Vec::new(),
            refused: Vec::new(),
            states: Vec::new(),
        }
    }

    fn in_namespace(&self, namespace: &str) -> Vault {
        self.vault.namespace(namespace).unwrap()
    }

    /// Notes a value that was just created.
    async fn note(&mut self, namespace: &str, token: &str, password: Option<&str>, value: &[u8]) {
        self.values.push(json!({
            "namespace": namespace,
            "token": token,
            "password": password,
            "value": hex::encode(value),
            "earlier": [],
        }));
    }

    fn refuse(&mut self, namespace: &str, token: &str, password: Option<&str>, code: &str) {
        self.refused.push(json!({
            "namespace": namespace,
            "token": token,
            "password": password,
            "code": code,
        }));
    }

    /// Updates a value, and notes the previous one as an earlier value; two are kept.
    async fn update(&mut self, at: usize, new: &str) {
        let noted = self.values[at].clone();
        let vault = self.in_namespace(text(&noted, "namespace"));
        let token = text(&noted, "token");
        let info = vault.get(token).await.unwrap();
        let update = vault.update(token, new);
        match noted["password"].as_str() {
            Some(password) => update.password(password).await.unwrap(),
            None => update.await.unwrap(),
        }
        let was = json!({
            "revision": info.version,
            "updated": info.updated_at.as_secs(),
            "value": noted["value"],
        });
        let mut earlier = vec![was];
        earlier.extend_from_slice(list(&noted, "earlier"));
        earlier.truncate(2);
        self.values[at]["earlier"] = earlier.into();
        self.values[at]["value"] = hex::encode(new).into();
    }

    /// Adds the current state, with every record and every value.
    async fn keep(&mut self, name: &str) {
        for at in 0..self.values.len() {
            let vault = self.in_namespace(text(&self.values[at], "namespace"));
            let info = vault.get(text(&self.values[at], "token")).await.unwrap();
            let value = &mut self.values[at];
            value["created"] = info.created_at.as_secs().into();
            value["updated"] = info.updated_at.as_secs().into();
            value["expires"] = json!(seconds(info.expires_at));
            value["deleted"] = json!(seconds(info.deleted_at));
            value["label"] = json!(info.label);
            value["revision"] = info.version.into();
        }
        let records = all(&self.store, &COLLECTIONS).await;
        self.states.push(json!({
            "name": name,
            "now": UnixTime::as_secs(sealtoken::Clock::now(&self.clock)),
            "ring": self.ring,
            "namespaces": NAMESPACES,
            "records": records,
            "values": self.values,
            "refused": self.refused,
        }));
    }

    /// Values of every kind.
    pub(super) async fn first(&mut self) {
        let (home, hers) = (NAMESPACES[0], NAMESPACES[1]);
        let vault = self.vault.clone();
        let token = vault.create("in the clear").await.unwrap();
        self.note(home, token.expose(), None, b"in the clear").await;
        self.refuse(home, token.expose(), Some(RIGHT), "invalid_password");

        let create = vault.create("db-password").password(RIGHT).label("backup");
        let token = create.expires(Lifetime::days(1)).await.unwrap();
        self.note(home, token.expose(), Some(RIGHT), b"db-password")
            .await;
        self.refuse(home, token.expose(), Some(WRONG), "invalid_password");
        self.refuse(home, token.expose(), None, "invalid_password");
        self.refuse(hers, token.expose(), Some(RIGHT), "not_found");

        let create = vault.create("").password(WRONG).token(SHARED);
        create.label("backup").await.unwrap();
        self.note(home, SHARED, Some(WRONG), b"").await;

        let bytes: Vec<u8> = (0..=255).collect();
        let create = self.ada.create(bytes.clone()).token(SHARED).password(TYPED);
        create.label("größe").await.unwrap();
        self.note(hers, SHARED, Some(TYPED), &bytes).await;

        let create = vault.create("one").password(RIGHT).label("backup");
        let token = create.await.unwrap();
        self.note(home, token.expose(), Some(RIGHT), b"one").await;
        let changing = self.values.len() - 1;

        let create = vault.create("hidden").expires(Lifetime::hours(1));
        let token = create.await.unwrap();
        self.note(home, token.expose(), None, b"hidden").await;
        self.clock.advance(7);
        vault.soft_delete(&token).await.unwrap();
        let create = self.ada.create("over").expires(Lifetime::seconds(5));
        let token = create.await.unwrap();
        self.note(hers, token.expose(), None, b"over").await;
        for new in ["two", "three", "four"] {
            self.clock.advance(60);
            self.update(changing, new).await;
        }
        self.keep("made: seven values, two namespaces, three passwords, one cost")
            .await;
    }

    /// Another password, and values written later.
    pub(super) async fn rekeyed(&mut self) {
        self.clock.advance(1000);
        assert_eq!(self.vault.rekey(RIGHT, NEXT).await, Ok(2));
        for value in &mut self.values {
            if value["password"] == RIGHT {
                value["password"] = NEXT.into();
            }
        }
        self.refused
            .retain(|refused| refused["code"] == "not_found");
        let moved = self.values[1].clone();
        let home = NAMESPACES[0];
        self.refuse(home, text(&moved, "token"), Some(RIGHT), "invalid_password");
        let later = self.vault.create("later").password(NEXT);
        let token = later.weak_length(15).await.unwrap();
        self.note(home, token.expose(), Some(NEXT), b"later").await;
        let changing = self.values.iter();
        let mut changing = changing.map(|value| list(value, "earlier").len());
        let changing = changing.position(|earlier| earlier > 0).unwrap();
        self.update(changing, "five").await;
        self.keep(
            "rekeyed: one password took the place of another, and the list has two data keys",
        )
        .await;
    }

    /// A higher cost: one password has moved to it, the others have not.
    pub(super) async fn raised(&mut self) {
        let cost = Argon2Cost::new(20, 2, 2).unwrap();
        let raised = options(&self.clock).argon2_cost(cost);
        self.vault = raised.open(self.store.clone(), &self.keys).await.unwrap();
        self.ada = self.vault.namespace(NAMESPACES[1]).unwrap();
        let moved = self.values[1].clone();
        let read = self.vault.read(text(&moved, "token")).password(NEXT).await;
        assert!(read.is_ok());
        let new = self.vault.create("at the new cost").password(RIGHT);
        let token = new.await.unwrap();
        let value = b"at the new cost";
        self.note(NAMESPACES[0], token.expose(), Some(RIGHT), value)
            .await;
        self.keep("raised: two costs, one password moved up, one is new, two are where they were")
            .await;
    }

    /// Another key of the ring, without the old one.
    pub(super) async fn rewrapped(&mut self) {
        let old: Key = self.ring.parse().unwrap();
        let new = Key::generate();
        let both = KeyRing::new(new.clone()).with_retired(old).unwrap();
        self.keys.replace(&both).unwrap();
        assert_eq!(self.vault.rewrap().await.unwrap().resealed, 3);
        self.keys.replace(&KeyRing::new(new.clone())).unwrap();
        self.ring = new.expose().to_string();
        self.keep("rewrapped: another key of the ring seals the keysets, and nothing else changed")
            .await;
    }
}
