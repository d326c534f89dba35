//! Connections: lent for one call, and given back only when nothing is under way on them.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::Fault;
use super::sql::Sql;

/// The connections of a store.
pub(super) struct Pool {
    pub(super) connections: deadpool_postgres::Pool,
    pub(super) tls: Option<MakeRustlsConnect>,
    pub(super) statement_timeout: Duration,
    pub(super) prepared: bool,
    /// Whether a statement may change a table only once.
    pub(super) split: AtomicBool,
}

impl Pool {
    pub(super) async fn lease(&self) -> Result<Lease<'_>, Fault> {
        let object = self.connections.get().await;
        Ok(Lease {
            pool: self,
            object: Some(object.map_err(|error| Fault::of_pool(&error))?),
            settled: true,
        })
    }

    /// One statement on any connection.
    pub(super) async fn query(&self, sql: &Sql, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        self.lease().await?.query(sql, values).await
    }

    /// One statement on any connection, planned for this call alone.
    pub(super) async fn query_once(
        &self,
        sql: &Sql,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        self.lease().await?.run(sql, values, false).await
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
    settled: bool,
}

impl Lease<'_> {
    /// One statement, which is done or not done.
    pub(super) async fn query(&mut self, sql: &Sql, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        self.run(sql, values, self.pool.prepared).await
    }

    async fn run(
        &mut self,
        sql: &Sql,
        values: Values<'_>,
        prepared: bool,
    ) -> Result<Vec<Row>, Fault> {
        self.settled = false;
        let answer = self.in_time(async {
            let ready = if prepared {
                self.ready(sql).await?
            } else {
                Ready::Text(sql)
            };
            ready.send(self.client()?, values).await
        });
        let answer = answer.await;
        self.settled = matches!(answer, Ok(_) | Err(Fault::Refused(_)));
        answer
    }

    /// Statements without parameters or rows, as text.
    pub(super) async fn batch(&mut self, text: &str) -> Result<(), Fault> {
        self.settled = false;
        let answer = self.in_time(async {
            let answer = self.client()?.batch_execute(text).await;
            answer.map_err(|error| Fault::of_sent(&error))
        });
        let answer = answer.await;
        self.settled = answer.is_ok();
        answer
    }

    /// Ends a transaction. Refused or not, it is over.
    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        let answer = self.batch("COMMIT").await;
        self.settled = matches!(answer, Ok(()) | Err(Fault::Refused(_)));
        answer
    }

    /// From here on until the next batch succeeds, dropping this cuts the connection.
    pub(super) fn unsettle(&mut self) {
        self.settled = false;
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
        let answer = tokio::time::timeout(self.pool.statement_timeout, answer).await;
        answer.unwrap_or(Err(Fault::Late))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let Some(object) = self.object.take() else {
            return;
        };
        let client = Object::take(object);
        // A statement that waits for a lock does not see that its connection is gone: it is told.
        if let (false, Ok(runtime)) = (client.is_closed(), Handle::try_current()) {
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
