//! PostgreSQL through the trait, side by side with the bare driver and the same statements.
//!
//! Run it with `SEALTOKEN_TEST_POSTGRES=$(scripts/postgres start DIR)` and `cargo bench -p
//! sealtoken-benches --features postgres --bench store_postgres`. The server must wait for its
//! disk, as it does by default. With `-- --test` each case runs once. With `-- --check` it fails if
//! a ratio exceeds its limit, which needs an otherwise idle machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::pedantic,
    missing_docs
)]

use std::time::{Duration, Instant};

use sealtoken::store::{
    Change, Collection, Label, LabelName, Outcome, Record, RecordKey, Store as _, Version,
};
use sealtoken_postgres::PostgresStore;
use tokio_postgres::{Client, NoTls, Statement};

const BODY: usize = 400;

/// The rows of a batch.
const ROWS: usize = 4;

/// How often each side runs, and how many runs make a turn.
struct Effort {
    turns: usize,
    each: usize,
}

/// Times two sides in turns, so that disturbances affect both. Prints the first quartile, since
/// disturbances only add time, and the ratio.
async fn versus(
    name: &str,
    limit: Option<f64>,
    effort: &Effort,
    mut ours: impl AsyncFnMut(usize),
    mut bare: impl AsyncFnMut(usize),
) -> bool {
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..effort.turns {
        for n in turn * effort.each..(turn + 1) * effort.each {
            let began = Instant::now();
            ours(n).await;
            times[0].push(began.elapsed());
        }
        for n in turn * effort.each..(turn + 1) * effort.each {
            let began = Instant::now();
            bare(n).await;
            times[1].push(began.elapsed());
        }
    }
    let [ours, bare] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 4]
    });
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    let fits = limit.is_none_or(|limit| ratio <= limit);
    let limit = limit.map_or(String::new(), |limit| format!("  (at most {limit})"));
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!(
        "{name:<58} {:>8.1} µs {:>8.1} µs  {ratio:>5.2}{limit}",
        micros(ours),
        micros(bare)
    );
    fits
}

fn record(id: String, labels: usize) -> Record {
    let key = RecordKey::new(Collection::new("note").unwrap(), id.into_bytes());
    let mut record = Record::new(key, Version::draw().unwrap(), vec![7; BODY]);
    for n in 0..labels {
        let name = ["owner", "created", "expires", "state"][n % 4];
        record = record.with_label(
            LabelName::new(name).unwrap(),
            vec![u8::try_from(n).unwrap(); 16],
        );
    }
    record
}

async fn write(store: &PostgresStore, change: Change) {
    assert_eq!(store.write(&[change]).await, Ok(Outcome::Written));
}

/// The same rows written by hand, without the crate.
struct Bare {
    client: Client,
    get: Statement,
    insert: Statement,
    label: Statement,
    update: Statement,
    delete: Statement,
    unlabel: Statement,
}

impl Bare {
    async fn new(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a server");
        tokio::spawn(connection);
        let prepare = async |sql| client.prepare(sql).await.unwrap();
        Self {
            get: prepare(
                "SELECT version, purge_at, body, labels FROM sealtoken_record \
                 WHERE collection = $1 AND id = $2",
            )
            .await,
            insert: prepare(
                "INSERT INTO sealtoken_record (collection, id, version, purge_at, body, labels) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .await,
            label: prepare(
                "INSERT INTO sealtoken_label (collection, name, value, id) VALUES ($1, $2, $3, $4)",
            )
            .await,
            update: prepare(
                "UPDATE sealtoken_record SET version = $3, purge_at = $4, body = $5, labels = $6 \
                 WHERE collection = $1 AND id = $2 AND version = $7",
            )
            .await,
            delete: prepare("DELETE FROM sealtoken_record WHERE collection = $1 AND id = $2").await,
            unlabel: prepare(
                "DELETE FROM sealtoken_label \
                 WHERE collection = $1 AND name = $2 AND value = $3 AND id = $4",
            )
            .await,
            client,
        }
    }

    async fn get(&self, id: &str) {
        let row = self
            .client
            .query_opt(&self.get, &[&"note", &id.as_bytes()])
            .await
            .unwrap();
        assert_eq!(row.expect("a row").get::<_, &[u8]>(2).len(), BODY);
    }

    async fn insert_row(&self, record: &Record) {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] = [
            &"note",
            &record.key.id,
            &record.version.as_bytes().as_slice(),
            &None::<i64>,
            &record.body,
            &b"\0".as_slice(),
        ];
        assert_eq!(self.client.execute(&self.insert, &values).await.unwrap(), 1);
    }

    async fn label(&self, statement: &Statement, id: &[u8], label: &Label) {
        let (name, value) = (label.name.as_str(), &label.value);
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [&"note", &name, value, &id];
        assert_eq!(self.client.execute(statement, &values).await.unwrap(), 1);
    }

    /// As one would write it without this crate: a transaction, one statement after the other.
    async fn insert(&self, record: &Record) {
        self.client.batch_execute("BEGIN").await.unwrap();
        self.insert_row(record).await;
        for label in &record.labels {
            self.label(&self.label, &record.key.id, label).await;
        }
        self.client.batch_execute("COMMIT").await.unwrap();
    }

    async fn update(&self, record: &Record, expected: &Version) {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] = [
            &"note",
            &record.key.id,
            &record.version.as_bytes().as_slice(),
            &None::<i64>,
            &record.body,
            &b"\0".as_slice(),
            &expected.as_bytes().as_slice(),
        ];
        assert_eq!(self.client.execute(&self.update, &values).await.unwrap(), 1);
    }

    async fn delete(&self, record: &Record) {
        self.client.batch_execute("BEGIN").await.unwrap();
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&"note", &record.key.id];
        assert_eq!(self.client.execute(&self.delete, &values).await.unwrap(), 1);
        for label in &record.labels {
            self.label(&self.unlabel, &record.key.id, label).await;
        }
        self.client.batch_execute("COMMIT").await.unwrap();
    }
}

async fn compare(url: &str, effort: &Effort) -> bool {
    let store = PostgresStore::open(url).await.unwrap();
    let bare = Bare::new(url).await;
    let rows = effort.turns * effort.each;
    println!("{:<58} {:>11} {:>11}  ratio", "", "the trait", "bare");
    let mut fits = true;
    for labels in [0, 2, 4] {
        let (a, b) = (
            |n| record(format!("a{labels}-{n}"), labels),
            |n| record(format!("b{labels}-{n}"), labels),
        );
        let limit = (labels == 0).then_some(1.3);
        let name = format!("insert, {labels} labels, against the row alone");
        fits &= versus(
            &name,
            limit,
            effort,
            async |n| write(&store, Change::Insert(a(n))).await,
            async |n| bare.insert_row(&b(n)).await,
        )
        .await;
    }
    for labels in [2, 4] {
        let (a, b) = (
            |n| record(format!("c{labels}-{n}"), labels),
            |n| record(format!("d{labels}-{n}"), labels),
        );
        let name = format!("insert, {labels} labels, against a transaction");
        fits &= versus(
            &name,
            Some(1.3),
            effort,
            async |n| write(&store, Change::Insert(a(n))).await,
            async |n| bare.insert(&b(n)).await,
        )
        .await;
    }
    // Three round trips for any number of rows: the BEGIN is acknowledged before the rest is sent.
    let (a, b) = (
        |n, row| record(format!("e{n}-{row}"), 0),
        |n, row| record(format!("f{n}-{row}"), 0),
    );
    fits &= versus(
        "a batch of 4 rows, against a transaction",
        Some(1.3),
        effort,
        async |n| {
            let batch: Vec<_> = (0..ROWS).map(|row| Change::Insert(a(n, row))).collect();
            assert_eq!(store.write(&batch).await, Ok(Outcome::Written));
        },
        async |n| {
            bare.client.batch_execute("BEGIN").await.unwrap();
            for row in 0..ROWS {
                bare.insert_row(&b(n, row)).await;
            }
            bare.client.batch_execute("COMMIT").await.unwrap();
        },
    )
    .await;
    fits &= versus(
        "get",
        Some(2.0),
        effort,
        async |n| {
            let key = record(format!("a4-{}", n % rows), 0).key;
            assert!(store.get(&key).await.unwrap().is_some());
        },
        async |n| bare.get(&format!("b4-{}", n % rows)).await,
    )
    .await;
    for labels in [0, 4] {
        let mut ours = record(format!("a{labels}-0"), labels);
        let mut theirs = record(format!("b{labels}-0"), labels);
        ours.version = store.get(&ours.key).await.unwrap().unwrap().version;
        theirs.version = store
            .get(&theirs.key)
            .await
            .unwrap()
            .map_or(theirs.version, |existing| existing.version);
        let name = format!("replace, {labels} labels that stay, against the row alone");
        fits &= versus(
            &name,
            Some(1.3),
            effort,
            async |_| {
                let expected = ours.version;
                ours.version = Version::draw().unwrap();
                write(
                    &store,
                    Change::Replace {
                        record: ours.clone(),
                        expected,
                    },
                )
                .await;
            },
            async |_| {
                let expected = theirs.version;
                theirs.version = Version::draw().unwrap();
                bare.update(&theirs, &expected).await;
            },
        )
        .await;
    }
    // As one would write it without this crate: the row, and the label that changes.
    let mut ours = record("a2-0".to_owned(), 2);
    let mut theirs = record("d2-0".to_owned(), 2);
    ours.version = store.get(&ours.key).await.unwrap().unwrap().version;
    theirs.version = store.get(&theirs.key).await.unwrap().unwrap().version;
    let another = |n: usize| vec![u8::try_from(n % 250).unwrap() + 2; 16];
    fits &= versus(
        "replace, 1 of 2 labels changes, against a transaction",
        Some(1.3),
        effort,
        async |n| {
            let expected = ours.version;
            ours.version = Version::draw().unwrap();
            ours.labels[1].value = another(n);
            let record = ours.clone();
            write(&store, Change::Replace { record, expected }).await;
        },
        async |n| {
            let expected = theirs.version;
            theirs.version = Version::draw().unwrap();
            bare.client.batch_execute("BEGIN").await.unwrap();
            bare.update(&theirs, &expected).await;
            bare.label(&bare.unlabel, &theirs.key.id, &theirs.labels[1])
                .await;
            theirs.labels[1].value = another(n);
            bare.label(&bare.label, &theirs.key.id, &theirs.labels[1])
                .await;
            bare.client.batch_execute("COMMIT").await.unwrap();
        },
    )
    .await;
    fits &= versus(
        "remove, 4 labels, against a transaction",
        Some(1.3),
        effort,
        async |n| {
            let key = record(format!("c4-{n}"), 0).key;
            write(
                &store,
                Change::Remove {
                    key,
                    expected: None,
                },
            )
            .await;
        },
        async |n| bare.delete(&record(format!("d4-{n}"), 4)).await,
    )
    .await;
    fits
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Ok(url) = std::env::var("SEALTOKEN_TEST_POSTGRES") else {
        println!("SKIPPED: SEALTOKEN_TEST_POSTGRES names no server (scripts/postgres starts one)");
        return;
    };
    let asked = |option: &str| std::env::args().any(|argument| argument == option);
    let (once, check) = (asked("--test"), asked("--check"));
    let effort = if once {
        Effort { turns: 1, each: 1 }
    } else {
        Effort {
            turns: 200,
            each: 10,
        }
    };
    let schema = format!("sealtoken_bench_{}", std::process::id());
    let (client, connection) = tokio_postgres::connect(&url, NoTls)
        .await
        .expect("a server");
    tokio::spawn(connection);
    let fsync: String = client.query_one("SHOW fsync", &[]).await.unwrap().get(0);
    println!("fsync = {fsync}");
    assert!(
        once || fsync == "on",
        "without fsync the figures mean nothing"
    );
    client
        .batch_execute(&format!("CREATE SCHEMA {schema}"))
        .await
        .unwrap();
    let sign = if url.contains('?') { '&' } else { '?' };
    let fits = compare(
        &format!("{url}{sign}options=-c%20search_path%3D{schema}"),
        &effort,
    )
    .await;
    client
        .batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))
        .await
        .unwrap();
    assert!(fits || !check, "slower than it may be");
}
