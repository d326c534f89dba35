//! Tokens found by id, by owner and by role.

mod stream;

use crate::events::Operation;
use crate::sealed::{Search, Tally};
use crate::store::{Collection, Cursor, LabelName, Query, Record, StoreError, Values};

use super::owned::Target;
use super::record::State;
use super::row::{self, Row};
use super::{PatError, PatId, PatRecord, PersonalAccessTokens, names};

pub use self::stream::ListStream;

/// The entries of a page, unless another number is asked for.
const PAGE: usize = 100;
/// Ids that are read at once.
const IDS: usize = 100;

/// A part of a list.
#[derive(Debug)]
#[non_exhaustive]
pub struct ListPage {
    /// What was found. A record that was changed from outside is an error of its own, and hides no other.
    pub entries: Vec<Result<PatRecord, PatError>>,
    /// Where to go on; `None` at the end. A page may be short and have more behind it.
    pub next: Option<Cursor>,
}

/// Finds tokens: [`PersonalAccessTokens::list`].
#[derive(Debug, Clone)]
#[must_use = "nothing is listed until a page or a stream is asked for"]
pub struct List<'a> {
    pats: &'a PersonalAccessTokens,
    /// The owners whose each token has to be: whatever is asked for, a list of one owner's shows no other's.
    owners: Vec<String>,
    role: Option<String>,
    state: Option<State>,
    with_hashes: bool,
    limit: Option<usize>,
    after: Option<Cursor>,
}

impl PersonalAccessTokens {
    /// Finds tokens: all of them, in whatever state, unless the builder is told otherwise. The order is the store's own.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens, State};
    /// # async fn example(pats: PersonalAccessTokens) -> Result<(), PatError> {
    /// let mut tokens = pats.list().owned_by("ada@example.com").only(State::Live).stream();
    /// while let Some(token) = tokens.next().await {
    ///     println!("{:?}", token?.last_used_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<'_> {
        List {
            pats: self,
            owners: Vec::new(),
            role: None,
            state: None,
            with_hashes: false,
            limit: None,
            after: None,
        }
    }

    /// What is known about a token, wherever it stands in its life.
    ///
    /// # Errors
    ///
    /// [`PatError::NotFound`], [`PatError::Tampered`], [`PatError::Store`].
    pub async fn get(&self, id: &PatId) -> Result<PatRecord, PatError> {
        self.get_any(id.into(), false).await
    }

    /// What is known about a token, and the hash of its secret.
    ///
    /// # Errors
    ///
    /// As for [`get`](PersonalAccessTokens::get).
    pub async fn get_with_hash(&self, id: &PatId) -> Result<PatRecord, PatError> {
        self.get_any(id.into(), true).await
    }

    pub(super) async fn get_any(
        &self,
        target: Target<'_>,
        with_hash: bool,
    ) -> Result<PatRecord, PatError> {
        let got = async {
            let mut found = self.find(&[*target.id], with_hash).await?;
            let record = found.pop().flatten().ok_or(PatError::NotFound)??;
            target.check_owner(&record.owner)?;
            Ok(record)
        };
        self.report(Operation::PatGet, Some(target.id), None, got.await)
    }

    /// What is known about each of these tokens, in their order; `None` for those that there are not.
    ///
    /// # Errors
    ///
    /// [`PatError::Store`]. A record that was changed from outside is an error in its own place.
    pub async fn get_many(
        &self,
        ids: &[PatId],
    ) -> Result<Vec<Option<Result<PatRecord, PatError>>>, PatError> {
        let found = self.find(ids, false).await;
        let count = u64::try_from(ids.len()).ok();
        self.report(Operation::PatGet, None, count, found)
    }

    async fn find(
        &self,
        ids: &[PatId],
        with_hash: bool,
    ) -> Result<Vec<Option<Result<PatRecord, PatError>>>, PatError> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS) {
            let keys: Vec<_> = ids.iter().map(|id| self.key(id)).collect();
            for record in self.store().get_many(&keys).await? {
                let record =
                    record.map(|record| Ok(self.open_row(&record)?.into_record(with_hash)));
                found.push(record);
            }
        }
        Ok(found)
    }

    /// How many tokens there are, in whatever state. The store counts, without opening any.
    ///
    /// # Errors
    ///
    /// [`PatError::Store`].
    pub async fn count(&self) -> Result<u64, PatError> {
        let count = self.store().count(&Query::all(names::TOKENS)).await;
        let count = count.map_err(PatError::from);
        let number = count.as_ref().ok().copied();
        self.report(Operation::PatList, None, number, count)
    }
}

impl<'a> List<'a> {
    /// Those of this owner. It only narrows: after another owner's, none is left.
    pub fn owned_by(mut self, owner: impl Into<String>) -> Self {
        self.owners.push(owner.into());
        self
    }

    /// Those with this role.
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Those in this state.
    pub fn only(mut self, state: State) -> Self {
        self.state = Some(state);
        self
    }

    /// With the hashes of their secrets.
    pub fn with_hashes(mut self) -> Self {
        self.with_hashes = true;
        self
    }

    /// The most entries. Unless it is set a page has 100, and a stream all of them.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = usize::try_from(limit).ok();
        self
    }

    /// From where a page ended, of a list for the same owner or role.
    pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.after = cursor.into();
        self
    }

    /// The tokens one after the other, to the limit or to the end.
    pub fn stream(self) -> ListStream<'a> {
        ListStream::new(self)
    }

    /// A page.
    ///
    /// # Errors
    ///
    /// [`PatError::Store`], with [`StoreError::Cursor`] for a cursor of another list.
    pub async fn page(&self) -> Result<ListPage, PatError> {
        let page = self.read(self.after.as_ref()).await;
        let count = page.as_ref().ok();
        let count = count.and_then(|page| u64::try_from(page.entries.len()).ok());
        self.pats.report(Operation::PatList, None, count, page)
    }

    /// How many there are that can be read, whatever the limit: [`tally`](List::tally) says how many cannot. Each is looked at.
    ///
    /// # Errors
    ///
    /// [`PatError::Store`].
    pub async fn count(&self) -> Result<u64, PatError> {
        Ok(self.tally().await?.count)
    }

    /// How many there are, whatever the limit, and how many records were changed from outside. Each is looked at.
    ///
    /// # Errors
    ///
    /// [`PatError::Store`].
    pub async fn tally(&self) -> Result<Tally, PatError> {
        let tally = self.try_tally().await;
        let number = tally.as_ref().ok().map(|tally| tally.count);
        self.pats.report(Operation::PatList, None, number, tally)
    }

    async fn try_tally(&self) -> Result<Tally, PatError> {
        let list = self.clone().limit(1000);
        let (mut tally, mut next) = (Tally::default(), self.after.clone());
        loop {
            let page = list.read(next.as_ref()).await?;
            tally.add(&page.entries);
            next = page.next;
            if next.is_none() {
                return Ok(tally);
            }
        }
    }

    /// Reads until a page is full, the list at its end, or enough has been looked at.
    async fn read(&self, after: Option<&Cursor>) -> Result<ListPage, PatError> {
        let mut place = Place::of(after)?;
        let parts = self.parts();
        if usize::from(place.part) >= parts.len() {
            return Err(PatError::Store(StoreError::Cursor));
        }
        let mut search = Search::new(self.pats.store(), self.limit.unwrap_or(PAGE));
        let mut next = None;
        while let Some(part) = parts.get(usize::from(place.part)) {
            if search.is_over() {
                next = Some(place.cursor());
                break;
            }
            let judge = |record| self.judge(&record, part);
            let query = part.query();
            let within = search.read(&query, place.within.take(), judge).await?;
            place.move_on(within);
        }
        let entries = search.found;
        Ok(ListPage { entries, next })
    }

    /// What is known about a token, if it belongs to the list. What was changed from outside is shown as the error that it is.
    fn judge(&self, record: &Record, part: &Part) -> Option<Result<PatRecord, PatError>> {
        match self.pats.open_row(record) {
            Ok(row) => {
                let is_wanted = self.admits(&row, part);
                is_wanted.then(|| Ok(row.into_record(self.with_hashes)))
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// What is scanned one after the other: an owner's tokens or all, or those with a label for a role and then those that have more roles than labels.
    fn parts(&self) -> Vec<Part> {
        let keyset = &self.pats.shared.keyset;
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

    fn admits(&self, row: &Row, part: &Part) -> bool {
        let facts = &row.facts;
        let now = self.pats.now();
        let state = if facts.revoked.is_some() {
            State::Revoked
        } else if facts.is_expired(now) {
            State::Expired
        } else {
            State::Live
        };
        let role = self.role.as_ref().is_none_or(|role| match part {
            // A label is half a hash: what it finds is looked at, too.
            Part::Labelled(..) if self.owners.is_empty() => facts.roles.labelled.contains(role),
            Part::MoreRoles(_) => facts.roles.more.contains(role),
            Part::All | Part::Labelled(..) => facts.roles.iter().any(|has| has == role),
        });
        role && self.owners.iter().all(|owner| *owner == facts.owner)
            && self.state.is_none_or(|wanted| wanted == state)
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

/// How far a list has come: in which of its parts, and where there.
#[derive(Debug)]
struct Place {
    part: u8,
    within: Option<Cursor>,
}

impl Place {
    fn of(cursor: Option<&Cursor>) -> Result<Self, PatError> {
        let Some(cursor) = cursor else {
            return Ok(Self {
                part: 0,
                within: None,
            });
        };
        let (&part, within) = cursor
            .as_bytes()
            .split_first()
            .ok_or(PatError::Store(StoreError::Cursor))?;
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
