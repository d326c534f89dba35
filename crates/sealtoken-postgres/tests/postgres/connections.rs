//! Connections that became useless: what was sent on them is done as a whole or not at all, and the
//! next connection works again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use sealtoken_postgres::PostgresStore;
use sealtoken_store::{
    Change, Collection, Effect, Outcome, Record, RecordKey, Store as _, StoreError, Version,
};

use sealtoken_test_servers::postgres::{Schema, connect};
use sealtoken_test_servers::proxy::{Act, Proxy};

fn note(id: impl Into<Vec<u8>>) -> Record {
    let key = RecordKey::new(Collection::new("note").unwrap(), id);
    Record::new(key, Version::draw().unwrap(), "body")
}

fn insert(record: &Record) -> Change {
    Change::Insert(record.clone())
}

fn has_no_effect<T>(answer: &Result<T, StoreError>) -> bool {
    let effect = Effect::None;
    matches!(answer, Err(StoreError::Unavailable { effect: other, .. }) if *other == effect)
}

fn is_unknown<T>(answer: &Result<T, StoreError>) -> bool {
    let effect = Effect::Unknown;
    matches!(answer, Err(StoreError::Unavailable { effect: other, .. }) if *other == effect)
}

async fn count(store: &PostgresStore, keys: &[RecordKey]) -> usize {
    let existing = store.get_many(keys).await.unwrap();
    existing.iter().flatten().count()
}

/// A store with eight connections, each of which has written, read, and then run these statements.
async fn after_each_ran(url: &str, sql: &str) -> PostgresStore {
    let options = PostgresStore::options(url).connections(8);
    let store = options.open().await.unwrap();
    let gate = connect(url).await;
    let trigger = "CREATE TRIGGER runs BEFORE INSERT ON sealtoken_record EXECUTE FUNCTION runs()";
    let body = format!("BEGIN {sql}; RETURN NULL; END");
    let create = format!("CREATE FUNCTION runs() RETURNS trigger LANGUAGE plpgsql AS $${body}$$");
    gate.batch_execute(&create).await.unwrap();
    // They all wait at the gate, so that each uses its own connection.
    for (sql, writes) in [("", false), (trigger, true)] {
        let lock = format!("{sql}; BEGIN; LOCK TABLE sealtoken_record");
        gate.batch_execute(&lock).await.unwrap();
        let calls = (0..8_u8).map(|n| {
            let (store, record) = (store.clone(), note([b'#', n]));
            tokio::spawn(async move {
                if writes {
                    let written = store.write(&[insert(&record)]).await;
                    assert_eq!(written, Ok(Outcome::Written));
                } else {
                    assert_eq!(store.get(&record.key).await, Ok(None));
                }
            })
        });
        let calls: Vec<_> = calls.collect();
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted \
            AND relation = 'sealtoken_record'::regclass";
        while gate.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) < 8 {
            tokio::task::yield_now().await;
        }
        gate.batch_execute("COMMIT").await.unwrap();
        for call in calls {
            call.await.unwrap();
        }
    }
    let drop = "DROP TRIGGER runs ON sealtoken_record";
    gate.batch_execute(drop).await.unwrap();
    store
}

/// Single writes, batches and reads, all of which must succeed.
async fn works(store: &PostgresStore) {
    for n in 0..10_u8 {
        let (lone, pair) = (note([n]), [note([n, 0]), note([n, 1])]);
        assert_eq!(store.get(&note([b'#', n]).key).await.map(|_| ()), Ok(()));
        let written = store.write(&[insert(&lone)]).await;
        assert_eq!(written, Ok(Outcome::Written), "{n}");
        let written = store.write(&pair.each_ref().map(insert)).await;
        assert_eq!(written, Ok(Outcome::Written), "{n}");
        assert_eq!(store.get(&lone.key).await, Ok(Some(lone)), "{n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_begin_is_refused_is_not_written_statement_by_statement() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let begun = AtomicU32::new(0);
    let proxy = Proxy::new(&schema.url, move |sql| match sql {
        "BEGIN" if begun.fetch_add(1, SeqCst) % 3 < 2 => Act::Refuse("57014"),
        _ => Act::Pass,
    });
    let store = PostgresStore::open(&proxy.url).await.unwrap();
    let first = note("first");
    let before = [insert(&first), insert(&note("another"))];
    while has_no_effect(&store.write(&before).await) {}
    let mut refused = 0;
    for n in 0..30_u8 {
        let pair = [note([n, 0]), note([n, 1])];
        let keys = pair.each_ref().map(|record| record.key.clone());
        match store.write(&pair.map(Change::Insert)).await {
            Ok(outcome) => {
                assert_eq!((outcome, count(&store, &keys).await), (Outcome::Written, 2));
            }
            error => {
                assert!(has_no_effect(&error), "{error:?}");
                assert_eq!(count(&store, &keys).await, 0, "a batch without effect");
                refused += 1;
            }
        }
        // One change matches, the other does not.
        let fits = note([n, 2]);
        let torn = [insert(&fits), insert(&note("first"))];
        let answer = store.write(&torn).await;
        let conflict = matches!(answer, Ok(Outcome::Conflict { index: 1, .. }));
        assert!(conflict || has_no_effect(&answer), "{answer:?}");
        assert_eq!(count(&store, &[fits.key]).await, 0, "a torn batch");
    }
    assert!(refused > 0, "two refusals in a row are reported");
}

/// A pooler may answer a COMMIT without forwarding it. The next user of the connection must not be
/// inside that transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_commit_is_refused_is_not_written_with_the_next_one() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let refuses = Arc::new(AtomicBool::new(true));
    let once = refuses.clone();
    let proxy = Proxy::new(&schema.url, move |sql| match sql {
        "COMMIT" if once.swap(false, SeqCst) => Act::Refuse("57014"),
        _ => Act::Pass,
    });
    let options = PostgresStore::options(&*proxy.url).migrate(false);
    PostgresStore::open(&schema.url).await.unwrap();
    let store = options.connections(1).open().await.unwrap();
    let pair = |n: u8| [note([n, 0]), note([n, 1])];
    let (one, two) = (pair(1), pair(2));
    let answer = store.write(&one.each_ref().map(insert)).await;
    assert!(has_no_effect(&answer), "{answer:?}");
    let written = store.write(&two.each_ref().map(insert)).await;
    assert_eq!(written, Ok(Outcome::Written));
    let keys = |pair: [Record; 2]| pair.map(|record| record.key);
    assert_eq!(count(&store, &keys(one)).await, 0);
    assert_eq!(count(&store, &keys(two)).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_reply_is_lost_is_unknown_and_a_read_is_repeated() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let loses = Arc::new(AtomicBool::new(false));
    let once = loses.clone();
    let proxy = Proxy::new(&schema.url, move |sql| {
        let ours = sql.contains("sealtoken_record") || sql == "COMMIT";
        match ours && once.swap(false, SeqCst) {
            true => Act::LoseReply,
            false => Act::Pass,
        }
    });
    let options = PostgresStore::options(&*proxy.url).prepared_statements(false);
    let store = options.open().await.unwrap();
    let lone = note("lone");
    loses.store(true, SeqCst);
    let answer = store.write(&[insert(&lone)]).await;
    assert!(is_unknown(&answer), "{answer:?}");
    assert_eq!(store.get(&lone.key).await, Ok(Some(lone.clone())));

    loses.store(true, SeqCst);
    assert_eq!(store.get(&lone.key).await, Ok(Some(lone)));
    assert!(!loses.load(SeqCst));

    // Inside an uncommitted transaction nothing was done, so it is repeated on another connection.
    loses.store(true, SeqCst);
    let pair = [note("a"), note("b")];
    let written = store.write(&pair.each_ref().map(insert)).await;
    assert_eq!(written, Ok(Outcome::Written));
    assert!(!loses.load(SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_commit_goes_unanswered_is_unknown() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let proxy = Proxy::new(&schema.url, |sql| match sql {
        "COMMIT" => Act::LoseReply,
        _ => Act::Pass,
    });
    PostgresStore::open(&schema.url).await.unwrap();
    let store = PostgresStore::options(&*proxy.url).migrate(false);
    let store = store.open().await.unwrap();
    let pair = [note("a"), note("b")];
    let answer = store.write(&pair.each_ref().map(insert)).await;
    assert!(is_unknown(&answer), "{answer:?}");
    assert_eq!(count(&store, &pair.map(|record| record.key)).await, 2);
}

/// As after a failover: each connection of the pool leads to a standby.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_became_read_only_are_replaced() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let sql = "PERFORM set_config('default_transaction_read_only', 'on', false)";
    works(&after_each_ran(&schema.url, sql).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_lost_their_prepared_statements_are_replaced() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    works(&after_each_ran(&schema.url, "DEALLOCATE ALL").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_that_no_longer_fit_are_made_anew() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let store = after_each_ran(&schema.url, "PERFORM 1").await;
    // The same bytes under another type: the result of a prepared statement has changed.
    let sql = "CREATE DOMAIN small AS bytea; ALTER TABLE sealtoken_record ALTER body TYPE small";
    connect(&schema.url).await.batch_execute(sql).await.unwrap();
    works(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ended_are_replaced() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let url = format!("{}&application_name={}", schema.url, schema.name);
    let store = after_each_ran(&url, "PERFORM 1").await;
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 \
        AND pid <> pg_backend_pid()";
    let ended = connect(&schema.url).await;
    let ended = ended.query(sql, &[&schema.name]).await.unwrap();
    assert!(ended.len() >= 8, "{}", ended.len());
    // A read is repeated. A write at this moment might be unknown.
    assert!(store.get(&note([b'#', 0]).key).await.unwrap().is_some());
    works(&store).await;
}

/// A read-only database is reported, and still serves reads.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_read_only_is_reported() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let store = PostgresStore::open(&schema.url).await.unwrap();
    let existing = note("there");
    let written = store.write(&[insert(&existing)]).await;
    assert_eq!(written, Ok(Outcome::Written));
    let url = format!("{}%20-c%20default_transaction_read_only%3Don", schema.url);
    let store = PostgresStore::options(url).migrate(false).open();
    let store = store.await.unwrap();
    for _ in 0..3 {
        let refused = Err(StoreError::unavailable("SQLSTATE 25006"));
        assert_eq!(store.write(&[insert(&note("new"))]).await, refused);
        assert_eq!(store.get(&existing.key).await, Ok(Some(existing.clone())));
    }
}
