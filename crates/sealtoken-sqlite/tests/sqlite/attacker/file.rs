//! The file as a whole: its schema, and its bytes.

use std::fs;

use sealtoken_sqlite::SqliteStore;
use sealtoken_store::{Change, Outcome, Query, Record, Store as _, Values, Version};

use super::super::block_on;
use super::{by_tag, edited, every_call, filled, key, notes, tag};

#[test]
fn triggers_and_views_of_an_attacker_are_not_run() {
    let (_folder, store) = edited(
        "CREATE TRIGGER t AFTER UPDATE ON sealtoken_record BEGIN DELETE FROM sealtoken_record; END;
         CREATE TRIGGER u AFTER INSERT ON sealtoken_label BEGIN DELETE FROM sealtoken_label; END;",
    );
    let before = block_on(store.get(&key("a"))).unwrap().unwrap();
    let record = Record::new(key("a"), Version::draw().unwrap(), "new").with_label(tag(), "new");
    let expected = before.version;
    let written = block_on(store.write(&[Change::Replace { record, expected }]));
    assert_eq!(written, Ok(Outcome::Written));
    assert_eq!(block_on(store.count(&Query::all(notes()))), Ok(3));
    assert_eq!(
        block_on(store.count(&by_tag(Values::beginning_with("")))),
        Ok(3)
    );
}

/// Pseudorandom numbers, the same each time.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    }
}

#[test]
fn a_file_with_changed_bytes_is_no_panic() {
    let (folder, path) = filled();
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for seed in 0..150 {
        let mut number = numbers(seed);
        let mut bytes = whole.clone();
        match seed % 3 {
            // Much of the file is empty, so a single byte would seldom matter.
            0 => (0..40)
                .for_each(|_| bytes[number(whole.len())] = u8::try_from(number(256)).unwrap()),
            1 => bytes.truncate(number(whole.len())),
            _ => {
                let page = number(whole.len() / 4096) * 4096;
                let begin = page + number(200);
                (0..20).for_each(|at| bytes[begin + at] = u8::try_from(number(256)).unwrap());
            }
        }
        let path = folder.path().join(format!("{seed}.db"));
        fs::write(&path, bytes).unwrap();
        match block_on(SqliteStore::open(&path)) {
            Err(_) => refused += 1,
            Ok(store) => refused += usize::from(every_call(&store).iter().any(Result::is_err)),
        }
    }
    assert!(
        (25..=150).contains(&refused),
        "{refused} of 150 were refused"
    );
}
