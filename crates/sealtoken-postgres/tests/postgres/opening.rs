//! Opening a database: its schema, its URL, its TLS.

use std::error::Error;
use std::io;
use std::time::Duration;

use sealtoken_postgres::PostgresStore;
use sealtoken_store::{
    Change, Collection, Effect, LabelName, Outcome, Record, RecordKey, Store as _, StoreError,
    Version,
};
use sealtoken_time::UnixTime;
use tokio_postgres::error::SqlState;

use sealtoken_test_servers::postgres::{Schema, Server, connect, isolated, patient};

fn note(id: &str) -> Record {
    let key = RecordKey::new(Collection::new("note").unwrap(), id);
    Record::new(key, Version::draw().unwrap(), "body")
}

async fn works(store: &PostgresStore) {
    let record = note("id");
    let written = store.write(&[Change::Insert(record.clone())]).await;
    assert_eq!(written, Ok(Outcome::Written));
    assert_eq!(store.get(&record.key).await, Ok(Some(record)));
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_open_one_empty_database_at_once_all_succeed() {
    for round in 0..20 {
        let isolation = ["read committed", "serializable"][round % 2];
        let Some(schema) = Schema::new(&[&isolated(isolation)]).await else {
            return;
        };
        let opening: Vec<_> = (0..4)
            .map(|_| tokio::spawn(patient(&schema.url).open()))
            .collect();
        for store in opening {
            store.await.unwrap().unwrap();
        }
        let rows = connect(&schema.url).await;
        let rows = rows
            .query("SELECT number FROM sealtoken_schema", &[])
            .await
            .unwrap();
        assert_eq!(rows.len(), PostgresStore::migrations().len());
    }
}

#[tokio::test]
async fn the_migrations_can_be_run_by_hand() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let by_hand = || PostgresStore::options(&*schema.url).migrate(false).open();
    let known = u32::try_from(PostgresStore::migrations().len()).unwrap();
    assert_eq!(
        by_hand().await.err(),
        Some(StoreError::Schema { found: 0, known })
    );

    let client = connect(&schema.url).await;
    for step in PostgresStore::migrations() {
        client
            .batch_execute(&format!("BEGIN; {step} COMMIT"))
            .await
            .unwrap();
    }
    works(&by_hand().await.unwrap()).await;
    PostgresStore::open(&schema.url).await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    PostgresStore::open(&schema.url).await.unwrap();
    let sql = "INSERT INTO sealtoken_schema (number) VALUES (99)";
    connect(&schema.url).await.batch_execute(sql).await.unwrap();
    let known = u32::try_from(PostgresStore::migrations().len()).unwrap();
    let newer = Some(StoreError::Schema { found: 99, known });
    assert_eq!(PostgresStore::open(&schema.url).await.err(), newer);
}

/// The error names the table that is missing or belongs to another program. Nothing is written.
#[tokio::test]
async fn the_error_for_an_incomplete_schema_names_the_table() {
    for (before, sql, table) in [
        (
            true,
            "CREATE TABLE sealtoken_record (id int)",
            "sealtoken_record",
        ),
        (
            true,
            "CREATE TABLE sealtoken_label (id int)",
            "sealtoken_label",
        ),
        (
            true,
            "CREATE TABLE sealtoken_schema (id int)",
            "sealtoken_schema",
        ),
        (
            true,
            "CREATE VIEW sealtoken_record AS SELECT 1",
            "sealtoken_record",
        ),
        (false, "DELETE FROM sealtoken_schema", "sealtoken_schema"),
        (false, "DROP TABLE sealtoken_schema", "sealtoken_schema"),
        (false, "DROP TABLE sealtoken_label", "sealtoken_label"),
        (false, "DROP TABLE sealtoken_record", "sealtoken_record"),
        (
            false,
            "ALTER TABLE sealtoken_record ALTER body TYPE text USING ''",
            "sealtoken_record",
        ),
        (
            true,
            "CREATE TABLE sealtoken_schema (number date)",
            "sealtoken_schema",
        ),
        (
            true,
            "CREATE TABLE sealtoken_schema (number) AS VALUES ('v1'::text)",
            "sealtoken_schema",
        ),
        (
            true,
            "CREATE TABLE sealtoken_schema (number) AS VALUES (1e30::numeric)",
            "sealtoken_schema",
        ),
        // Without its key, a table accepts each row twice.
        (
            false,
            "ALTER TABLE sealtoken_schema DROP CONSTRAINT sealtoken_schema_pkey",
            "sealtoken_schema",
        ),
        (
            false,
            "ALTER TABLE sealtoken_record DROP CONSTRAINT sealtoken_record_pkey",
            "sealtoken_record",
        ),
        (
            false,
            "ALTER TABLE sealtoken_label DROP CONSTRAINT sealtoken_label_pkey",
            "sealtoken_label",
        ),
        (
            false,
            "ALTER TABLE sealtoken_record DROP CONSTRAINT sealtoken_record_pkey, \
             ADD PRIMARY KEY (collection, id, version)",
            "sealtoken_record",
        ),
        (
            false,
            "ALTER TABLE sealtoken_record DROP CONSTRAINT sealtoken_record_pkey, \
             ADD PRIMARY KEY (collection, id) DEFERRABLE",
            "sealtoken_record",
        ),
    ] {
        let Some(schema) = Schema::new(&[]).await else {
            return;
        };
        let table = table.to_owned();
        let broken = Some(StoreError::BrokenSchema { table });
        let client = connect(&schema.url).await;
        let running = if before {
            None
        } else {
            Some(PostgresStore::open(&schema.url).await.unwrap())
        };
        client.batch_execute(sql).await.unwrap();
        assert_eq!(
            PostgresStore::open(&schema.url).await.err(),
            broken,
            "{sql}"
        );
        let by_hand = PostgresStore::options(&*schema.url).migrate(false).open();
        assert_eq!(by_hand.await.err(), broken, "{sql}");
        // A store that was open before gets the error too.
        let is_noticed =
            sql.starts_with("DROP") || sql.contains("CONSTRAINT sealtoken_record_pkey");
        if let Some(store) = running.filter(|_| is_noticed) {
            let tag = LabelName::new("tag").unwrap();
            let write = [Change::Insert(note("id").with_label(tag, "x"))];
            assert_eq!(store.write(&write).await.err(), broken, "{sql}");
        }
    }
}

/// A newer program upgrades the schema while this one runs. From then on, this one writes nothing.
#[tokio::test]
async fn a_program_that_became_too_old_writes_nothing() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let store = PostgresStore::open(&schema.url).await.unwrap();
    let tag = LabelName::new("tag").unwrap();
    let existing = note("there").with_purge_at(UnixTime::from_secs(0));
    let insert = [Change::Insert(existing.clone())];
    assert_eq!(store.write(&insert).await, Ok(Outcome::Written));
    let client = connect(&schema.url).await;
    let sql = "INSERT INTO sealtoken_schema (number) VALUES (99)";
    client.batch_execute(sql).await.unwrap();

    let known = u32::try_from(PostgresStore::migrations().len()).unwrap();
    let newer = StoreError::Schema { found: 99, known };
    let replace = |record: Record| Change::Replace {
        record,
        expected: existing.version,
    };
    let changes = [
        Change::Insert(note("new")),
        Change::Insert(note("new").with_label(tag.clone(), "x")),
        replace(note("there")),
        replace(note("there").with_label(tag, "x")),
        Change::Remove {
            key: existing.key.clone(),
            expected: Some(existing.version),
        },
        Change::Remove {
            key: existing.key.clone(),
            expected: None,
        },
    ];
    for change in changes {
        let alone = store.write(std::slice::from_ref(&change)).await;
        assert_eq!(alone, Err(newer.clone()), "{change:?}");
        let two = [change, Change::Insert(note("second"))];
        assert_eq!(store.write(&two).await, Err(newer.clone()));
    }
    let note = Collection::new("note").unwrap();
    let purged = store.purge(&note, UnixTime::from_secs(9), 9).await;
    assert_eq!(purged, Err(newer));
    let query = sealtoken_store::Query::all(note);
    assert_eq!(store.scan(&query).await.unwrap().records, [existing]);
}

#[tokio::test]
async fn neither_errors_nor_debug_show_the_password() {
    let urls = [
        "postgres://app:hunter2@127.0.0.1:1/db",
        "postgres://app:hun/ter2@127.0.0.1/db",
        "postgres://app@127.0.0.1:1/db?password=hunter2",
        "postgres://app@127.0.0.1:1/db?hunter2=1",
        "postgres://127.0.0.1:hunter2/db",
    ];
    for url in urls {
        let options = PostgresStore::options(url).connect_timeout(Duration::from_secs(1));
        let shown = format!("{options:?}");
        let error = options.open().await.unwrap_err();
        let shown = format!("{shown} {}", all_of(&error));
        assert!(
            !shown.contains("hunter2") && !shown.contains("hun"),
            "{shown}"
        );
    }
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let store = PostgresStore::open(&schema.url).await.unwrap();
    let password = schema.url.split([':', '@']).nth(2).unwrap();
    assert!(
        password.len() > 8 && !format!("{store:?}").contains(password),
        "{store:?}"
    );

    let wrong = schema.url.replace(password, "hunter2");
    let error = PostgresStore::open(&wrong).await.unwrap_err();
    assert_eq!(error, StoreError::unavailable("SQLSTATE 28P01"));
    let shown = all_of(&error);
    assert!(!shown.contains("hunter2"), "{shown}");
    // The driver's error is kept, with the message of the server.
    assert!(shown.contains("password authentication failed"), "{shown}");
    let source = error
        .source()
        .unwrap()
        .downcast_ref::<tokio_postgres::Error>();
    let code = source.unwrap().code().unwrap();
    assert_eq!(*code, SqlState::INVALID_PASSWORD);
}

/// An error and all its sources, as they are printed.
fn all_of(error: &StoreError) -> String {
    let mut shown = String::new();
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        shown += &format!("{error} {error:?} ");
        next = error.source();
    }
    shown
}

#[tokio::test]
async fn an_error_keeps_its_source() {
    // Port 1 refuses connections.
    let away = PostgresStore::open("postgres://app@127.0.0.1:1/db").await;
    let away = away.unwrap_err();
    let driver = away.source().unwrap();
    assert!(driver.downcast_ref::<tokio_postgres::Error>().is_some());
    let refused = driver.source().unwrap().downcast_ref::<io::Error>();
    assert_eq!(refused.unwrap().kind(), io::ErrorKind::ConnectionRefused);
    let missing = "postgres://app@db.example.com/db?sslrootcert=/no/such/file.pem";
    let missing = PostgresStore::open(missing).await.unwrap_err();
    let source = missing.source().unwrap().downcast_ref::<io::Error>();
    assert_eq!(source.unwrap().kind(), io::ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_checks_the_certificate() {
    let Some(server) = Server::start(&["--tls"]) else {
        return;
    };
    let (bare, query) = server.url.split_once('?').unwrap();
    let file = query.split_once("sslrootcert=").unwrap().1;
    let pem = std::fs::read(file).unwrap();
    works(&PostgresStore::open(&server.url).await.unwrap()).await;
    for mode in ["require", "verify-full", "prefer"] {
        let options = PostgresStore::options(format!("{bare}?sslmode={mode}"));
        options
            .clone()
            .root_certificates(pem.clone())
            .open()
            .await
            .unwrap();
        // The system does not trust the certificate.
        let error = options.open().await.unwrap_err();
        let StoreError::Unavailable {
            effect: Effect::None,
            reason,
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert!(reason.contains("certificate"), "{reason}");
    }
    // The name must match the certificate.
    let other = bare.replace("127.0.0.1", "other.example.com");
    let other = PostgresStore::options(format!("{other}?hostaddr=127.0.0.1&sslmode=require"));
    let error = other.root_certificates(pem).open().await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    // The server refuses connections without TLS.
    let error = PostgresStore::open(&format!("{bare}?sslmode=disable"))
        .await
        .unwrap_err();
    assert_eq!(error, StoreError::unavailable("SQLSTATE 28000"));
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let url = format!("{}&sslmode=require", schema.url);
    let error = PostgresStore::open(&url).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Unavailable {
                effect: Effect::None,
                ..
            }
        ),
        "{error:?}"
    );
    let url = format!("{}&sslmode=prefer", schema.url);
    works(&PostgresStore::open(&url).await.unwrap()).await;
}
