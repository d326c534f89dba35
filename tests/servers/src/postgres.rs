//! Databases and servers for tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sealtoken_postgres::{PostgresOptions, PostgresStore};
use tokio_postgres::{Client, NoTls};

/// The server to test on. Without one, the skip is reported once, past the test harness.
pub fn url() -> Option<String> {
    static REPORTED: Once = Once::new();
    crate::named(
        "SEALTOKEN_TEST_POSTGRES",
        &REPORTED,
        "!!!!!!!! SKIPPED: the tests of PostgreSQL: SEALTOKEN_TEST_POSTGRES names no server \
         (scripts/postgres starts one)",
    )
}

/// A connection without the store.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a server");
    tokio::spawn(connection);
    client
}

/// A schema for one test. Dropping this removes it.
pub struct Schema {
    server: String,
    pub name: String,
    pub url: String,
}

impl Schema {
    /// `options` are settings for each connection, as `name=value`.
    pub async fn new(options: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = url()?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sealtoken_test_{}_{count}", std::process::id());
        let client = connect(&server).await;
        client
            .batch_execute(&format!("CREATE SCHEMA {name}"))
            .await
            .expect("a schema");
        let sign = if server.contains('?') { '&' } else { '?' };
        let mut url = format!("{server}{sign}options=-c%20search_path%3D{name}");
        for option in options {
            url += &format!(
                "%20-c%20{}",
                option.replace('=', "%3D").replace(' ', "%5C%20")
            );
        }
        Some(Self { server, name, url })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let sql = format!(
                    "SET lock_timeout = '5s'; SET client_min_messages = 'error'; \
                     DROP SCHEMA {name} CASCADE"
                );
                connect(&server).await.batch_execute(&sql).await
            })
        });
        let _ = dropping.join();
    }
}

/// A server for one test, which may stop it.
pub struct Server {
    dir: PathBuf,
    pub url: String,
}

impl Server {
    pub fn start(options: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        url()?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = format!("sealtoken-test-{}-{count}", std::process::id());
        let dir = std::env::temp_dir().join(dir);
        let mut arguments = vec!["start", "--no-fsync"];
        arguments.extend(options);
        let url = script(&arguments, &dir);
        Some(Self {
            dir,
            url: url.trim().to_owned(),
        })
    }

    /// Stops the server as a crash would.
    pub fn halt(&self) {
        script(&["halt"], &self.dir);
    }

    pub fn resume(&self) {
        script(&["resume"], &self.dir);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        script(&["stop"], &self.dir);
    }
}

fn script(arguments: &[&str], dir: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres");
    let ran = Command::new(script)
        .args(arguments)
        .arg(dir)
        .output()
        .expect("a shell");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap()
}

/// Options for tests that should not time out, however busy the machine is.
pub fn patient(url: &str) -> PostgresOptions {
    let minute = Duration::from_secs(60);
    let options = PostgresStore::options(url).connect_timeout(minute);
    options.wait_timeout(minute).statement_timeout(minute)
}

/// How many lock requests wait for this connection.
pub async fn blocked_by(holder: &Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_locks \
        WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
    holder.query_one(sql, &[]).await.unwrap().get(0)
}

/// An empty store in its own schema, if there is a server.
pub async fn fresh(isolation: &str) -> Option<(PostgresStore, Schema)> {
    let schema = Schema::new(&[&isolated(isolation)]).await?;
    let store = patient(&schema.url).open().await.expect("a store");
    Some((store, schema))
}

/// An empty store that prepares no statements.
pub async fn unprepared(isolation: &str) -> Option<(PostgresStore, Schema)> {
    let schema = Schema::new(&[&isolated(isolation)]).await?;
    let options = patient(&schema.url).prepared_statements(false);
    Some((options.open().await.expect("a store"), schema))
}

pub fn isolated(isolation: &str) -> String {
    format!("default_transaction_isolation={isolation}")
}

/// A store whose server is gone.
pub async fn gone() -> Option<(PostgresStore, Server)> {
    let server = Server::start(&[])?;
    let store = PostgresStore::open(&server.url).await.expect("a store");
    server.halt();
    Some((store, server))
}
