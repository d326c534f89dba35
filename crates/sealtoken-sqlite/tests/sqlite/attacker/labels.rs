//! Rows of labels that do not match their record.

use sealtoken_store::{Change, Outcome, Query, Record, Store as _, Values, Version};
use sealtoken_time::UnixTime;

use super::super::block_on;
use super::{by_tag, edited, every_call, key, notes, rows, tag};

/// The row lists other labels than those that lead to it. When it is removed, those stay, and lead
/// nowhere.
#[test]
fn label_rows_that_a_changed_record_leaves_behind_are_not_found() {
    // One label, from the sixth byte on.
    let other = "UPDATE sealtoken_record SET labels = x'01000603000174616771' WHERE id = x'62'";
    for purges in [false, true] {
        let (folder, store) = edited(other);
        block_on(async {
            if purges {
                let purged = store.purge(&notes(), UnixTime::from_secs(8), 10).await;
                assert_eq!(purged, Ok(3));
            } else {
                let b = store.get(&key("b")).await.unwrap().unwrap();
                assert_eq!(b.labels[0].value, b"q");
                let remove = Change::Remove {
                    key: key("b"),
                    expected: Some(b.version),
                };
                assert_eq!(store.write(&[remove]).await, Ok(Outcome::Written));
            }
            let left = if purges { 0 } else { 2 };
            assert_eq!(rows(&folder), (left, left + 1), "its own row stays");
            for (values, left) in [
                (Values::exactly("y"), 0),
                (Values::between("x", "z"), left / 2),
                (Values::beginning_with(""), left),
            ] {
                let query = by_tag(values);
                let found = store.scan(&query).await.unwrap().records.len();
                assert_eq!(i64::try_from(found), Ok(left), "{query:?}");
                // The index counts its own rows.
                let count = store.count(&query).await.unwrap();
                assert_eq!(i64::try_from(count), Ok(left + 1), "{query:?}");
            }
            let again = Record::new(key("b"), Version::draw().unwrap(), "b").with_label(tag(), "y");
            let written = store.write(&[Change::Insert(again.clone())]).await;
            assert_eq!(written, Ok(Outcome::Written));
            let query = by_tag(Values::exactly("y"));
            assert_eq!(store.scan(&query).await.unwrap().records, [again]);
            assert_eq!(store.count(&query).await, Ok(1));
        });
    }
}

#[test]
fn a_label_row_that_leads_to_another_record_gives_it_as_its_own_row_says() {
    let (_folder, store) =
        edited("INSERT INTO sealtoken_label VALUES ('note', 'tag', x'79', x'61')");
    let page = block_on(store.scan(&by_tag(Values::exactly("y")))).unwrap();
    let labels: Vec<_> = page
        .records
        .iter()
        .map(|r| r.labels[0].value.clone())
        .collect();
    assert_eq!(labels, [b"x", b"y"]);
    // It blocks no write: one adds the label to the record, and one removes it.
    let a = page.records[0].clone();
    let next = Record {
        version: Version::draw().unwrap(),
        labels: Vec::new(),
        ..a.clone()
    };
    let next = next.with_label(tag(), "y");
    let replace = |record: Record, before: &Record| Change::Replace {
        record,
        expected: before.version,
    };
    let written = block_on(store.write(&[replace(next.clone(), &a)]));
    assert_eq!(written, Ok(Outcome::Written));
    let written = block_on(store.write(&[replace(a, &next)]));
    assert_eq!(written, Ok(Outcome::Written));
    let page = block_on(store.scan(&by_tag(Values::exactly("y")))).unwrap();
    assert_eq!(page.records.len(), 1);
}

#[test]
fn missing_label_rows_hinder_no_change() {
    let (_folder, store) = edited("DELETE FROM sealtoken_label");
    assert!(every_call(&store).iter().all(Result::is_ok));
    assert_eq!(block_on(store.count(&Query::all(notes()))), Ok(0));
}
