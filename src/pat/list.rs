//! Tokens found by id, by owner and by role.

mod stream;

use crate::events::Operation;
use crate::store::{Collection, Cursor, LabelName, Page, Query, StoreError, Values};

use super::owned::Target;
use super::record::State;
use super::row::{self, Row};
use super::{PatError, PatId, PatRecord, PersonalAccessTokens, names};

pub use self::stream::ListStream;

/// The entries of a page, unless another number is asked for.
const PAGE: usize = 100;
/// The most records that are read for one page: what is sought rarely is found on one of the next.
const READ_AT_MOST: usize = 10_000;
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
    owner: Option<String>,
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
            owner: None,
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
    /// Those of this owner.
    pub fn owned_by(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
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

    /// How many there are, whatever the limit. Each is looked at.
    ///
    /// # Errors
    ///
    /// [`PatError::Store`], and [`PatError::Tampered`] where one was changed from outside.
    pub async fn count(&self) -> Result<u64, PatError> {
        let counted = async {
            let list = Self {
                limit: None,
                ..self.clone()
            };
            let (mut count, mut next) = (0_u64, self.after.clone());
            loop {
                let page = list.read(next.as_ref()).await?;
                for entry in page.entries {
                    entry?;
                    count = count.saturating_add(1);
                }
                next = page.next;
                if next.is_none() {
                    return Ok(count);
                }
            }
        };
        let count = counted.await;
        let number = count.as_ref().ok().copied();
        self.pats.report(Operation::PatList, None, number, count)
    }

    /// Reads until a page is full, the list at its end, or enough has been looked at.
    async fn read(&self, after: Option<&Cursor>) -> Result<ListPage, PatError> {
        let mut place = Place::of(after)?;
        let parts = self.parts();
        if usize::from(place.part) >= parts.len() {
            return Err(PatError::Store(StoreError::Cursor));
        }
        let limit = self.limit.unwrap_or(PAGE);
        let (mut entries, mut looked_at) = (Vec::new(), 0_usize);
        while let Some(part) = parts.get(usize::from(place.part)) {
            let room = limit.saturating_sub(entries.len());
            if room == 0 || looked_at >= READ_AT_MOST {
                let next = Some(place.cursor());
                return Ok(ListPage { entries, next });
            }
            let page = self.scan(part, place.within.take(), room).await?;
            looked_at = looked_at.saturating_add(page.records.len().max(1));
            let found = page.records.iter().map(|record| self.pats.open_row(record));
            let found = found.filter(|row| self.shows(row.as_ref(), part));
            entries.extend(found.map(|row| Ok(row?.into_record(self.with_hashes))));
            place.move_on(page.next);
        }
        Ok(ListPage {
            entries,
            next: None,
        })
    }

    /// Reads on, in such steps that no more is found than there is room for: so the cursor is right behind the last one that is shown.
    async fn scan(
        &self,
        part: &Part,
        after: Option<Cursor>,
        room: usize,
    ) -> Result<Page, PatError> {
        let unfiltered = self.state.is_none() && (self.owner.is_none() || self.role.is_none());
        let exact = unfiltered && !matches!(part, Part::MoreRoles(_));
        // What is sought rarely is looked for among many; where too many of them are found, fewer are read once more.
        let mut records = if exact { room } else { room.max(PAGE) }.min(1000);
        loop {
            let limit = u32::try_from(records).unwrap_or(u32::MAX);
            let query = part.query().limit(limit).after(after.clone());
            let page = self.pats.store().scan(&query).await?;
            let mut shown = page.records.iter().enumerate().filter(|(_, record)| {
                exact || self.shows(self.pats.open_row(record).as_ref(), part)
            });
            match shown.nth(room) {
                Some((at, _)) if at < records => records = at.max(1),
                _ => return Ok(page),
            }
        }
    }

    /// Whether it belongs to the list. What was changed from outside is shown as the error that it is.
    fn shows(&self, row: Result<&Row, &PatError>, part: &Part) -> bool {
        row.is_ok_and(|row| self.admits(row, part)) || row.is_err()
    }

    /// What is scanned one after the other: an owner's tokens or all, or those with a label for a role and then those that have more roles than labels.
    fn parts(&self) -> Vec<Part> {
        let keyset = &self.pats.shared.keyset;
        match (&self.owner, &self.role) {
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
            Part::Labelled(..) if self.owner.is_none() => facts.roles.labelled.contains(role),
            Part::MoreRoles(_) => facts.roles.more.contains(role),
            Part::All | Part::Labelled(..) => facts.roles.iter().any(|has| has == role),
        });
        role && self
            .owner
            .as_ref()
            .is_none_or(|owner| *owner == facts.owner)
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
