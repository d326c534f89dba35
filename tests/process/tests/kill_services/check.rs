//! Checks the database after the writers were killed.

use std::collections::{BTreeSet, HashSet};

use sealtoken::pat::{Reason, VerifyError};
use sealtoken::vault::{ValueId, Vault, VaultError};
use sealtoken::{Page, State};

use crate::model::{Namespace, Pat, PatState, ValueState, World};
use crate::writer::{Services, content};

/// Checks everything a writer did, except on the shared token.
pub(crate) async fn check(world: &World, services: &Services) {
    for space in &world.spaces {
        check_space(world, space, &services.vault).await;
    }
    for pat in &world.pats {
        check_pat(pat, services).await;
    }
    let mut listed = 0;
    let mut list = services.pats.list().owner(world.owner()).stream();
    while let Some(record) = list.next().await {
        let id = record.expect("it is whole").id.to_string();
        let told = world.pats.iter().find(|pat| pat.id == id);
        assert!(told.is_none_or(|pat| pat.may_be.iter().any(|is| !is.is_gone)));
        listed += usize::from(told.is_none());
    }
    assert!(
        listed <= world.unreported,
        "{listed} tokens that no writer reported"
    );
}

async fn check_space(world: &World, space: &Namespace, vault: &Vault) {
    let who = &space.name;
    let vault = vault.namespace(who).expect("a name");
    let mut unlocked = Vec::new();
    for number in &space.passwords {
        match vault.unlock(world.password(*number)).await {
            Ok(one) => unlocked.push(one),
            Err(VaultError::InvalidPassword) => {}
            Err(error) => panic!("{who}: {error:?}"),
        }
    }
    let mut there = HashSet::new();
    assert!(
        unlocked.len() == 1 || (unlocked.is_empty() && !space.is_protected),
        "{who}: the values must have exactly one password"
    );
    for value in &space.values {
        let Some(unlocked) = unlocked.first() else {
            break;
        };
        let may_be = &value.may_be;
        let fits: &dyn Fn(&ValueState) -> bool = match unlocked.read(&value.token).await {
            Ok(read) => {
                there.insert(id(&vault, &value.token).await);
                &move |kept| {
                    matches!(kept, ValueState::Live(number)
                        if read.expose() == content(*number).as_bytes())
                }
            }
            Err(VaultError::Deleted) => {
                there.insert(id(&vault, &value.token).await);
                &|kept| matches!(kept, ValueState::Hidden(_))
            }
            Err(VaultError::NotFound) => &|kept| *kept == ValueState::Gone,
            Err(error) => panic!(
                "{who}: {}: {error:?}, expected one of {may_be:?}",
                value.token
            ),
        };
        assert!(
            may_be.iter().any(fits),
            "{who}: {} is in none of the states {may_be:?}",
            value.token
        );
    }
    let listed = list(&vault).await;
    let ids: HashSet<ValueId> = listed
        .iter()
        .map(|shown| *shown.as_ref().expect("no row of this namespace was broken"))
        .collect();
    assert_eq!(ids.len(), listed.len(), "{who}: a list shows a value twice");
    assert!(there.is_subset(&ids), "{who}: a list lacks a value");
    // The password's entry comes with the first value, and stays when that is removed.
    assert!(
        space.is_protected || unlocked.is_empty() == ids.is_empty(),
        "{who}: {} entries and {} values of {space:?}",
        unlocked.len(),
        ids.len()
    );
    let unreported = ids.len() - there.len();
    assert!(
        space.unreported.contains(&unreported),
        "{who}: {unreported} unreported values, {:?}, {} unlocked, {space:?}",
        ids.difference(&there).collect::<Vec<_>>(),
        unlocked.len()
    );
}

async fn id(vault: &Vault, token: &str) -> ValueId {
    vault.get(token).await.expect("it is there").id
}

/// Lists all values: the id of each, or its error.
pub(crate) async fn list(vault: &Vault) -> Vec<Result<ValueId, VaultError>> {
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let list = vault
            .list()
            .with(State::Deleted)
            .with(State::Expired)
            .limit(50);
        let Page { entries, next, .. } = list.after(after).await.expect("it lists");
        listed.extend(entries.into_iter().map(|entry| entry.map(|info| info.id)));
        after = next;
        if after.is_none() {
            return listed;
        }
    }
}

async fn check_pat(pat: &Pat, services: &Services) {
    let mut said: Vec<Result<BTreeSet<String>, Reason>> = Vec::new();
    for text in &pat.texts {
        said.push(match services.pats.verify(text).await {
            Ok(record) => Ok(record.roles.iter().map(|role| role.to_string()).collect()),
            Err(VerifyError::Refused(reason)) => Err(reason),
            Err(error) => panic!("{}: {error:?}", pat.id),
        });
    }
    let explains = |standing: &PatState| {
        said.iter().enumerate().all(|(at, said)| match said {
            Err(Reason::NotFound) => standing.is_gone,
            _ if standing.is_gone => false,
            Err(Reason::InvalidSecret) => standing.good != Some(at),
            _ if standing.good != Some(at) => false,
            Err(Reason::Revoked) => standing.is_revoked,
            Ok(roles) => !standing.is_revoked && *roles == standing.roles,
            Err(_) => false,
        })
    };
    assert!(
        pat.may_be.iter().any(explains),
        "{}: {said:?} matches none of {:?}",
        pat.id,
        pat.may_be
    );
}
