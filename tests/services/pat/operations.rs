//! What is changed about a token, and what is looked up.

use sealtoken::ServiceError;
use sealtoken::pat::{Origin, PatError, PatRecord, PersonalAccessTokens, Reason, Update};
use sealtoken::{Key, KeyRing, Lifetime};

use super::{ADA, Bench, NOW, at, reason};
use crate::engine::{Engine, on_every_engine};

on_every_engine! {
    each_field_is_changed_alone,
    a_change_of_nothing_leaves_all_as_it_was,
    a_revoked_and_an_expired_token_can_be_changed,
    another_hash_takes_the_place_of_the_secret,
    tokens_are_got_by_their_ids_in_their_order,
    every_token_outlives_the_key_of_the_ring,
}

async fn each_field_is_changed_alone(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench.issue(ADA).roles(["a", "b"]).name("n").await.unwrap();
    let id = issued.record.id;
    let mut expected = issued.record.clone();
    type Change = fn(&mut PatRecord);
    type Edit = for<'a> fn(Update<'a>) -> Update<'a>;
    let updates: [(Edit, Change); 14] = [
        (|update| update.owner("grace"), |r| r.owner = "grace".into()),
        (|update| update.admin(true), |r| r.admin = true),
        (|update| update.admin(false), |r| r.admin = false),
        (
            |update| update.add_role("c").add_role("a"),
            |r| {
                r.roles.push("c".into());
            },
        ),
        (
            |update| update.remove_role("a").remove_role("x"),
            |r| {
                r.roles.retain(|role| role != "a");
            },
        ),
        (
            |update| update.roles(["z", "y"]),
            |r| {
                r.roles = ["y".into(), "z".into()].into();
            },
        ),
        (
            |update| update.roles(Vec::<String>::new()),
            |r| r.roles.clear(),
        ),
        (
            |update| update.scopes(["s"]),
            |r| r.scopes = ["s".into()].into(),
        ),
        (|update| update.name("m"), |r| r.name = Some("m".into())),
        (|update| update.clear_name(), |r| r.name = None),
        (
            |update| update.metadata([("k", "v")]),
            |r| {
                r.metadata = [("k".into(), "v".into())].into();
            },
        ),
        (
            |update| update.expires(at(NOW + 1000)),
            |r| {
                r.expires_at = Some(at(NOW + 1000));
            },
        ),
        (
            |update| update.expires(at(NOW + 2000)),
            |r| {
                r.expires_at = Some(at(NOW + 2000));
            },
        ),
        (
            |update| update.expires(sealtoken::Expiry::Never),
            |r| r.expires_at = None,
        ),
    ];
    for (number, (update, change)) in updates.into_iter().enumerate() {
        bench.clock.advance(1);
        change(&mut expected);
        expected.updated_at = at(NOW + 1 + i64::try_from(number).unwrap());
        let updated = update(bench.pats.update(id)).await;
        assert_eq!(updated.as_ref(), Ok(&expected), "{number}");
        assert_eq!(bench.pats.get(id).await, updated, "{number}");
    }
    assert!(bench.verify(&issued).await.is_ok());
    // The last word on a role is the one that counts.
    assert!(
        !bench
            .pats
            .update(id)
            .add_role("r")
            .remove_role("r")
            .await
            .unwrap()
            .has_role("r")
    );
    assert!(
        bench
            .pats
            .update(id)
            .remove_role("r")
            .add_role("r")
            .await
            .unwrap()
            .has_role("r")
    );
}

async fn a_change_of_nothing_leaves_all_as_it_was(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench
        .issue(ADA)
        .role("a")
        .expires(at(NOW + 9))
        .await
        .unwrap();
    let id = issued.record.id;
    // It is written all the same, but nothing else shows that.
    let seen = async || {
        let records = bench.records().await.into_iter();
        let seen = records.map(|one| (one.key, one.labels, one.purge_at, one.body.len()));
        seen.collect::<Vec<_>>()
    };
    let (before, known) = (seen().await, bench.pats.get_with_hash(id).await.unwrap());
    bench.clock.advance(5);
    for update in [
        bench.pats.update(id),
        bench
            .pats
            .update(id)
            .owner("ada@example.com")
            .admin(false)
            .roles(["a"]),
        bench
            .pats
            .update(id)
            .add_role("a")
            .remove_role("b")
            .clear_name(),
        bench.pats.update(id).expires(at(NOW + 9)),
        bench.pats.update(id).expires(Lifetime::seconds(4)),
    ] {
        let updated = update.await.unwrap();
        assert_eq!(updated, issued.record);
    }
    bench.pats.restore(id).await.unwrap();
    assert_eq!(seen().await, before);
    assert_eq!(bench.pats.get_with_hash(id).await, Ok(known));
}

async fn a_revoked_and_an_expired_token_can_be_changed(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench
        .issue(ADA)
        .expires(Lifetime::seconds(5))
        .await
        .unwrap();
    let id = issued.record.id;
    bench.clock.advance(5);
    bench.pats.revoke(id).await.unwrap();
    assert!(
        bench
            .pats
            .update(id)
            .add_role("r")
            .await
            .unwrap()
            .has_role("r")
    );
    bench
        .pats
        .update(id)
        .expires(Lifetime::days(1))
        .await
        .unwrap();
    assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));
    bench.pats.restore(id).await.unwrap();
    assert_eq!(bench.reason(&issued).await, None);
}

async fn another_hash_takes_the_place_of_the_secret(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;
    // Within an overlap, too: the one before the rotation is gone with the rest.
    let hour = std::time::Duration::from_secs(3600);
    let rotated = bench.pats.rotate(id).overlap(hour).await.unwrap();
    let generated = bench.pats.generate_as(id).unwrap();
    let updated = bench
        .pats
        .update(id)
        .hash(generated.hash.clone())
        .await
        .unwrap();
    assert_eq!(
        (updated.origin, updated.previous_secret_expires_at),
        (Origin::Registered, None)
    );
    for old in [&issued, &rotated] {
        assert_eq!(bench.reason(old).await, Some(Reason::InvalidSecret));
    }
    let text = generated.token.expose();
    assert!(bench.pats.verify(text).await.is_ok());
    let stored = bench.pats.get_with_hash(id).await.unwrap();
    assert_eq!(stored.hash, Some(generated.hash));
    // A hash that belongs to another id fits no token of this one.
    let other = bench.pats.generate().unwrap();
    bench.pats.update(id).hash(other.hash).await.unwrap();
    let verified = bench.pats.verify(other.token.expose()).await;
    assert_eq!(reason(verified), Some(Reason::NotFound));
    assert_eq!(
        reason(bench.pats.verify(text).await),
        Some(Reason::InvalidSecret)
    );
}

async fn tokens_are_got_by_their_ids_in_their_order(engine: Engine) {
    let bench = Bench::on(engine).await;
    let mut ids = Vec::new();
    for n in 0..7 {
        let issued = bench.issue(ADA).name(format!("{n}")).await.unwrap();
        ids.push(issued.record.id);
    }
    let unknown = bench.pats.generate().unwrap().id;
    bench.pats.revoke(ids[3]).await.unwrap();
    // More than are read at a time; some twice, some unknown.
    let asked: Vec<usize> = (0..250).map(|n| (n * 5 + n / 9) % 8).collect();
    let all: Vec<_> = asked
        .iter()
        .map(|n| *ids.get(*n).unwrap_or(&unknown))
        .collect();
    let found = bench.pats.get_many(&all).await.unwrap();
    assert_eq!(found.len(), 250);
    for (n, found) in asked.into_iter().zip(found) {
        let name = found.map(|record| record.unwrap().name.unwrap());
        assert_eq!(name, (n < 7).then(|| n.to_string()));
    }
    assert_eq!(bench.pats.get_many(&[]).await, Ok(Vec::new()));
    assert_eq!(
        bench.pats.get(unknown).await.err(),
        Some(PatError::NotFound)
    );
    assert_eq!(bench.pats.list().count().await, Ok(7));
    let hashed = bench.pats.get_many(&ids).await.unwrap();
    assert!(
        hashed
            .into_iter()
            .all(|one| one.unwrap().unwrap().hash.is_none())
    );
}

async fn every_token_outlives_the_key_of_the_ring(engine: Engine) {
    let bench = Bench::on(engine).await;
    let issued = bench.issue(ADA).await.unwrap();
    let generated = bench.pats.generate().unwrap();
    let new = Key::generate();
    let both = KeyRing::new(new.clone())
        .with_retired(bench.old.clone())
        .unwrap();
    bench.keys.replace(&both).unwrap();
    bench.pats.rewrap().await.unwrap();
    bench.keys.replace(&KeyRing::new(new.clone())).unwrap();
    // A hash that was handed out before is still valid after it.
    let register = bench.pats.register(generated.id, generated.hash, ADA);
    register.await.unwrap();
    let alone = KeyRing::new(new.clone());
    let fresh = PersonalAccessTokens::open(bench.store.clone(), &alone)
        .await
        .unwrap();
    let late = fresh.issue(ADA).await.unwrap();
    for text in [
        issued.token.expose(),
        generated.token.expose(),
        late.token.expose(),
    ] {
        assert!(fresh.verify(text).await.is_ok());
        assert!(bench.pats.verify(text).await.is_ok());
    }
    assert_eq!(fresh.list().owner("ada@example.com").count().await, Ok(3));
    // The old key alone opens nothing any more.
    let old = KeyRing::new(bench.old.clone());
    let opened = PersonalAccessTokens::open(bench.store.clone(), &old).await;
    assert!(matches!(
        opened,
        Err(PatError::Service(ServiceError::UnknownKey(_)))
    ));

    // To open it is enough, where both keys are in the ring.
    let third = Key::generate();
    let both = KeyRing::new(third.clone()).with_retired(new).unwrap();
    PersonalAccessTokens::open(bench.store.clone(), &both)
        .await
        .unwrap();
    let third = KeyRing::new(third);
    let fresh = PersonalAccessTokens::open(bench.store.clone(), &third)
        .await
        .unwrap();
    assert!(fresh.verify(issued.token.expose()).await.is_ok());
}
