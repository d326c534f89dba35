//! Connections, lent to one call each. One goes back to the pool only if nothing is in progress on
//! it and nothing is wrong with it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::{Fault, Kind};
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
}

impl Pool {
    /// The attempts of a call that begins now.
    pub(super) fn attempts(&self) -> Attempts {
        Attempts::within(self.statement_timeout)
    }

    /// A connection, to use until a deadline. Waiting for it counts.
    pub(super) async fn lease(&self, deadline: Instant) -> Result<Lease<'_>, Fault> {
        let object = tokio::time::timeout_at(deadline, self.connections.get()).await;
        let object = object.map_err(|_| Fault::new(Kind::Unsent, "no connection in time"))?;
        Ok(Lease {
            pool: self,
            object: Some(object.map_err(Fault::of_pool)?),
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
            .field("max_size", &status.max_size)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// The parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement that is ready to be sent.
pub(super) enum Ready<'a> {
    Prepared(Statement),
    Text(&'a Sql),
}

impl Ready<'_> {
    /// Sends the statement when first polled.
    pub(super) async fn send(
        &self,
        client: &Client,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let answer = match self {
            Self::Prepared(statement) => client.query(statement, params).await,
            Self::Text(sql) => {
                let typed = params.iter().copied().zip(sql.types.iter().cloned());
                client
                    .query_typed(sql.text, &typed.collect::<Vec<_>>())
                    .await
            }
        };
        answer.map_err(Fault::of_sent)
    }
}

/// A connection for one call.
///
/// If it is dropped while something is in progress, as when the caller drops its future, the
/// connection is cut. That ends its transaction, and no other call gets a connection that still
/// waits for a lock.
pub(super) struct Lease<'a> {
    pool: &'a Pool,
    object: Option<Object>,
    state: State,
    deadline: Instant,
}

/// What a connection can be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// For the next call.
    Settled,
    /// For nothing: a statement or a transaction is in progress, or may be.
    InProgress,
    /// For nothing, although nothing is in progress.
    Useless,
}

impl State {
    /// The state after a statement outside a transaction.
    fn after<T>(answer: &Result<T, Fault>) -> Self {
        match answer.as_ref().map_err(|fault| fault.kind) {
            Ok(_) | Err(Kind::Refused | Kind::Contended) => Self::Settled,
            Err(Kind::Stale) => Self::Useless,
            Err(Kind::Unsent | Kind::Unanswered | Kind::Late) => Self::InProgress,
        }
    }
}

impl Lease<'_> {
    /// Runs one statement, which is done as a whole or not at all.
    pub(super) async fn query(&mut self, sql: &Sql, params: Params<'_>) -> Result<Vec<Row>, Fault> {
        self.run(sql, params, self.pool.prepared).await
    }

    /// As [`query`](Self::query), with a plan for this call alone.
    pub(super) async fn query_once(
        &mut self,
        sql: &Sql,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Fault> {
        self.run(sql, params, false).await
    }

    async fn run(
        &mut self,
        sql: &Sql,
        params: Params<'_>,
        prepared: bool,
    ) -> Result<Vec<Row>, Fault> {
        self.state = State::InProgress;
        let answer = self.in_time(async {
            let ready = if prepared {
                self.ready(sql).await?
            } else {
                Ready::Text(sql)
            };
            ready.send(self.client()?, params).await
        });
        let answer = answer.await;
        self.state = State::after(&answer);
        self.retire_after(&answer);
        answer
    }

    /// Runs statements without parameters or rows, as text. If they fail, dropping this cuts the
    /// connection.
    pub(super) async fn batch(&mut self, text: &str) -> Result<(), Fault> {
        self.state = State::InProgress;
        let answer = self.in_time(async {
            let answer = self.client()?.batch_execute(text).await;
            answer.map_err(Fault::of_sent)
        });
        let answer = answer.await;
        if answer.is_ok() {
            self.state = State::Settled;
        }
        self.retire_after(&answer);
        answer
    }

    /// Begins a transaction. Until it ends, dropping this cuts the connection.
    ///
    /// Nothing of the transaction may be sent before this is acknowledged: each statement has its
    /// own Sync message, so after a refused BEGIN the others would be done one by one.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        let begun = self.batch("BEGIN").await;
        self.state = State::InProgress;
        begun.map_err(|mut fault| {
            // A pooler refused the BEGIN, since the server does not. Another connection may work.
            if fault.kind == Kind::Refused {
                fault.kind = Kind::Stale;
            }
            fault.without_effect()
        })
    }

    /// Commits a transaction.
    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        let done = self.batch("COMMIT").await;
        if let Err(fault) = &done
            && let Kind::Refused | Kind::Contended | Kind::Stale = fault.kind
        {
            // For the server, the transaction is over; but not if a pooler refused the COMMIT.
            self.roll_back().await;
        }
        done
    }

    /// Rolls a transaction back. If this fails, the connection is cut, which ends it as well.
    pub(super) async fn roll_back(&mut self) {
        let _ = self.batch("ROLLBACK").await;
    }

    /// Retires this connection, and all as old as it, if an answer shows that it is useless.
    pub(super) fn retire_after<T>(&self, answer: &Result<T, Fault>) {
        if let (Err(fault), Some(object)) = (answer, &self.object)
            && let Kind::Stale | Kind::Unanswered = fault.kind
        {
            self.pool.retired.add(Object::metrics(object).created);
        }
    }

    /// Prepares a statement, so that it can be sent without waiting.
    pub(super) async fn ready<'s>(&self, sql: &'s Sql) -> Result<Ready<'s>, Fault> {
        if !self.pool.prepared {
            return Ok(Ready::Text(sql));
        }
        let object = self.object.as_ref().ok_or_else(gone)?;
        let prepared = object.prepare_typed_cached(sql.text, sql.types).await;
        prepared.map(Ready::Prepared).map_err(Fault::of_unsent)
    }

    pub(super) fn client(&self) -> Result<&Client, Fault> {
        Ok(self.object.as_ref().ok_or_else(gone)?)
    }

    pub(super) async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let answer = tokio::time::timeout_at(self.deadline, answer).await;
        answer.unwrap_or_else(|_| Err(Fault::late()))
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
        // A statement that waits for a lock does not notice that its connection is gone: cancel it.
        let waits = self.state == State::InProgress && !client.is_closed();
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

/// Cannot happen: the connection exists until the lease is dropped.
fn gone() -> Fault {
    Fault::new(Kind::Unsent, "the connection is gone")
}
