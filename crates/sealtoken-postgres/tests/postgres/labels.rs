//! The index of labels matches the records, whoever wrote at the same time.

use std::collections::BTreeSet;
use std::slice;
use std::time::Duration;

use sealtoken_postgres::PostgresStore;
use sealtoken_store::{
    Change, Collection, LabelName, Outcome, Query, Record, RecordKey, Store as _, StoreError,
    Values, Version,
};
use sealtoken_test_servers::postgres::{Schema, connect, isolated, patient};
use sealtoken_time::UnixTime;

/// The rows of the index: name, value, id.
type Index = BTreeSet<(String, Vec<u8>, Vec<u8>)>;

/// A generator with the same numbers for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

pub(super) fn collection() -> Collection {
    Collection::new("note").unwrap()
}

fn record(dice: &mut Dice, key: RecordKey) -> Record {
    let mut record = Record::new(key, Version::draw().unwrap(), "body");
    for name in ["a", "b", "c"] {
        for value in 0..3_u8 {
            if dice.below(3) == 0 {
                record = record.with_label(LabelName::new(name).unwrap(), [value]);
            }
        }
    }
    if dice.below(8) == 0 {
        record = record.with_purge_at(UnixTime::from_secs(0));
    }
    record
}

/// A change that matches what this writer read, but often not the current record.
async fn change(dice: &mut Dice, store: &PostgresStore, id: u8) -> Change {
    let key = RecordKey::new(collection(), [id]);
    match (store.get(&key).await.unwrap(), dice.below(8)) {
        (_, 0 | 1) => Change::Remove {
            key,
            expected: None,
        },
        (Some(existing), 2) => Change::Remove {
            key,
            expected: Some(existing.version),
        },
        (Some(existing), _) => Change::Replace {
            record: record(dice, key),
            expected: existing.version,
        },
        (None, _) => Change::Insert(record(dice, key)),
    }
}

async fn writer(store: PostgresStore, seed: u64, rounds: u32) -> (u32, u32) {
    let mut dice = Dice(seed);
    let (mut written, mut lost) = (0, 0);
    for _ in 0..rounds {
        if dice.below(20) == 0 {
            let purged = store.purge(&collection(), UnixTime::from_secs(1), 10).await;
            assert!(
                matches!(purged, Ok(_) | Err(StoreError::Unavailable { .. })),
                "{purged:?}"
            );
            continue;
        }
        let mut batch: Vec<Change> = Vec::new();
        for _ in 0..[1, 1, 1, 2, 3][usize::try_from(dice.below(5)).unwrap()] {
            let id = u8::try_from(dice.below(4)).unwrap();
            if batch.iter().all(|change| change.key().id != [id]) {
                batch.push(change(&mut dice, &store, id).await);
            }
        }
        match store.write(&batch).await {
            Ok(Outcome::Written) => written += 1,
            Ok(Outcome::Conflict { index, .. }) => {
                assert!(index < batch.len());
                lost += 1;
            }
            // So many writers at so few records may give up. Then nothing was done.
            Err(StoreError::Unavailable {
                effect: sealtoken_store::Effect::None,
                ..
            }) => lost += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    (written, lost)
}

/// The labels in the records, and those in the index.
async fn records_and_index(store: &PostgresStore, url: &str) -> (Index, Index) {
    let page = store
        .scan(&Query::all(collection()).limit(1000))
        .await
        .unwrap();
    let records = page.records.iter().flat_map(|record| {
        let labels = record.labels.iter();
        labels.map(|label| {
            (
                label.name.to_string(),
                label.value.clone(),
                record.key.id.clone(),
            )
        })
    });
    let sql = "SELECT name, value, id FROM sealtoken_label";
    let rows = connect(url).await.query(sql, &[]).await.unwrap();
    let index = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2)));
    (records.collect(), index.collect())
}

async fn writers_leave_no_label_behind(isolation: &str) {
    let Some(schema) = Schema::new(&[&isolated(isolation)]).await else {
        return;
    };
    let store = patient(&schema.url).open().await.unwrap();
    for round in 0..5 {
        let writers: Vec<_> = (0..10)
            .map(|n| tokio::spawn(writer(store.clone(), round * 100 + n, 40)))
            .collect();
        let (mut written, mut lost) = (0, 0);
        for writer in writers {
            let (w, l) = writer.await.unwrap();
            written += w;
            lost += l;
        }
        assert!(
            written > 50 && lost > 10,
            "{written} written, {lost} lost: no race"
        );
        let (records, index) = records_and_index(&store, &schema.url).await;
        assert_eq!(records, index);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_few_records_leave_no_label_behind_at_read_committed() {
    writers_leave_no_label_behind("read committed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_few_records_leave_no_label_behind_at_serializable() {
    writers_leave_no_label_behind("serializable").await;
}

/// An error in a later chunk of a purge does not claim that nothing was done.
#[tokio::test]
async fn a_purge_that_fails_after_a_part_is_unknown() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let store = PostgresStore::open(&schema.url).await.unwrap();
    let batch = (0..600_u32).map(|n| {
        let key = RecordKey::new(collection(), n.to_be_bytes());
        let record = Record::new(key, Version::draw().unwrap(), "body");
        Change::Insert(record.with_purge_at(UnixTime::from_secs(n.into())))
    });
    let batch: Vec<Change> = batch.collect();
    assert_eq!(store.write(&batch).await, Ok(Outcome::Written));
    let sql = "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$; \
        CREATE TRIGGER no BEFORE DELETE ON sealtoken_record \
        FOR EACH ROW WHEN (OLD.purge_at = 599) EXECUTE FUNCTION no()";
    let client = connect(&schema.url).await;
    client.batch_execute(sql).await.unwrap();
    let purge = async || {
        let before = UnixTime::from_secs(1000);
        store.purge(&collection(), before, 1000).await
    };
    assert_eq!(purge().await, Err(StoreError::unknown("SQLSTATE P0001")));
    let left = store.count(&Query::all(collection())).await;
    assert_eq!(left, Ok(100));
    let none = Err(StoreError::unavailable("SQLSTATE P0001"));
    assert_eq!(purge().await, none, "nothing was done before");
}

/// Nor does an error of the check that follows a part of a chunk.
#[tokio::test]
async fn a_purge_that_cannot_check_the_schema_after_a_part_is_unknown() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    let store = PostgresStore::open(&schema.url).await.unwrap();
    let batch = [0, 1].map(|n| {
        let key = RecordKey::new(collection(), [n]);
        let record = Record::new(key, Version::draw().unwrap(), "body");
        Change::Insert(record.with_purge_at(UnixTime::from_secs(n.into())))
    });
    assert_eq!(store.write(&batch).await, Ok(Outcome::Written));
    // One record stays, and the number of the schema cannot be read once the other is gone.
    let known = PostgresStore::migrations().len();
    let sql = format!(
        "CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$; \
         CREATE TRIGGER stay BEFORE DELETE ON sealtoken_record \
         FOR EACH ROW WHEN (OLD.purge_at = 1) EXECUTE FUNCTION stay(); \
         CREATE FUNCTION step() RETURNS bigint LANGUAGE plpgsql STABLE AS $$BEGIN \
         IF (SELECT count(*) FROM sealtoken_record) < 2 THEN RAISE 'no'; END IF; \
         RETURN {known}; END$$; \
         ALTER TABLE sealtoken_schema RENAME TO steps; \
         CREATE VIEW sealtoken_schema AS SELECT step() AS number"
    );
    let client = connect(&schema.url).await;
    client.batch_execute(&sql).await.unwrap();
    let purged = store.purge(&collection(), UnixTime::from_secs(9), 9).await;
    assert_eq!(purged, Err(StoreError::unknown("SQLSTATE P0001")));
    assert_eq!(store.count(&Query::all(collection())).await, Ok(1));
}

/// How many pages of the tables and indexes were read so far.
async fn pages_read(store: &PostgresStore, url: &str) -> i64 {
    // A connection reports its reads at the end of a statement, but at most once a second.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(
        store.get(&RecordKey::new(collection(), "none")).await,
        Ok(None)
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    let sql = "SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::bigint \
        FROM pg_statio_user_tables \
        WHERE relid = 'sealtoken_label'::regclass OR relid = 'sealtoken_record'::regclass";
    connect(url).await.query_one(sql, &[]).await.unwrap().get(0)
}

/// A plan is made while the tables are small, and kept.
#[tokio::test]
async fn what_a_call_reads_does_not_grow_with_the_tables() {
    let Some(schema) = Schema::new(&[]).await else {
        return;
    };
    // One connection, which keeps its plans. No statistics are collected in the meantime.
    let options = PostgresStore::options(&*schema.url).connections(1);
    let store = options.open().await.unwrap();
    let sql = "ALTER TABLE sealtoken_record SET (autovacuum_enabled = off); \
        ALTER TABLE sealtoken_label SET (autovacuum_enabled = off)";
    connect(&schema.url).await.batch_execute(sql).await.unwrap();
    let tag = LabelName::new("tag").unwrap();
    let labelled = |n: u32, value: u8| {
        let key = RecordKey::new(collection(), n.to_be_bytes());
        let record = Record::new(key, Version::draw().unwrap(), "body");
        record
            .with_label(tag.clone(), [value])
            .with_label(tag.clone(), n.to_be_bytes())
    };
    let calls = async |first: u32| {
        for n in first..first + 10 {
            let (one, two) = (labelled(n, 1), labelled(n, 2));
            let (key, expected) = (one.key.clone(), one.version);
            assert_eq!(
                store.write(&[Change::Insert(one)]).await,
                Ok(Outcome::Written)
            );
            let replace = Change::Replace {
                record: two,
                expected,
            };
            assert_eq!(store.write(&[replace]).await, Ok(Outcome::Written));
            assert!(store.get_many(slice::from_ref(&key)).await.unwrap()[0].is_some());
            let query = Query::label(collection(), tag.clone(), Values::exactly([2])).limit(3);
            assert_eq!(store.scan(&query).await.unwrap().records.len(), 1);
            let remove = Change::Remove {
                key,
                expected: None,
            };
            assert_eq!(store.write(&[remove]).await, Ok(Outcome::Written));
        }
    };
    calls(0).await;
    let before = pages_read(&store, &schema.url).await;
    calls(10).await;
    let small = pages_read(&store, &schema.url).await - before;
    for first in (100..3100).step_by(300) {
        let batch: Vec<_> = (first..first + 300)
            .map(|n| Change::Insert(labelled(n, 0)))
            .collect();
        assert_eq!(store.write(&batch).await, Ok(Outcome::Written));
    }
    let before = pages_read(&store, &schema.url).await;
    calls(20).await;
    let large = pages_read(&store, &schema.url).await - before;
    assert!(
        small > 0 && large < 2 * small,
        "{small}, with 3,000 records more {large}"
    );
}
