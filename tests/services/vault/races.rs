//! Races: one winner, and nothing is lost.

use std::collections::HashSet;

use sealtoken::Lifetime;
use sealtoken::vault::{Argon2Cost, Vault, VaultError};
use tokio::task::JoinSet;

use super::{Bench, RIGHT, at_once};
use crate::engine::Engine;

crate::engine::on_every_engine! {
    of_32_creators_of_one_token_one_wins,
    of_32_updaters_each_has_its_turn,
    of_32_first_values_under_a_new_password_none_is_lost,
    what_is_created_while_passwords_change_is_never_lost,
    a_value_that_is_renewed_during_a_purge_stays,
    of_two_vaults_that_are_made_at_once_both_are_one,
    a_cost_that_another_process_raised_refuses_nobody,
}

async fn of_32_creators_of_one_token_one_wins(engine: Engine) {
    let bench = Bench::on(engine).await;
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let vault = bench.vault.clone();
        tasks.spawn(async move {
            let created = vault
                .create(format!("{n}"))
                .token("wanted-by-everyone")
                .await;
            (n, created.map(|_| ()))
        });
    }
    let mut winners = Vec::new();
    while let Some(result) = tasks.join_next().await {
        match result.unwrap() {
            (n, Ok(())) => winners.push(n),
            (_, Err(error)) => assert_eq!(error, VaultError::AlreadyExists),
        }
    }
    assert_eq!(winners.len(), 1);
    let value = bench.vault.read("wanted-by-everyone").await.unwrap();
    assert_eq!(value.expose_str(), Ok(winners[0].to_string().as_str()));
}

async fn of_32_updaters_each_has_its_turn(engine: Engine) {
    let bench = Bench::with(engine, Vault::options().keep_versions(16)).await;
    let id = bench.vault.create("first").await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let (vault, id) = (bench.vault.clone(), id.clone());
        tasks.spawn(async move { vault.update(&id, format!("{n}")).await });
    }
    while let Some(result) = tasks.join_next().await {
        assert_eq!(result.unwrap(), Ok(()));
    }
    let info = bench.vault.get(&id).await.unwrap();
    assert_eq!((info.version, info.earlier_versions), (33, 16));
    let mut seen = HashSet::new();
    for version in bench.vault.versions(&id).await.unwrap() {
        let value = bench.vault.read(&id).version(version.number).await.unwrap();
        assert!(seen.insert(value.expose().to_vec()));
    }
    assert_eq!(seen.len(), 17);
}

async fn of_32_first_values_under_a_new_password_none_is_lost(engine: Engine) {
    let bench = Bench::on(engine).await;
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let vault = bench.vault.clone();
        tasks.spawn(async move {
            (
                n,
                vault.create(format!("{n}")).password(RIGHT).await.unwrap(),
            )
        });
    }
    let mut all = Vec::new();
    while let Some(result) = tasks.join_next().await {
        all.push(result.unwrap());
    }
    let read = bench
        .vault
        .read_many(all.iter().map(|(_, id)| id))
        .password(RIGHT)
        .await
        .unwrap();
    for ((n, _), value) in all.iter().zip(read) {
        assert_eq!(value.unwrap().expose_str(), Ok(n.to_string().as_str()));
    }
    assert_eq!(bench.vault.rekey(RIGHT, "a new password").await, Ok(32));
}

async fn what_is_created_while_passwords_change_is_never_lost(engine: Engine) {
    let bench = Bench::on(engine).await;
    let passwords = ["password one", "password two"];
    bench
        .vault
        .create("first")
        .password(passwords[0])
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..4_usize {
        let vault = bench.vault.clone();
        tasks.spawn(async move {
            let mut ids = Vec::new();
            for n in 0..4 {
                ids.push(
                    vault
                        .create("v")
                        .password(passwords[(task + n) % 2])
                        .await
                        .unwrap(),
                );
            }
            ids
        });
    }
    let vault = bench.vault.clone();
    let changer = tokio::spawn(async move {
        for n in 0..4_usize {
            // A password that protects nothing at the moment cannot be changed.
            let _ = vault.rekey(passwords[n % 2], passwords[(n + 1) % 2]).await;
        }
    });
    let mut ids = Vec::new();
    while let Some(result) = tasks.join_next().await {
        ids.extend(result.unwrap());
    }
    changer.await.unwrap();
    let mut readable = 0;
    for password in passwords {
        let read = bench
            .vault
            .read_many(&ids)
            .password(password)
            .await
            .unwrap();
        readable += read.iter().flatten().count();
        assert!(
            read.iter()
                .all(|one| matches!(one, Ok(_) | Err(VaultError::InvalidPassword)))
        );
    }
    assert_eq!(readable, ids.len());
}

async fn a_value_that_is_renewed_during_a_purge_stays(engine: Engine) {
    let bench = Bench::with(engine, at_once()).await;
    let vault = &bench.vault;
    let mut ids = Vec::new();
    for created in vault
        .create_many(["v"; 60])
        .expires(Lifetime::seconds(1))
        .await
        .unwrap()
    {
        ids.push(created.unwrap());
    }
    bench.clock.advance(1);
    let mut tasks = JoinSet::new();
    for id in ids.clone() {
        let vault = vault.clone();
        tasks.spawn(async move {
            let renewed = vault
                .renew(&id)
                .expires(Lifetime::hours(1))
                .even_expired()
                .await;
            (id, renewed)
        });
    }
    let purger = vault.clone();
    let tally = tokio::spawn(async move { purger.purge_expired().await.unwrap() });
    let (mut lives, mut gone) = (0, 0);
    while let Some(result) = tasks.join_next().await {
        match result.unwrap() {
            (id, Ok(())) => {
                assert!(vault.read(&id).await.is_ok());
                lives += 1;
            }
            (_, Err(error)) => {
                assert_eq!(error, VaultError::NotFound);
                gone += 1;
            }
        }
    }
    assert_eq!(tally.await.unwrap().count, gone);
    assert_eq!(lives + gone, 60);
}

async fn of_two_vaults_that_are_made_at_once_both_are_one(engine: Engine) {
    let keys = sealtoken::KeyRing::new(sealtoken::Key::generate());
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (store, keys) = (engine.store.clone(), keys.clone());
        tasks.spawn(async move {
            let vault = Vault::open(store, &keys).await.unwrap();
            let ada = vault.namespace("ada").unwrap();
            let id = ada.create("v").await.unwrap();
            (ada, id)
        });
    }
    let mut all = Vec::new();
    while let Some(result) = tasks.join_next().await {
        all.push(result.unwrap());
    }
    for (vault, _) in &all {
        for (_, id) in &all {
            assert!(vault.read(id).await.is_ok());
        }
    }
}

async fn a_cost_that_another_process_raised_refuses_nobody(engine: Engine) {
    let bench = Bench::on(engine).await;
    let id = bench.vault.create("v").password(RIGHT).await.unwrap();
    let stronger = Argon2Cost::new(20, 2, 1).unwrap();
    let other = bench
        .again(Vault::options().argon2_cost(stronger))
        .await
        .unwrap();
    // The entry moves to a cost that the first process does not know yet.
    assert!(other.read(&id).password(RIGHT).await.is_ok());
    other.flush().await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (vault, id) = (bench.vault.clone(), id.clone());
        tasks.spawn(async move { vault.read(&id).password(RIGHT).await.is_ok() });
    }
    while let Some(read) = tasks.join_next().await {
        assert!(read.unwrap());
    }
}
