//! A server behind a proxy that refuses one in twenty transactions and cuts connections.

use std::sync::Mutex;
use std::time::Duration;

use sealtoken_postgres::PostgresStore;
use sealtoken_test_servers::postgres::{Schema, connect};
use sealtoken_test_servers::proxy::{Act, Proxy};
use tokio_postgres::Client;

use crate::model::Dice;

/// The application name of the writers' connections.
const NAME: &str = "sealtoken_killed";

/// A schema with its tables, the URL of a proxy in front of it, and a direct connection.
pub(crate) async fn start() -> Option<(Schema, String, Client)> {
    let schema = Schema::new(&[]).await?;
    PostgresStore::open(&schema.url).await.expect("a store");
    let client = connect(&schema.url).await;
    let dice = Mutex::new(Dice(5));
    let drawn = move || dice.lock().expect("no panic").below(20);
    let url = format!(
        "{}&application_name={NAME}_{}",
        schema.url,
        std::process::id()
    );
    let proxy = Proxy::new(&url, move |sql| match sql {
        "BEGIN" if drawn() == 0 => Act::Refuse("57014"),
        "COMMIT" if drawn() == 0 => Act::LoseReply,
        _ if sql.contains("sealtoken_record") && drawn() == 0 => Act::LoseReply,
        _ => Act::Pass,
    });
    Some((schema, proxy.url, client))
}

/// Waits until the server has noticed that the writers' connections are gone.
pub(crate) async fn settled(client: &Client) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    let name = format!("{NAME}_{}", std::process::id());
    while client
        .query_one(sql, &[&name])
        .await
        .expect("a count")
        .get::<_, i64>(0)
        > 0
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
