//! Lost replies and outages, one by one. Every operation at every call, and beside every rival, is
//! in `histories`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealtoken::PublicError;
use sealtoken::ServiceError;
use sealtoken::pat::{PatError, PatId, PersonalAccessTokens, Reason, SecretHash, VerifyError};
use sealtoken::store::{
    Change, Collection, MemoryStore, Outcome, Record, RecordKey, Store as _, StoreError, Version,
};
use sealtoken::{Key, KeyRing, Lifetime, UnixTime};

use super::{ADA, Bench, NOW, at, originals};
use crate::faulty::{Fault, Faulty, records, unknown};
use crate::front::{Behind, Front};
use crate::lagging::Lagging;

pub(super) const FREE: &str = "free0for0the0taking00";
const MINUTE: Duration = Duration::from_secs(60);

/// Another process, which no fault concerns.
async fn other(bench: &Bench, store: &Faulty) -> PersonalAccessTokens {
    let options = PersonalAccessTokens::options().clock(bench.clock.clone());
    let other = options.open(store.inner.clone(), &bench.keys);
    other.await.unwrap()
}

#[tokio::test]
async fn what_others_did_after_a_lost_reply_is_not_undone() {
    let store = Faulty::new(Fault::After, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let issued = bench.issue(ADA).await.unwrap();
    let one = issued.record.id;
    let theirs = other(&bench, &store).await;

    // A role that was taken since is not given again.
    let pats = theirs.clone();
    store.lose_reply(2, async move {
        pats.update(one).remove_role("writer").await.map(drop)
    });
    unknown(bench.pats.update(one).add_role("writer").await);
    assert!(bench.verify(&issued).await.unwrap().roles.is_empty());

    // What was restored and revoked again stays revoked.
    bench.pats.revoke(one).await.unwrap();
    let pats = theirs.clone();
    store.lose_reply(2, async move { pats.revoke(one).await.map(drop) });
    unknown(bench.pats.restore(one).await);
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));

    // What was registered and deleted is not registered again, and what was registered since is not
    // deleted.
    let free: PatId = FREE.parse().unwrap();
    let new = bench.pats.generate_as(free).unwrap();
    let pats = theirs.clone();
    store.lose_reply(1, async move { pats.delete(free).await });
    unknown(bench.pats.register(free, new.hash.clone(), ADA).await);
    assert_eq!(bench.pats.get(free).await.err(), Some(PatError::NotFound));
    let registered = bench.pats.register(free, new.hash.clone(), ADA).await;
    assert!(registered.is_ok());
    store.lose_reply(2, async move {
        theirs.register(free, new.hash, ADA).await.map(drop)
    });
    unknown(bench.pats.delete(free).await);
    assert!(bench.pats.get(free).await.is_ok());
    assert_eq!(records(&store.inner, "pat_tokens").await.len(), 2);
}

/// The first admin is let in once, though the answer was lost at any call and is asked for again.
#[tokio::test]
async fn a_first_admin_who_got_no_answer_is_the_first_or_can_try_again() {
    for fault in [Fault::Before, Fault::After, Fault::Lost, Fault::ForGood] {
        for call in 1.. {
            let store = Faulty::new(fault, u64::MAX);
            let options = PersonalAccessTokens::options;
            let bench = Bench::over(Arc::clone(&store) as _, options()).await;
            let root = bench.pats.generate().unwrap();
            let pats = bench.again(options().bootstrap(root.hash.clone())).await;
            store.fail_from(call);
            let text = root.token.expose();
            let first = pats.bootstrap(text, "root").await;
            if !store.has_failed() {
                break;
            }
            store.heal();
            match first {
                Ok(record) => assert!(record.admin),
                Err(VerifyError::Failed(PatError::Service(ServiceError::Store(_)))) => {
                    let again = pats.bootstrap(text, "root").await;
                    let done = VerifyError::Refused(Reason::NotFound);
                    assert!(again.is_ok() || again == Err(done), "{again:?}");
                }
                other => panic!("{other:?}"),
            }
            assert!(
                pats.verify(text).await.unwrap().admin,
                "{fault:?} at {call}"
            );
            assert_eq!(records(&store.inner, "pat_tokens").await.len(), 1);
            assert_eq!(records(&store.inner, "pat_bootstrap").await.len(), 1);
        }
    }
}

/// A purge whose second page fails has removed the first.
#[tokio::test]
async fn a_purge_that_failed_half_way_does_not_say_that_nothing_was_done() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let options = PersonalAccessTokens::options().keep_expired(Duration::ZERO);
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    for _ in 0..501 {
        bench
            .issue(ADA)
            .expires(Lifetime::seconds(1))
            .await
            .unwrap();
    }
    bench.clock.advance(2);
    store.fail_from(2);
    unknown(bench.pats.purge_expired().await);
    store.heal();
    assert_eq!(
        bench.pats.purge_expired().await.map(|done| done.count),
        Ok(1)
    );
}

/// A store that removes at most two at a time, and of whose tokens an engine reads nothing but the
/// key.
#[derive(Debug, Default)]
struct Bent {
    inner: MemoryStore,
    is_unreadable: AtomicBool,
}

#[async_trait]
impl Front for Bent {
    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let record = self.inner.get(key).await?;
        if !self.is_unreadable.load(Ordering::SeqCst) {
            return Ok(record);
        }
        let unreadable = |record: Record| Record::new(record.key, Version::from_bytes([0; 16]), []);
        Ok(record.map(unreadable))
    }

    async fn write(&self, batch: &[Change]) -> Result<Outcome, StoreError> {
        if let [Change::Remove { key, expected }] = batch
            && self.is_unreadable.load(Ordering::SeqCst)
            && expected.is_some()
        {
            let (index, current) = (0, Front::get(self, key).await?);
            return Ok(Outcome::Conflict { index, current });
        }
        self.inner.write(batch).await
    }

    async fn purge(
        &self,
        collection: &Collection,
        before: UnixTime,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.inner.purge(collection, before, limit.min(2)).await
    }
}

/// As PostgreSQL does where others are at the same rows.
#[tokio::test]
async fn a_purge_goes_on_where_a_store_removes_fewer_than_it_was_asked_for() {
    let store = Arc::new(Behind(Bent::default()));
    let options = PersonalAccessTokens::options().keep_expired(Duration::ZERO);
    let bench = Bench::over(store, options).await;
    for _ in 0..5 {
        bench
            .issue(ADA)
            .expires(Lifetime::seconds(1))
            .await
            .unwrap();
    }
    bench.clock.advance(2);
    let mut counts = Vec::new();
    let purge = bench
        .pats
        .purge_expired()
        .progress(|count| counts.push(count));
    assert_eq!(purge.await.map(|done| done.count), Ok(5));
    assert_eq!(counts, [2, 4, 5]);
    assert_eq!(bench.pats.list().count().await, Ok(0));
}

#[tokio::test]
async fn a_token_whose_row_nobody_can_read_is_removed_all_the_same() {
    let store = Arc::new(Behind(Bent::default()));
    let bench = Bench::over(store.clone(), PersonalAccessTokens::options()).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    store.is_unreadable.store(true, Ordering::SeqCst);
    let owned = bench.pats.owned_by("ada@example.com").delete(id).await;
    assert_eq!(owned, Err(PatError::Service(ServiceError::Tampered)));
    assert_eq!(bench.pats.delete(id).await, Ok(()));
    assert_eq!(bench.pats.list().count().await, Ok(0));
}

/// It expects the version that was looked at, and so it cannot be done twice.
#[tokio::test]
async fn a_removal_that_was_lost_on_its_way_is_sent_again() {
    let store = Faulty::new(Fault::Lost, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    store.fail_from(2);
    assert_eq!(bench.pats.delete(id).await, Ok(()));
    assert!(store.has_failed_writing());
    assert_eq!(bench.pats.list().count().await, Ok(0));
}

#[tokio::test]
async fn a_lost_reply_of_a_write_is_no_error() {
    let store = Faulty::new(Fault::After, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let lose = |call| {
        store.counts();
        store.at.store(call, Ordering::SeqCst);
    };
    lose(1);
    let issued = bench.issue(ADA).await.unwrap();
    let token_id = issued.record.id;
    for n in 0..3 {
        lose(2);
        bench
            .pats
            .update(token_id)
            .add_role(format!("{n}"))
            .await
            .unwrap();
    }
    lose(2);
    bench.pats.revoke(token_id).await.unwrap();
    lose(2);
    bench.pats.restore(token_id).await.unwrap();
    lose(2);
    let rotated = bench.pats.rotate(token_id).overlap(MINUTE).await.unwrap();
    lose(u64::MAX);
    for good in [&issued, &rotated] {
        assert_eq!(bench.verify(good).await.unwrap().roles.len(), 3);
    }
    lose(2);
    bench.pats.delete(token_id).await.unwrap();
    lose(u64::MAX);
    assert_eq!(bench.pats.list().count().await, Ok(0));
}

#[tokio::test]
async fn a_stream_ends_with_the_error_of_its_store() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    bench.issue(ADA).await.unwrap();
    let mut stream = bench.pats.list().stream();
    store.fail_from(1);
    let away = PatError::Service(ServiceError::Store(StoreError::unavailable("test")));
    assert_eq!(stream.next().await, Some(Err(away)));
    // The store works again.
    assert_eq!(stream.next().await, None);
    assert_eq!(stream.cursor(), None);
    assert!(bench.pats.list().stream().next().await.unwrap().is_ok());
}

/// Whatever fails on the way is told, and the keyset opens with the keys that it had or with the
/// new one.
#[tokio::test]
async fn a_rewrap_that_failed_says_so_and_can_be_done_again() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let issued = bench.issue(ADA).await.unwrap();
    let new = Key::generate();
    let ring = KeyRing::new(new.clone()).with_retired(bench.old.clone());
    bench.keys.replace(&ring.unwrap()).unwrap();
    let mut failed = 0;
    for call in 1.. {
        store.fail_from(call);
        let rewrapped = bench.pats.rewrap().await;
        if !store.has_failed() {
            assert_eq!(rewrapped.map(|done| done.resealed), Ok(1));
            break;
        }
        let told = matches!(&rewrapped, Err(PatError::Service(ServiceError::Store(_))));
        assert!(told, "call {call}: {rewrapped:?}");
        failed += 1;
    }
    // It is read, and it is written.
    assert_eq!(failed, 2);
    store.heal();
    let lone = PersonalAccessTokens::open(store.inner.clone(), &KeyRing::new(new)).await;
    assert!(lone.unwrap().verify(issued.token.expose()).await.is_ok());
}

/// An item of the other system, with this in addition.
pub(super) fn item(id: &str, more: &str) -> sealtoken_import::access_tokens::AccessToken {
    let hash = originals::HASH;
    let text = format!(
        "{{\"tokenId\":{{\"S\":\"{id}\"}},\"secretPhc\":{{\"S\":\"{hash}\"}},\
         \"owner\":{{\"S\":\"ada\"}},\"createdAt\":{{\"N\":\"1\"}}{more}}}"
    );
    sealtoken_import::access_tokens::AccessToken::from_dynamodb_json(&text).unwrap()
}

/// An import whose second token fails has taken in the first.
#[tokio::test]
async fn an_import_that_failed_half_way_does_not_say_that_nothing_was_done() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let items = || [item(originals::ID, ""), item(FREE, "")];
    store.fail_from(1);
    let none = bench.pats.import(items()).await.unwrap_err();
    assert_eq!(
        none,
        PatError::Service(ServiceError::Store(StoreError::unavailable("test")))
    );
    store.fail_from(2);
    unknown(bench.pats.import(items()).await);
    assert_eq!(bench.pats.list().count().await, Ok(1));
    // One that was imported before and is restricted now is something that was done, too.
    let items = [
        item(originals::ID, r#","revokedAt":{"N":"5"}"#),
        item(FREE, ""),
    ];
    store.fail_from(4);
    unknown(bench.pats.import(items).await);
    let restricted = bench.pats.get(originals::id()).await.unwrap();
    assert_eq!(restricted.revoked_at, Some(at(5)));
    assert_eq!(bench.pats.list().count().await, Ok(1));
}

/// What somebody else removes between the look at its owner and the removal was not there to be
/// removed.
#[tokio::test]
async fn an_owner_who_deletes_what_is_gone_by_then_is_told_so() {
    let store = Faulty::new(Fault::None, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    let pats = other(&bench, &store).await;
    store.lose_reply(1, async move { pats.delete(id).await });
    let owned = bench.pats.owned_by("ada@example.com");
    assert_eq!(owned.delete(id).await, Err(PatError::NotFound));
    assert_eq!(bench.pats.list().count().await, Ok(0));
}

/// What was imported is looked at, and by the time it is to be restricted another token has its id.
#[tokio::test]
async fn an_import_restricts_no_token_that_took_the_place_of_the_imported_one() {
    let store = Faulty::new(Fault::None, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let id = originals::id();
    let first = bench.pats.import([item(originals::ID, "")]).await.unwrap();
    assert!(first[0].as_ref().unwrap().new);
    let pats = other(&bench, &store).await;
    store.lose_reply(1, async move {
        pats.delete(id).await?;
        pats.issue(ADA).id(id).await.map(drop)
    });
    let revoked = item(originals::ID, r#","revokedAt":{"N":"5"}"#);
    let second = bench.pats.import([revoked]).await.unwrap();
    assert_eq!(second, [Err(PatError::AlreadyExists)]);
    let record = bench.pats.get(id).await.unwrap();
    assert_eq!(record.origin, sealtoken::pat::Origin::Issued);
    assert_eq!(record.revoked_at, None);
}

/// That the store is away by now says nothing of what it did before.
#[tokio::test]
async fn a_lost_reply_and_then_an_outage_leave_it_unknown() {
    let faults = [Fault::After, Fault::ForGood];
    let store = Faulty::over(MemoryStore::new(), &faults, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    store.fail_from(2);
    unknown(bench.pats.revoke(id).await);
    store.fail_from(2);
    unknown(bench.pats.delete(id).await);
    store.fail_from(1);
    unknown(bench.pats.issue(ADA).await);
    // All of it was done.
    store.heal();
    assert_eq!(bench.pats.get(id).await.err(), Some(PatError::NotFound));
    assert_eq!(bench.pats.list().count().await, Ok(1));
}

#[tokio::test]
async fn a_use_that_cannot_be_written_refuses_nobody() {
    for fault in [Fault::Before, Fault::After, Fault::ForGood] {
        let store = Faulty::new(fault, u64::MAX);
        let options = PersonalAccessTokens::options().upgrade_hashes(true);
        let bench = Bench::over(Arc::clone(&store) as _, options).await;
        let issued = bench.issue(ADA).await.unwrap();
        let hash: SecretHash = originals::HASH.parse().unwrap();
        bench
            .pats
            .register(originals::id(), hash, ADA)
            .await
            .unwrap();
        for text in [issued.token.expose(), originals::TEXT] {
            store.counts();
            // Behind a verification its use is read again, which is the second call, and written.
            store.at.store(3, Ordering::SeqCst);
            let verified = bench.pats.verify(text).await.unwrap();
            bench.pats.flush().await;
            assert_eq!(verified.owner, "ada@example.com");
            assert_eq!(store.counts(), (3, 1), "tried once");
            store.at.store(u64::MAX, Ordering::SeqCst);
            let again = bench.pats.verify(text).await.unwrap();
            bench.pats.flush().await;
            assert_eq!(again.last_used_at, Some(at(NOW)), "{fault:?}");
            let written = bench.pats.get(again.id).await.unwrap();
            assert_eq!(written.last_used_at, Some(at(NOW)), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_outage_is_told_as_one_and_uses_up_nobodys_attempts() {
    let store = Faulty::new(Fault::ForGood, u64::MAX);
    let keys = KeyRing::new(Key::generate());
    let pats = PersonalAccessTokens::open(Arc::clone(&store), &keys)
        .await
        .unwrap();
    let issued = pats.issue("ada").await.unwrap();
    let text = issued.token.expose();
    store.at.store(0, Ordering::SeqCst);
    for _ in 0..50 {
        let away = pats.verify(text).await.unwrap_err();
        assert!(
            matches!(
                away,
                VerifyError::Failed(PatError::Service(ServiceError::Store(_)))
            ),
            "{away:?}"
        );
        assert_eq!(away.public(), sealtoken::PublicError::Unavailable);
    }
    store.healed.store(true, Ordering::SeqCst);
    assert!(pats.verify(text).await.is_ok());
}

#[tokio::test]
async fn opening_may_fail_and_be_done_again() {
    for fault in [Fault::Before, Fault::After, Fault::ForGood] {
        for call in 1..=4 {
            let store = Faulty::new(fault, call);
            let keys = KeyRing::new(Key::generate());
            let first = PersonalAccessTokens::open(Arc::clone(&store), &keys).await;
            store.healed.store(true, Ordering::SeqCst);
            let pats = PersonalAccessTokens::open(Arc::clone(&store), &keys)
                .await
                .unwrap();
            let issued = pats.issue(ADA).await.unwrap();
            if let Ok(first) = first {
                let verified = first.verify(issued.token.expose()).await;
                assert!(verified.is_ok(), "{fault:?} at {call}");
            }
        }
    }
}

/// An operation that was not told how its write ended leaves nothing in the cache.
#[tokio::test]
async fn what_may_have_been_revoked_is_looked_up_again() {
    let store = Faulty::new(Fault::After, u64::MAX);
    let options = PersonalAccessTokens::options().cache(10, Duration::from_secs(1000));
    let bench = Bench::over(Arc::clone(&store) as _, options).await;
    let issued = bench.issue(ADA).await.unwrap();
    assert_eq!(bench.reason(&issued).await, None);
    // Done at once, but every reply is lost, and so is the answer to what became of it.
    store.fail_writes(Some(Fault::After));
    let revoked = bench.pats.revoke(issued.record.id).await;
    assert!(
        matches!(revoked, Err(PatError::Service(ServiceError::Store(_)))),
        "{revoked:?}"
    );
    store.fail_writes(None);
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));
}

/// What is wrong with the database is no record that was changed: the retired key has to stay.
#[tokio::test]
async fn a_keyset_that_a_damaged_database_does_not_take_is_not_sealed_again() {
    let store = Faulty::new(Fault::Before, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let ring = KeyRing::new(Key::generate());
    let both = ring.clone().with_retired(bench.old.clone()).unwrap();
    bench.keys.replace(&both).unwrap();
    store.fail_writes(Some(Fault::Corrupt));
    let damaged = PatError::Service(ServiceError::Store(StoreError::Corrupt));
    assert_eq!(bench.pats.rewrap().await, Err(damaged.clone()));
    assert_eq!(
        (damaged.code(), damaged.public()),
        ("unavailable", PublicError::Unavailable)
    );
    assert!(damaged.to_string().starts_with("the database "));
    store.fail_writes(None);
    assert_eq!(bench.pats.rewrap().await.map(|done| done.resealed), Ok(1));
    let opened = PersonalAccessTokens::open(store.inner.clone(), &ring).await;
    assert!(opened.is_ok());
}

/// Somebody else seals it, or takes it away, at the very moment.
#[tokio::test]
async fn a_rewrap_succeeds_only_where_the_current_key_seals_the_keyset() {
    let store = Faulty::new(Fault::None, u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    let both = KeyRing::new(Key::generate()).with_retired(bench.old.clone());
    bench.keys.replace(&both.unwrap()).unwrap();
    let keyset = records(&store.inner, "pat_keysets").await.remove(0);
    let remove = Change::Remove {
        key: keyset.key.clone(),
        expected: None,
    };
    let inner = store.inner.clone();
    // It is read, and then it would be written.
    store.set_rival(Box::pin(async move {
        let _ = inner.write(&[remove]).await.unwrap();
    }));
    store.fail_from(1);
    let gone = bench.pats.rewrap().await;
    assert_eq!(
        gone,
        Err(PatError::Service(ServiceError::KeysetGone(
            keyset.key.clone()
        )))
    );

    let mut changed = keyset.clone();
    changed.body[20] ^= 1;
    let put = store.inner.write(&[Change::Insert(changed)]).await;
    assert_eq!(put, Ok(Outcome::Written));
    assert_eq!(
        bench.pats.rewrap().await,
        Err(PatError::Service(ServiceError::Tampered))
    );
}

/// A record that was changed stands in its own place; what breaks the list off is another error,
/// and its last.
#[tokio::test]
async fn a_list_that_a_damaged_database_breaks_off_is_not_taken_for_a_whole_one() {
    let store = Faulty::over(MemoryStore::new(), &[Fault::Corrupt], u64::MAX);
    let bench = Bench::over(Arc::clone(&store) as _, PersonalAccessTokens::options()).await;
    for _ in 0..250 {
        bench.issue(ADA).await.unwrap();
    }
    let damaged = PatError::Service(ServiceError::Store(StoreError::Corrupt));
    for page in [1, 2, 3] {
        store.fail_from(page);
        let (mut list, mut all) = (bench.pats.list().stream(), Vec::new());
        while let Some(token) = list.next().await {
            all.push(token);
        }
        assert!(store.has_failed());
        let last = all.pop().unwrap();
        assert_eq!(last, Err(damaged.clone()));
        assert!(all.len() < 250 && all.iter().all(Result::is_ok));
    }
    store.fail_from(1);
    assert_eq!(bench.pats.list().tally().await, Err(damaged));
}

/// With a store whose reads lag behind it would be the last but one change that is seen.
#[tokio::test]
async fn what_is_asked_for_again_within_a_lag_is_done_again() {
    let store = Lagging::new();
    let bench = Bench::over(store.clone(), PersonalAccessTokens::options()).await;
    let lag = || store.lag(&super::COLLECTIONS);
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;

    bench.pats.revoke(id).await.unwrap();
    lag().await;
    bench.pats.restore(id).await.unwrap();
    assert!(bench.pats.revoke(id).await.unwrap().revoked_at.is_some());
    store.catch_up();
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));

    bench.pats.restore(id).await.unwrap();
    lag().await;
    bench.pats.revoke(id).await.unwrap();
    assert_eq!(bench.pats.restore(id).await.unwrap().revoked_at, None);
    store.catch_up();
    assert_eq!(bench.reason(&issued).await, None);

    let role = || bench.pats.update(id).add_role("reader");
    role().await.unwrap();
    lag().await;
    bench.pats.update(id).remove_role("reader").await.unwrap();
    role().await.unwrap();
    store.catch_up();
    assert!(bench.verify(&issued).await.unwrap().has_role("reader"));

    // The rotation that is asked for again was done, and another one since.
    let made = bench.pats.generate_as(id).unwrap();
    let rotate = || bench.pats.rotate(id).to(made.hash.clone()).overlap(MINUTE);
    rotate().await.unwrap();
    lag().await;
    bench.pats.rotate(id).overlap(MINUTE).await.unwrap();
    assert_eq!(rotate().await, Err(PatError::RotatedOut));
}

/// Who prepared a file chose what is damaged in it, and a guess decides which part is read.
#[tokio::test]
async fn a_damaged_database_uses_up_attempts_and_an_outage_none() {
    for (fault, counts) in [(Fault::Corrupt, true), (Fault::Before, false)] {
        let store = Faulty::over(MemoryStore::new(), &[fault; 30], u64::MAX);
        let keys = KeyRing::new(Key::generate());
        let pats = PersonalAccessTokens::open(store.clone(), &keys).await;
        let pats = pats.unwrap();
        let issued = pats.issue(ADA).await.unwrap();
        let wrong = super::with_wrong_secret(&pats, &issued).await;
        store.fail_from(1);
        for _ in 0..10 {
            let failed = pats.verify(&wrong).await.unwrap_err();
            assert_eq!(failed.public(), PublicError::Unavailable, "{failed:?}");
            assert_eq!(failed.code(), "unavailable");
        }
        store.heal();
        let refused = pats.verify(&wrong).await;
        let is_closed = matches!(
            refused,
            Err(VerifyError::Failed(PatError::Service(
                ServiceError::TooManyAttempts { .. }
            )))
        );
        assert_eq!(is_closed, counts, "{fault:?}: {refused:?}");
        // A right secret of ours is taken all the same.
        assert!(pats.verify(issued.token.expose()).await.is_ok());
    }
}
