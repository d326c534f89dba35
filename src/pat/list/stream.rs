//! A list as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::store::Cursor;

use super::{List, ListPage, PAGE};
use crate::pat::{PatError, PatRecord};

/// Tokens one after the other: [`List::stream`]. It holds one page at a time.
///
/// It is a [`Stream`], and has [`next`](ListStream::next) for those who use no crate for streams. A record that was changed from outside is
/// [`PatError::Tampered`] in its own place. Any other error ends the stream: the store did not give the rest, so what was given before is not all.
#[must_use = "nothing is read until it is asked for the next token"]
pub struct ListStream<'a> {
    list: List<'a>,
    page: VecDeque<Result<PatRecord, PatError>>,
    next: Next<'a>,
    /// How many more may be given, where there is a limit.
    left: Option<usize>,
}

type Reading<'a> = Pin<Box<dyn Future<Output = Result<ListPage, PatError>> + Send + 'a>>;

enum Next<'a> {
    After(Option<Cursor>),
    Reading(Reading<'a>),
    End,
}

impl<'a> ListStream<'a> {
    pub(super) fn new(list: List<'a>) -> Self {
        Self {
            next: Next::After(list.after.clone()),
            page: VecDeque::new(),
            left: list.limit,
            list,
        }
    }

    /// Where another list can go on, once this one has reached its limit; `None` where there is no more, or it has not come so far.
    #[must_use]
    pub fn cursor(&self) -> Option<&Cursor> {
        match &self.next {
            Next::After(cursor) if self.page.is_empty() => cursor.as_ref(),
            _ => None,
        }
    }

    /// The next token; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<PatRecord, PatError>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for ListStream<'_> {
    type Item = Result<PatRecord, PatError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = self.get_mut();
        loop {
            if let Some(token) = stream.page.pop_front() {
                return Poll::Ready(Some(token));
            }
            match &mut stream.next {
                Next::End => return Poll::Ready(None),
                Next::After(_) if stream.left == Some(0) => return Poll::Ready(None),
                Next::After(cursor) => {
                    let mut list = stream.list.clone().after(cursor.take());
                    list.limit = stream.left.map(|left| left.min(PAGE));
                    let page = async move { list.page().await };
                    stream.next = Next::Reading(Box::pin(page));
                }
                Next::Reading(page) => match ready!(page.as_mut().poll(context)) {
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
                },
            }
        }
    }
}

impl fmt::Debug for ListStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListStream")
            .field("list", &self.list)
            .finish_non_exhaustive()
    }
}
