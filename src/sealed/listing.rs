//! Lists of stored values and tokens: a page, a stream, or a count.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::events::Observed;
use crate::store::Cursor;

use super::awaited::{BoxFuture, boxed};
use super::state::{State, States};

/// The default size of a page.
const PAGE: usize = 100;
/// The size of a page that is read to count its entries.
const COUNTED: usize = 1000;

/// A kind of list that a service offers. Sealed: only services of this crate implement it.
pub trait Listed: Clone + fmt::Debug + Send + Sync + Unpin + seal::Read + 'static {}

impl<L: Clone + fmt::Debug + Send + Sync + Unpin + seal::Read + 'static> Listed for L {}

pub(crate) mod seal {
    use super::{Cursor, Observed, Page, States};
    use crate::events::ErrorCode;

    /// How a service reads a list.
    pub trait Read: Sized {
        /// One entry of the list.
        type Entry: Send + Unpin + 'static;
        /// The service's error.
        type Error: ErrorCode + Send + Unpin + 'static;

        /// Begins the operation that lists.
        fn observe(&self) -> Observed<'_>;

        /// The states that are listed.
        fn states(&mut self) -> &mut States;

        /// Reads a page.
        fn read(
            &self,
            observed: &Observed<'_>,
            limit: usize,
            after: Option<Cursor>,
        ) -> impl Future<Output = Result<Page<Self::Entry, Self::Error>, Self::Error>> + Send;

        /// The number of entries, if the store can count them without any being opened.
        fn count_in_store(
            &self,
            observed: &Observed<'_>,
        ) -> impl Future<Output = Result<Option<u64>, Self::Error>> + Send;
    }
}

/// A list that is still to be read. Await it for one [`Page`], call [`stream`](Self::stream) for
/// all entries one by one, or [`count`](Self::count) for their number.
///
/// The work per page is bounded: it examines about ten thousand records at most. If few of them
/// match, the page is short or even empty, with a cursor to continue from.
///
/// ```
/// # use sealtoken::store::MemoryStore;
/// # use sealtoken::vault::{Vault, VaultError};
/// # use sealtoken::{Key, KeyRing};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), VaultError> {
/// # let keys = KeyRing::new(Key::generate());
/// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
/// let live = vault.list().label("backup");
/// let page = live.clone().limit(50).await?;
/// println!("{} of {}", page.entries.len(), live.count().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is listed until this is awaited or streamed"]
pub struct Listing<L> {
    pub(crate) wanted: L,
    limit: Option<usize>,
    after: Option<Cursor>,
}

/// One page of a list.
///
/// ```
/// # use sealtoken::store::MemoryStore;
/// # use sealtoken::vault::{Vault, VaultError};
/// # use sealtoken::{Key, KeyRing};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), VaultError> {
/// # let keys = KeyRing::new(Key::generate());
/// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
/// # let token = vault.create("db-password").await?;
/// let page = vault.list().await?;
/// for entry in page.entries {
///     match entry {
///         Ok(value) => println!("{}", value.created_at),
///         Err(error) => eprintln!("{error}"), // the other entries are unaffected
///     }
/// }
/// assert!(page.next.is_none()); // the end of the list
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<T, E> {
    /// The entries. A damaged or tampered record is an error in its own place and does not hide
    /// others.
    pub entries: Vec<Result<T, E>>,
    /// The cursor of the next page; `None` at the end of the list.
    pub next: Option<Cursor>,
}

/// The counts of a bulk operation or a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Records that were read, changed or removed.
    pub count: u64,
    /// Records that were left alone, because they are damaged or tampered with.
    pub tampered: u64,
}

impl<L: Listed> Listing<L> {
    pub(crate) fn new(wanted: L) -> Self {
        Self {
            wanted,
            limit: None,
            after: None,
        }
    }

    /// Lists entries in this state alone. Call [`with`](Self::with) after it for more than one.
    ///
    /// A soft-deleted or revoked entry is in that state even if it has expired, too.
    pub fn only(mut self, state: State) -> Self {
        *self.wanted.states() = States::only(state);
        self
    }

    /// Lists entries in this state, too.
    pub fn with(mut self, state: State) -> Self {
        let states = self.wanted.states();
        *states = states.with(state);
        self
    }

    /// Sets the maximum number of entries to return. By default a page has 100, and a stream all.
    ///
    /// With zero, nothing is read: the page is empty, and its cursor is the one that was given.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = usize::try_from(limit).ok();
        self
    }

    /// Continues where a page ended. Filters and states must be the same; the limit may differ.
    pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.after = cursor.into();
        self
    }

    /// The entries one by one, up to the limit or the end.
    pub fn stream(self) -> ListStream<L> {
        ListStream {
            next: Next::After(self.after.clone()),
            page: VecDeque::new(),
            left: self.limit,
            wanted: self.wanted,
        }
    }

    /// The number of entries that can be read, regardless of the limit. After a
    /// [cursor](Self::after), only the rest is counted. See [`tally`](Self::tally) for entries that
    /// cannot be read.
    ///
    /// Each record is opened, unless the store can count by its index alone. That index is then
    /// trusted.
    ///
    /// # Errors
    ///
    /// The service's error, as for a page.
    pub async fn count(&self) -> Result<u64, L::Error> {
        let observed = self.wanted.observe();
        let work = async {
            observed.count(0);
            if self.after.is_none()
                && let Some(count) = self.wanted.count_in_store(&observed).await?
            {
                observed.count(count);
                return Ok(count);
            }
            Ok(self.read_all(&observed).await?.count)
        };
        observed.run(work).await
    }

    /// The number of entries, regardless of the limit, and of damaged or tampered records. After a
    /// [cursor](Self::after), only the rest is counted. Opens each record.
    ///
    /// # Errors
    ///
    /// The service's error, as for a page.
    pub async fn tally(&self) -> Result<Tally, L::Error> {
        let observed = self.wanted.observe();
        observed.run(self.read_all(&observed)).await
    }

    async fn read_all(&self, observed: &Observed<'_>) -> Result<Tally, L::Error> {
        let (mut tally, mut next) = (Tally::default(), self.after.clone());
        observed.count(tally.count);
        loop {
            let page = self.wanted.read(observed, COUNTED, next).await?;
            for entry in &page.entries {
                let count = match entry {
                    Ok(_) => &mut tally.count,
                    Err(_) => &mut tally.tampered,
                };
                *count = count.saturating_add(1);
            }
            observed.count(tally.count);
            next = page.next;
            if next.is_none() {
                return Ok(tally);
            }
        }
    }
}

impl<L: Listed> IntoFuture for Listing<L> {
    type Output = Result<Page<L::Entry, L::Error>, L::Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        boxed(move || async move {
            let observed = self.wanted.observe();
            let work = async {
                observed.count(0);
                let limit = self.limit.unwrap_or(PAGE);
                let page = if limit == 0 {
                    let (entries, next) = (Vec::new(), self.after);
                    Page { entries, next }
                } else {
                    self.wanted.read(&observed, limit, self.after).await?
                };
                observed.count(page.entries.len() as u64);
                Ok(page)
            };
            observed.run(work).await
        })
    }
}

/// The entries of a [`Listing::stream`], one by one. It holds one page at a time.
///
/// It implements [`Stream`]; [`next`](ListStream::next) needs no crate for streams. A damaged or
/// tampered record is an error in its own place. Any other error ends the stream early: the entries
/// before it are not the whole list.
///
/// ```
/// # use sealtoken::store::MemoryStore;
/// # use sealtoken::vault::{Vault, VaultError};
/// # use sealtoken::{Key, KeyRing};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), VaultError> {
/// # let keys = KeyRing::new(Key::generate());
/// # let vault = Vault::open(MemoryStore::new(), &keys).await?;
/// # let token = vault.create("db-password").await?;
/// let mut values = vault.list().stream();
/// while let Some(value) = values.next().await {
///     println!("{}", value?.created_at);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read until the next entry is requested"]
pub struct ListStream<L: Listed> {
    wanted: L,
    page: VecDeque<Result<L::Entry, L::Error>>,
    next: Next<L>,
    /// How many more entries to return, if limited.
    left: Option<usize>,
}

enum Next<L: Listed> {
    After(Option<Cursor>),
    /// The lock is never contended: it makes the type `Sync`.
    Reading(Mutex<<Listing<L> as IntoFuture>::IntoFuture>),
    End,
}

impl<L: Listed> ListStream<L> {
    /// The cursor to continue from, if all entries read so far have been returned. Call this once
    /// the stream has returned `None`: the cursor is then `None` at the end of the list, or if an
    /// error ended the stream.
    #[must_use]
    pub fn cursor(&self) -> Option<&Cursor> {
        match &self.next {
            Next::After(cursor) if self.page.is_empty() => cursor.as_ref(),
            _ => None,
        }
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    ///
    /// The service's error: for a damaged or tampered record in its place, and for a failure that
    /// ends the stream.
    pub async fn next(&mut self) -> Option<Result<L::Entry, L::Error>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<L: Listed> Stream for ListStream<L> {
    type Item = Result<L::Entry, L::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = self.get_mut();
        loop {
            if let Some(entry) = stream.page.pop_front() {
                return Poll::Ready(Some(entry));
            }
            match &mut stream.next {
                Next::End => return Poll::Ready(None),
                Next::After(_) if stream.left == Some(0) => return Poll::Ready(None),
                Next::After(cursor) => {
                    let page = Listing {
                        wanted: stream.wanted.clone(),
                        limit: stream.left.map(|left| left.min(PAGE)),
                        after: cursor.take(),
                    };
                    stream.next = Next::Reading(Mutex::new(page.into_future()));
                }
                Next::Reading(page) => {
                    let page = page.get_mut().unwrap_or_else(PoisonError::into_inner);
                    match ready!(page.as_mut().poll(context)) {
                        Ok(page) => {
                            let given = page.entries.len();
                            stream.left = stream.left.map(|left| left.saturating_sub(given));
                            stream.page = page.entries.into();
                            stream.next = match page.next {
                                Some(cursor) => Next::After(Some(cursor)),
                                None => Next::End,
                            };
                        }
                        Err(error) => {
                            stream.next = Next::End;
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                }
            }
        }
    }
}

impl<L: Listed> fmt::Debug for ListStream<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListStream")
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}
