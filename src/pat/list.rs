//! Finds tokens by id, owner and role.

use crate::crypto::clock::UnixTime;
use crate::events::Observed;
use crate::sealed::{Listing, Page, Search, State, States, seal};
use crate::store::{Collection, Cursor, LabelName, Query, Record, StoreError, Values};

use super::owned::Target;
use super::row::{self, Meta};
use super::tokens::Tokens;
use super::{PatError, PatId, PatRecord, PersonalAccessTokens, names, operation};

/// How many ids are read at a time.
const IDS: usize = 100;

/// Lists tokens: [`PersonalAccessTokens::list`].
#[derive(Debug, Clone)]
pub struct ListedTokens {
    pats: PersonalAccessTokens,
    /// Each token must have all of these owners, so no filter shows another owner's.
    owners: Vec<String>,
    role: Option<String>,
    states: States,
    with_hashes: bool,
}

impl PersonalAccessTokens {
    /// Lists tokens: all of them, in every state, unless you narrow it. The order is the store's
    /// own.
    ///
    /// ```
    /// # use sealtoken::State;
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens) -> Result<(), PatError> {
    /// let mut tokens = pats.list().owner("ada@example.com").only(State::Live).stream();
    /// while let Some(token) = tokens.next().await {
    ///     println!("{:?}", token?.last_used_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::Service`]. A damaged or tampered record is an error in its own place.
    pub fn list(&self) -> Listing<ListedTokens> {
        Listing::new(ListedTokens {
            pats: self.clone(),
            owners: Vec::new(),
            role: None,
            states: States::ALL,
            with_hashes: false,
        })
    }

    /// What is known about a token, in any state.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), PatError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
    /// # let id = pats.issue("ada@example.com").await?.record.id;
    /// let record = pats.get(id).await?;
    /// assert_eq!(record.owner, "ada@example.com");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Service`].
    pub async fn get(&self, id: PatId) -> Result<PatRecord, PatError> {
        self.get_target(id.into(), false).await
    }

    /// What is known about a token, with the hash of its secret.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), PatError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
    /// # let id = pats.issue("ada@example.com").await?.record.id;
    /// let record = pats.get_with_hash(id).await?;
    /// assert!(record.hash.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`get`](PersonalAccessTokens::get).
    pub async fn get_with_hash(&self, id: PatId) -> Result<PatRecord, PatError> {
        self.get_target(id.into(), true).await
    }

    pub(super) async fn get_target(
        &self,
        target: Target<'_>,
        with_hash: bool,
    ) -> Result<PatRecord, PatError> {
        let observed = self.observe_one(operation::GET, target.id);
        let get = async {
            let tokens = self.tokens(&observed);
            let record = tokens.store().get(&tokens.key(target.id)).await?;
            let row = tokens.open(&record.ok_or(PatError::NotFound)?)?;
            target.check_owner(&row.meta.owner)?;
            Ok(row.into_record(with_hash))
        };
        observed.run(get).await
    }

    /// What is known about each of these tokens, in their order; `None` if no such token exists.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PatId, PersonalAccessTokens};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), PatError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
    /// # let id = pats.issue("ada@example.com").await?.record.id;
    /// for record in pats.get_many(&[id, PatId::generate()?]).await? {
    ///     match record {
    ///         Some(record) => println!("{}", record?.owner),
    ///         None => println!("no such token"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::Service`]. A damaged or tampered record is an error in its own place.
    pub async fn get_many(
        &self,
        ids: &[PatId],
    ) -> Result<Vec<Option<Result<PatRecord, PatError>>>, PatError> {
        let observed = self.observe(operation::GET);
        let get = async {
            let tokens = self.tokens(&observed);
            let mut found = Vec::with_capacity(ids.len());
            observed.count(0);
            for ids in ids.chunks(IDS) {
                let keys: Vec<_> = ids.iter().map(|id| tokens.key(*id)).collect();
                for record in tokens.store().get_many(&keys).await? {
                    found.push(record.map(|record| Ok(tokens.open(&record)?.into_record(false))));
                }
                observed.count(found.len() as u64);
            }
            Ok(found)
        };
        observed.run(get).await
    }
}

impl Listing<ListedTokens> {
    /// Those of this owner. It only narrows: with two different owners, no token matches.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.wanted.owners.push(owner.into());
        self
    }

    /// Those with this role.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.wanted.role = Some(role.into());
        self
    }

    /// With the hashes of their secrets.
    pub fn with_hashes(mut self) -> Self {
        self.wanted.with_hashes = true;
        self
    }
}

impl seal::Read for ListedTokens {
    type Entry = PatRecord;
    type Error = PatError;

    fn observe(&self) -> Observed<'_> {
        self.pats.observe(operation::LIST)
    }

    fn states(&mut self) -> &mut States {
        &mut self.states
    }

    /// Reads until the page is full, the list ends, or enough records were read.
    async fn read(
        &self,
        observed: &Observed<'_>,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Page<PatRecord, PatError>, PatError> {
        let tokens = self.pats.tokens(observed);
        let mut position = Position::of(after.as_ref())?;
        let parts = self.parts(tokens);
        if usize::from(position.part) >= parts.len() {
            return Err(StoreError::Cursor.into());
        }
        let mut search = Search::new(tokens.store(), limit);
        let mut next = None;
        while let Some(part) = parts.get(usize::from(position.part)) {
            if search.is_over() {
                next = Some(position.cursor());
                break;
            }
            let entry = |record| self.entry(tokens, &record, part);
            let query = part.query();
            let within = search.read(&query, position.within.take(), entry).await?;
            position.move_on(within);
        }
        let entries = search.found;
        Ok(Page { entries, next })
    }

    /// The store can count all tokens, but no filtered ones.
    async fn count_in_store(&self, observed: &Observed<'_>) -> Result<Option<u64>, PatError> {
        let each = [State::Live, State::Expired, State::Revoked];
        let every_state = self.states.contains_all(each);
        if !(every_state && self.owners.is_empty() && self.role.is_none()) {
            return Ok(None);
        }
        let store = self.pats.tokens(observed).store();
        Ok(Some(store.count(&Query::all(names::TOKENS)).await?))
    }
}

impl ListedTokens {
    /// The entry of a record, if it matches. A damaged or tampered record is an error.
    fn entry(
        &self,
        tokens: Tokens<'_>,
        record: &Record,
        part: &Part,
    ) -> Option<Result<PatRecord, PatError>> {
        match tokens.open(record) {
            Ok(row) => {
                let is_wanted = self.wants(&row.meta, part, tokens.now());
                is_wanted.then(|| Ok(row.into_record(self.with_hashes)))
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// The scans of the list, one after the other: one owner's tokens, or all of them; for a role,
    /// those with a label for it, then those that have more roles than labels.
    fn parts(&self, tokens: Tokens<'_>) -> Vec<Part> {
        let keyset = tokens.keyset();
        match (self.owners.first(), &self.role) {
            (Some(owner), _) => vec![Part::Labelled(
                names::OWNER,
                row::owner_label(keyset, owner),
            )],
            (None, Some(role)) => vec![
                Part::Labelled(names::ROLE, row::role_label(keyset, role)),
                Part::MoreRoles(row::more_roles_label(keyset)),
            ],
            (None, None) => vec![Part::All],
        }
    }

    fn wants(&self, meta: &Meta, part: &Part, now: UnixTime) -> bool {
        let role = self.role.as_ref().is_none_or(|role| match part {
            // A label is half a hash, so the role itself is compared, too.
            Part::Labelled(..) if self.owners.is_empty() => meta.roles.labelled.contains(role),
            Part::MoreRoles(_) => meta.roles.more.contains(role),
            Part::All | Part::Labelled(..) => meta.roles.has(role),
        });
        role && self.owners.iter().all(|owner| *owner == meta.owner)
            && self.states.contains(meta.state_at(now))
    }
}

/// One scan of a list.
#[derive(Debug)]
enum Part {
    All,
    Labelled(LabelName, Vec<u8>),
    MoreRoles(Vec<u8>),
}

impl Part {
    fn query(&self) -> Query {
        let label = |name: &LabelName, value: &[u8]| {
            let collection: Collection = names::TOKENS;
            Query::label(collection, name.clone(), Values::exactly(value))
        };
        match self {
            Self::All => Query::all(names::TOKENS),
            Self::Labelled(name, value) => label(name, value),
            Self::MoreRoles(value) => label(&names::MORE_ROLES, value),
        }
    }
}

/// The position of a list: the part, and the cursor in it.
#[derive(Debug)]
struct Position {
    part: u8,
    within: Option<Cursor>,
}

impl Position {
    fn of(cursor: Option<&Cursor>) -> Result<Self, PatError> {
        let Some(cursor) = cursor else {
            return Ok(Self {
                part: 0,
                within: None,
            });
        };
        let (&part, within) = cursor.as_bytes().split_first().ok_or(StoreError::Cursor)?;
        Ok(Self {
            part,
            within: (!within.is_empty()).then(|| Cursor::from_bytes(within)),
        })
    }

    fn cursor(&self) -> Cursor {
        let within = self.within.as_ref().map_or(&[][..], Cursor::as_bytes);
        Cursor::from_bytes([&[self.part], within].concat())
    }

    fn move_on(&mut self, next: Option<Cursor>) {
        if next.is_none() {
            self.part = self.part.saturating_add(1);
        }
        self.within = next;
    }
}
