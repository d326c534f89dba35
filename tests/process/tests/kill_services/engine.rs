//! The stores of the writers, and an outsider with access to their database.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, params};
use sealtoken::store::Store;
use sealtoken_sqlite::SqliteStore;

/// A collection and an id.
pub(crate) type Location = (String, Vec<u8>);

/// The collections whose rows are broken.
pub(crate) const VALUES: &str = "vault_values";
pub(crate) const TOKENS: &str = "pat_tokens";

pub(crate) async fn open(engine: &str, place: &str) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    Ok(match engine {
        // Unprepared statements, so that the proxy sees the text of each.
        #[cfg(feature = "postgres")]
        "postgres" => {
            let options = sealtoken_postgres::PostgresStore::options(place);
            Arc::new(options.prepared_statements(false).open().await?)
        }
        _ => Arc::new(SqliteStore::open(place).await?),
    })
}

/// Reads and writes the tables directly, past the store.
pub(crate) enum Outsider {
    Sqlite(Box<Connection>),
    #[cfg(feature = "postgres")]
    Postgres(tokio_postgres::Client),
}

const BREAK: &str = "UPDATE sealtoken_record SET labels = body WHERE collection = $1 AND id = $2";
const ODD: &str = "INSERT INTO sealtoken_record (collection, id, version, labels, body) \
    SELECT 'vault_keysets', body, version, labels, body FROM sealtoken_record \
    WHERE collection = $1 AND id = $2";
const IDS: &str = "SELECT id FROM sealtoken_record WHERE collection = $1";

impl Outsider {
    pub(crate) fn of_file(file: &Path) -> Self {
        let connection = Connection::open(file).expect("it opens");
        connection
            .busy_timeout(std::time::Duration::from_secs(60))
            .expect("it is set");
        Self::Sqlite(Box::new(connection))
    }

    /// The ids of a collection.
    pub(crate) async fn ids(&self, collection: &str) -> Vec<Vec<u8>> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(IDS).expect("a statement");
                let ids = statement.query_map([collection], |row| row.get(0));
                let ids = ids.expect("it reads").collect::<Result<_, _>>();
                ids.expect("ids")
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(client) => {
                let rows = client.query(IDS, &[&collection]).await.expect("it reads");
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Breaks the labels of a record.
    pub(crate) async fn break_labels(&self, (collection, id): &Location) {
        self.run(BREAK, collection, id).await;
    }

    /// Copies an intact record into the keysets, under an id that no service uses.
    pub(crate) async fn add_odd_keyset(&self, (collection, id): &Location) {
        self.run(ODD, collection, id).await;
    }

    async fn run(&self, sql: &str, collection: &str, id: &[u8]) {
        let changed = match self {
            Self::Sqlite(connection) => {
                let changed = connection.execute(sql, params![collection, id]);
                u64::try_from(changed.expect("it writes")).expect("few")
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(client) => {
                let changed = client.execute(sql, &[&collection, &id]).await;
                changed.expect("it writes")
            }
        };
        assert_eq!(changed, 1);
    }
}
