//! Connections: lent for one call, and given back only when nothing is under way on them and nothing is wrong with them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::Fault;
use super::retired::Retired;
use super::retry::Attempts;
use super::sql::Sql;

/// The connections of a store.
pub(super) struct Pool {
    pub(super) connections: deadpool_postgres::Pool,
    pub(super) retired: Arc<Retired>,
    pub(super) tls: Option<MakeRustlsConnect>,
    pub(super) statement_timeout: Duration,
    pub(super) prepared: bool,
    /// Whether a statement may change a table only once.
    pub(super) split: AtomicBool,
}

impl Pool {
    /// The attempts of a call that begins now.
    pub(super) fn attempts(&self) -> Attempts {
        Attempts::within(self.statement_timeout)
    }

    /// A connection until a deadline, which counts for the wait for it, too.
    pub(super) async fn lease(&self, deadline: Instant) -> Result<Lease<'_>, Fault> {
        let object = tokio::time::timeout_at(deadline, self.connections.get()).await;
        let object = object.map_err(|_| Fault::Unsent("no connection in time".to_owned()))?;
        Ok(Lease {
            pool: self,
            object: Some(object.map_err(|error| Fault::of_pool(&error))?),
            state: State::Settled,
            deadline,
        })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.connections.status();
        f.debug_struct("Pool")
            .field("connections", &status.size)
            .field("most", &status.max_size)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// The parameters of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement that a connection can be given.
pub(super) enum Ready<'a> {
    Prepared(Statement),
    Text(&'a Sql),
}

impl Ready<'_> {
    /// Sends it when first polled.
    pub(super) async fn send(
        &self,
        client: &Client,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let answer = match self {
            Self::Prepared(statement) => client.query(statement, values).await,
            Self::Text(sql) => {
                let typed = values.iter().copied().zip(sql.types.iter().cloned());
                client
                    .query_typed(sql.text, &typed.collect::<Vec<_>>())
                    .await
            }
        };
        answer.map_err(|error| Fault::of_sent(&error))
    }
}

/// A connection for one call.
///
/// When it is dropped with something under way, as it is when the caller's future is, the connection is cut: whatever transaction
/// is open on it ends, and nobody is given a connection that still waits for someone else's lock.
pub(super) struct Lease<'a> {
    pool: &'a Pool,
    object: Option<Object>,
    state: State,
    deadline: Instant,
}

/// What a connection is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next caller.
    Settled,
    /// Nothing: a statement or a transaction is under way, or may be.
    UnderWay,
    /// Nothing more, though nothing is under way.
    Spent,
}

impl State {
    /// What it is after a lone statement.
    fn after<T>(answer: &Result<T, Fault>) -> Self {
        match answer {
            Ok(_) | Err(Fault::Refused(_) | Fault::Contended(_)) => Self::Settled,
            Err(Fault::Stale(_)) => Self::Spent,
            Err(Fault::Unsent(_) | Fault::Unanswered(_) | Fault::Late) => Self::UnderWay,
        }
    }
}

impl Lease<'_> {
    /// One statement, which is done or not done.
    pub(super) async fn query(&mut self, sql: &Sql, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        self.run(sql, values, self.pool.prepared).await
    }

    /// As [`query`](Self::query), and planned for this call alone.
    pub(super) async fn query_once(
        &mut self,
        sql: &Sql,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        self.run(sql, values, false).await
    }

    async fn run(
        &mut self,
        sql: &Sql,
        values: Values<'_>,
        prepared: bool,
    ) -> Result<Vec<Row>, Fault> {
        self.state = State::UnderWay;
        let answer = self.in_time(async {
            let ready = if prepared {
                self.ready(sql).await?
            } else {
                Ready::Text(sql)
            };
            ready.send(self.client()?, values).await
        });
        let answer = answer.await;
        self.state = State::after(&answer);
        self.judge(&answer);
        answer
    }

    /// Statements without parameters or rows, as text. Unless they succeed, dropping this cuts the connection.
    pub(super) async fn batch(&mut self, text: &str) -> Result<(), Fault> {
        self.state = State::UnderWay;
        let answer = self.in_time(async {
            let answer = self.client()?.batch_execute(text).await;
            answer.map_err(|error| Fault::of_sent(&error))
        });
        let answer = answer.await;
        if answer.is_ok() {
            self.state = State::Settled;
        }
        self.judge(&answer);
        answer
    }

    /// Begins a transaction: until it ends, dropping this cuts the connection.
    ///
    /// Nothing that belongs to it may be sent before this is acknowledged. Each statement has an end of its own (a Sync), so that
    /// those behind a BEGIN that was refused would be done one by one.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        let begun = self.batch("BEGIN").await;
        self.state = State::UnderWay;
        match begun {
            // The server does not refuse it: what stands before it does, and may not on another connection.
            Err(Fault::Refused(code)) => Err(Fault::Stale(format!("SQLSTATE {code}"))),
            other => other.map_err(Fault::without_effect),
        }
    }

    /// Ends a transaction by doing it.
    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        let done = self.batch("COMMIT").await;
        if let Err(Fault::Refused(_) | Fault::Contended(_) | Fault::Stale(_)) = done {
            // For the server it is over, but not if someone on the way refused it.
            self.roll_back().await;
        }
        done
    }

    /// Ends a transaction by not doing it. Where this fails, the connection is cut, and that is the end of it.
    pub(super) async fn roll_back(&mut self) {
        let _ = self.batch("ROLLBACK").await;
    }

    /// Whether an answer means that this connection is worth nothing, and those that are as old neither.
    pub(super) fn judge<T>(&self, answer: &Result<T, Fault>) {
        if let (Err(Fault::Stale(_) | Fault::Unanswered(_)), Some(object)) = (answer, &self.object)
        {
            self.pool.retired.add(Object::metrics(object).created);
        }
    }

    /// Makes a statement ready to be sent without waiting.
    pub(super) async fn ready<'s>(&self, sql: &'s Sql) -> Result<Ready<'s>, Fault> {
        if !self.pool.prepared {
            return Ok(Ready::Text(sql));
        }
        let object = self.object.as_ref().ok_or_else(gone)?;
        let prepared = object.prepare_typed_cached(sql.text, sql.types).await;
        prepared
            .map(Ready::Prepared)
            .map_err(|error| Fault::of_unsent(&error))
    }

    pub(super) fn client(&self) -> Result<&Client, Fault> {
        Ok(self.object.as_ref().ok_or_else(gone)?)
    }

    pub(super) async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let answer = tokio::time::timeout_at(self.deadline, answer).await;
        answer.unwrap_or(Err(Fault::Late))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if self.state == State::Settled {
            return;
        }
        let Some(object) = self.object.take() else {
            return;
        };
        let client = Object::take(object);
        // A statement that waits for a lock does not see that its connection is gone: it is told.
        let waits = self.state == State::UnderWay && !client.is_closed();
        if let (true, Ok(runtime)) = (waits, Handle::try_current()) {
            let (token, tls) = (client.cancel_token(), self.pool.tls.clone());
            runtime.spawn(async move {
                let _ = match tls {
                    Some(tls) => token.cancel_query(tls).await,
                    None => token.cancel_query(NoTls).await,
                };
            });
        }
    }
}

/// The connection is there until the lease is dropped.
fn gone() -> Fault {
    Fault::Unsent("the connection is gone".to_owned())
}
