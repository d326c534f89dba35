//! One record: inserted, read, replaced, removed.

use std::slice;
use std::sync::Arc;

use crate::{Change, Outcome, RecordKey, Store, Version};
use sealtoken_time::UnixTime;

use super::fixture::{
    assert_exists, assert_gone, changed, collection, conflict, get, insert, key, name, record,
    remove, replace, version, write,
};

/// An inserted record is read unchanged: body, version, labels and `purge_at`.
pub(super) async fn an_inserted_record_is_read_as_it_was(store: Arc<dyn Store>) {
    let full = record("full")
        .with_label(name("b"), "2")
        .with_label(name("a"), [0, 0xff])
        .with_purge_at(UnixTime::from_secs(1_763_755_200));
    let bare = record("bare");
    write(&*store, &[Change::Insert(full.clone())]).await;
    write(&*store, &[Change::Insert(bare.clone())]).await;
    assert_exists(&*store, &full).await;
    assert_exists(&*store, &bare).await;
}

/// A record that was never written does not exist, which is not an error.
pub(super) async fn a_record_that_was_never_written_is_not_there(store: Arc<dyn Store>) {
    assert_gone(&*store, &key("nothing")).await;
    insert(&*store, [record("a")]).await;
    assert_gone(&*store, &key("nothing")).await;
    assert_gone(&*store, &key("a\0")).await;
}

/// An insert under an existing id is a conflict, and returns the existing record.
pub(super) async fn an_insert_on_a_taken_id_is_a_conflict(store: Arc<dyn Store>) {
    let first = record("id").with_label(name("tag"), "first");
    insert(&*store, [first.clone()]).await;
    let second = record("id").with_label(name("tag"), "second");
    let (index, current) = conflict(&*store, &[Change::Insert(second)]).await;
    assert_eq!((index, current), (0, Some(first.clone())));
    assert_exists(&*store, &first).await;
}

/// A replacement at the expected version replaces the whole record.
pub(super) async fn a_replacement_at_the_expected_version_is_done(store: Arc<dyn Store>) {
    let before = record("id")
        .with_label(name("tag"), "x")
        .with_purge_at(UnixTime::from_secs(5));
    insert(&*store, [before.clone()]).await;
    let after = record("id");
    write(&*store, &[replace(&before, after.clone())]).await;
    assert_exists(&*store, &after).await;
}

/// A replacement at another version is a conflict, and returns the existing record.
pub(super) async fn a_replacement_at_another_version_is_a_conflict(store: Arc<dyn Store>) {
    let existing = record("id");
    insert(&*store, [existing.clone()]).await;
    let stale = record("id");
    let (index, current) =
        conflict(&*store, &[replace(&stale, changed(&existing, "changed"))]).await;
    assert_eq!((index, current), (0, Some(existing.clone())));
    assert_exists(&*store, &existing).await;
}

/// A replacement of a missing record is a conflict: it never inserts.
pub(super) async fn a_replacement_never_inserts(store: Arc<dyn Store>) {
    let before = record("id");
    let change = replace(&before, changed(&before, "changed"));
    assert_eq!(conflict(&*store, slice::from_ref(&change)).await, (0, None));
    assert_gone(&*store, &before.key).await;
    // Not even if the record existed before.
    insert(&*store, [before.clone()]).await;
    write(&*store, &[remove(&before.key, Some(before.version))]).await;
    assert_eq!(conflict(&*store, &[change]).await, (0, None));
    assert_gone(&*store, &before.key).await;
}

/// A removal without an expected version succeeds, whether or not the record exists.
pub(super) async fn a_removal_of_any_version_is_always_done(store: Arc<dyn Store>) {
    insert(&*store, [record("id"), record("other")]).await;
    write(&*store, &[remove(&key("id"), None)]).await;
    assert_gone(&*store, &key("id")).await;
    write(&*store, &[remove(&key("id"), None)]).await;
    assert!(get(&*store, &key("other")).await.is_some());
}

/// A removal at the expected version succeeds. At another version it is a conflict that returns the
/// existing record.
pub(super) async fn a_removal_keeps_to_the_expected_version(store: Arc<dyn Store>) {
    let existing = record("id").with_label(name("tag"), "x");
    insert(&*store, [existing.clone()]).await;
    let (index, current) = conflict(&*store, &[remove(&existing.key, Some(version()))]).await;
    assert_eq!((index, current), (0, Some(existing.clone())));
    assert_exists(&*store, &existing).await;
    let this = remove(&existing.key, Some(existing.version));
    write(&*store, slice::from_ref(&this)).await;
    assert_gone(&*store, &existing.key).await;
    assert_eq!(conflict(&*store, &[this]).await, (0, None));
}

/// An id can be reused after a removal. A change that expects the old version is a conflict.
pub(super) async fn an_id_can_be_used_again_and_its_old_version_does_not_return(
    store: Arc<dyn Store>,
) {
    let first = record("id");
    insert(&*store, [first.clone()]).await;
    write(&*store, &[remove(&first.key, None)]).await;
    let second = changed(&first, first.body.clone());
    insert(&*store, [second.clone()]).await;
    let late = replace(&first, changed(&first, "late"));
    assert_eq!(conflict(&*store, &[late]).await, (0, Some(second.clone())));
    assert_exists(&*store, &second).await;
}

/// A read after a write sees it, also from other tasks.
pub(super) async fn a_read_after_a_write_sees_it(store: Arc<dyn Store>) {
    let mut existing = record("id");
    insert(&*store, [existing.clone()]).await;
    for round in 0..50_u8 {
        let next = changed(&existing, [round]);
        write(&*store, &[replace(&existing, next.clone())]).await;
        assert_exists(&*store, &next).await;
        let (other, expected) = (store.clone(), next.clone());
        let read = tokio::spawn(async move { other.get(&key("id")).await });
        assert_eq!(read.await.expect("the task ended"), Ok(Some(expected)));
        existing = next;
    }
}

/// Many records are read in the order of the keys: missing ones as `None`, and one twice if its key
/// occurs twice.
pub(super) async fn many_records_are_read_in_the_order_of_their_keys(store: Arc<dyn Store>) {
    assert_eq!(store.get_many(&[]).await, Ok(vec![]));
    let records: Vec<_> = (0..100_u8).map(|at| record([at])).collect();
    insert(&*store, records.clone()).await;
    let existing = |at: usize| (key([u8::try_from(at).unwrap()]), Some(records[at].clone()));
    let elsewhere = RecordKey::new(collection("other"), [7]);
    let missing = (key("missing"), None);
    let few = [
        existing(9),
        missing.clone(),
        existing(3),
        existing(9),
        (elsewhere, None),
    ];
    let many: Vec<_> = (0..100)
        .rev()
        .flat_map(|at| [existing(at), missing.clone(), existing(at / 2)])
        .collect();
    for wanted in [&few[..], &many] {
        let (keys, expected): (Vec<_>, Vec<_>) = wanted.iter().cloned().unzip();
        assert_eq!(store.get_many(&keys).await, Ok(expected));
    }
}

/// After a lost reply, the version shows whose write won.
pub(super) async fn a_lost_reply_is_told_by_the_version(store: Arc<dyn Store>) {
    let before = record("id");
    insert(&*store, [before.clone()]).await;
    // Two writers read the same version and get no reply. Each reads again.
    let (mine, theirs) = (changed(&before, "same"), changed(&before, "same"));
    let _lost = store.write(&[replace(&before, mine.clone())]).await;
    let _lost = store.write(&[replace(&before, theirs.clone())]).await;
    let existing = get(&*store, &before.key).await.expect("a record");
    assert!(existing.version == mine.version && existing.version != theirs.version);
    // A writer who repeats the write sees it from the conflict.
    let again = store.write(&[replace(&before, mine.clone())]).await;
    let Ok(Outcome::Conflict { current, .. }) = again else {
        panic!("{again:?}")
    };
    assert_eq!(current.map(|record| record.version), Some(mine.version));
    // The same with an insert.
    let new = record("new");
    let _lost = store.write(&[Change::Insert(new.clone())]).await;
    let (_, current) = conflict(&*store, &[Change::Insert(new.clone())]).await;
    assert_eq!(current, Some(new));
}

/// A version may be any 16 bytes, and comes back unchanged.
pub(super) async fn versions_come_back_byte_for_byte(store: Arc<dyn Store>) {
    let unusual = [
        [0; 16],
        [0xff; 16],
        *b"' OR 1=1 --\0\0\xff\xfe\n",
        *b"\x80ABCDEFGHIJKLMN\0",
    ];
    let mut existing = record("id");
    insert(&*store, [existing.clone()]).await;
    for bytes in unusual {
        let mut next = changed(&existing, "body");
        next.version = Version::from_bytes(bytes);
        write(&*store, &[replace(&existing, next.clone())]).await;
        assert_exists(&*store, &next).await;
        let (_, current) = conflict(&*store, &[Change::Insert(record("id"))]).await;
        assert_eq!(current, Some(next.clone()));
        existing = next;
    }
    write(&*store, &[remove(&existing.key, Some(existing.version))]).await;
}
