//! Many at once: one winner, and nothing lost.

use std::collections::BTreeSet;
use std::time::Duration;

use sealtoken::pat::{PatError, PersonalAccessTokens, Reason, VerifyError};
use tokio::task::JoinSet;

use super::{ADA, Bench};
use crate::engine::{Engine, on_every_engine};

on_every_engine! {
    of_32_who_give_and_take_roles_none_undoes_another,
    of_60_who_give_a_role_50_do,
    of_16_who_issue_one_id_one_does,
    of_16_who_bootstrap_one_is_the_first_admin,
    a_revocation_is_never_undone_by_a_use,
    of_8_rotations_the_two_last_secrets_are_good,
    a_token_that_is_changed_all_the_time_is_verified,
    of_16_who_open_a_new_store_all_have_one_keyset,
}

async fn all<T: Send + 'static>(tasks: JoinSet<T>) -> Vec<T> {
    tasks.join_all().await
}

async fn of_32_who_give_and_take_roles_none_undoes_another(engine: Engine) {
    let bench = Bench::on(engine).await;
    let old = (0..16).map(|n| format!("old {n}"));
    let id = bench.issue(ADA).roles(old).await.unwrap().record.id;
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let pats = bench.pats.clone();
        tasks.spawn(async move {
            let update = pats.update(id);
            let update = if n < 16 {
                update.remove_role(format!("old {n}"))
            } else {
                update.add_role(format!("new {n}"))
            };
            update.await.unwrap()
        });
    }
    let seen = all(tasks).await;
    assert!(seen.iter().all(|record| record.roles.len() <= 50));
    let roles = bench.pats.get(id).await.unwrap().roles;
    let expected: Vec<String> = (16..32).map(|n| format!("new {n}")).collect();
    assert_eq!(roles, expected);
    for role in expected {
        assert_eq!(bench.pats.list().role(role).count().await, Ok(1));
    }
}

async fn of_60_who_give_a_role_50_do(engine: Engine) {
    let bench = Bench::on(engine).await;
    let id = bench.issue(ADA).await.unwrap().record.id;
    let mut tasks = JoinSet::new();
    for n in 0..60 {
        let pats = bench.pats.clone();
        tasks.spawn(async move {
            let role = format!("role {n}");
            let updated = pats.update(id).add_role(&role).await;
            (role, updated.map(|_| ()))
        });
    }
    let results = all(tasks).await;
    let given = results.iter().filter(|(_, result)| result.is_ok());
    let given: BTreeSet<String> = given.map(|(role, _)| role.clone()).collect();
    assert_eq!(given.len(), 50);
    let refused = results
        .iter()
        .filter(|(_, result)| *result == Err(PatError::TooManyRoles));
    assert_eq!(refused.count(), 10);
    let roles = bench.pats.get(id).await.unwrap().roles;
    assert!(roles.iter().eq(&given), "{roles:?}");
}

async fn of_16_who_issue_one_id_one_does(engine: Engine) {
    let bench = Bench::on(engine).await;
    let id = bench.pats.generate().unwrap().id;
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let pats = bench.pats.clone();
        tasks.spawn(async move { pats.issue(ADA).id(id).name(format!("{n}")).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) = all(tasks).await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    let exists = |result: &Result<_, _>| matches!(result, Err(PatError::AlreadyExists));
    assert!(lost.iter().all(exists));
    let winner = won.into_iter().next().unwrap().unwrap();
    assert_eq!(bench.pats.get(id).await.as_ref(), Ok(&winner.record));
    assert!(bench.verify(&winner).await.is_ok());
}

async fn of_16_who_bootstrap_one_is_the_first_admin(engine: Engine) {
    let bench = Bench::on(engine).await;
    let generated = bench.pats.generate().unwrap();
    let options = || PersonalAccessTokens::options().bootstrap(generated.hash.clone());
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let pats = bench.again(options()).await;
        let text = generated.token.expose().to_owned();
        tasks.spawn(async move { pats.bootstrap(&text, &format!("root {n}")).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) = all(tasks).await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    let late = |result: &Result<_, _>| *result == Err(VerifyError::Refused(Reason::NotFound));
    assert!(lost.iter().all(late), "{lost:?}");
    let winner = won.into_iter().next().unwrap().unwrap();
    assert!(winner.admin);
    let verified = bench.pats.verify(generated.token.expose()).await.unwrap();
    assert_eq!((verified.owner, verified.admin), (winner.owner, true));
    assert_eq!(bench.pats.list().count().await, Ok(1));
}

async fn a_revocation_is_never_undone_by_a_use(engine: Engine) {
    let options = PersonalAccessTokens::options().last_used_every(Duration::ZERO);
    let bench = Bench::with(engine, options).await;
    for _ in 0..4 {
        let issued = bench.issue(ADA).await.unwrap();
        let id = issued.record.id;
        let mut tasks = JoinSet::new();
        for n in 0..8 {
            let (pats, text) = (bench.pats.clone(), issued.token.clone());
            tasks.spawn(async move {
                if n == 4 {
                    pats.revoke(id).await.unwrap();
                }
                match pats.verify(text.expose()).await {
                    Ok(_) => n != 4,
                    Err(error) => error == VerifyError::Refused(Reason::Revoked),
                }
            });
        }
        assert!(all(tasks).await.into_iter().all(|fits| fits));
        assert_eq!(bench.reason(&issued).await, Some(Reason::Revoked));
        assert!(bench.pats.get(id).await.unwrap().revoked_at.is_some());
    }
}

async fn of_8_rotations_the_two_last_secrets_are_good(engine: Engine) {
    let bench = Bench::on(engine).await;
    let first = bench.issue(ADA).await.unwrap();
    let id = first.record.id;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let pats = bench.pats.clone();
        tasks.spawn(async move {
            pats.rotate(id)
                .overlap(Duration::from_secs(60))
                .await
                .unwrap()
        });
    }
    let mut good = 0;
    let current = bench.pats.get_with_hash(id);
    let rotated = all(tasks).await;
    let current = current.await.unwrap().hash.unwrap();
    for issued in &rotated {
        match bench.reason(issued).await {
            None => good += 1,
            Some(reason) => assert_eq!(reason, Reason::InvalidSecret),
        }
    }
    assert_eq!(good, 2);
    assert_eq!(bench.reason(&first).await, Some(Reason::InvalidSecret));
    let last = rotated.iter().find(|issued| issued.hash == current);
    assert_eq!(bench.reason(last.unwrap()).await, None);
}

async fn a_token_that_is_changed_all_the_time_is_verified(engine: Engine) {
    let options = PersonalAccessTokens::options().last_used_every(Duration::ZERO);
    let bench = Bench::with(engine, options).await;
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let pats = bench.pats.clone();
        tasks.spawn(async move {
            for n in 0..6 {
                pats.update(id).name(format!("{task} {n}")).await.unwrap();
            }
        });
    }
    for _ in 0..4 {
        let (pats, text) = (bench.pats.clone(), issued.token.clone());
        tasks.spawn(async move {
            for _ in 0..12 {
                assert_eq!(pats.verify(text.expose()).await.unwrap().id, id);
            }
        });
    }
    all(tasks).await;
}

async fn of_16_who_open_a_new_store_all_have_one_keyset(engine: Engine) {
    let keys = sealtoken::KeyRing::new(sealtoken::Key::generate());
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (store, keys) = (engine.store.clone(), keys.clone());
        tasks.spawn(async move {
            let pats = PersonalAccessTokens::open(store, &keys).await.unwrap();
            let issued = pats.issue(ADA).await.unwrap();
            (pats, issued)
        });
    }
    let opened = all(tasks).await;
    for (pats, _) in &opened {
        for (_, issued) in &opened {
            assert!(pats.verify(issued.token.expose()).await.is_ok());
        }
    }
}

/// On memory and two threads, in earnest.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_threads_of_their_own_it_is_the_same() {
    of_32_who_give_and_take_roles_none_undoes_another(Engine::memory()).await;
    of_60_who_give_a_role_50_do(Engine::memory()).await;
    of_16_who_issue_one_id_one_does(Engine::memory()).await;
    of_16_who_bootstrap_one_is_the_first_admin(Engine::memory()).await;
    a_revocation_is_never_undone_by_a_use(Engine::memory()).await;
    of_8_rotations_the_two_last_secrets_are_good(Engine::memory()).await;
    a_token_that_is_changed_all_the_time_is_verified(Engine::memory()).await;
}
