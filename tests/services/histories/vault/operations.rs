//! The operations of the vault that histories consist of.

use std::time::Duration;

use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Lifetime, State};

use super::{EXPIRED, FREE, HIDDEN, OPEN, Op, TOKENS, facts_of, gave, shown};
use crate::histories::{Answer, answer, done, gone, op, says};

pub(super) fn operations() -> Vec<Op> {
    vec![
        op("create", |vault: Vault| async move {
            answer(vault.create("drawn").label("l").await, |token| {
                gave(vec![Ok(token)])
            })
        }),
        op("create this one", |vault: Vault| async move {
            done(vault.create("new").token(FREE).await)
        }),
        op("create one of many", |vault: Vault| async move {
            let namespace = vault.namespace("another").unwrap();
            answer(namespace.create("elsewhere").await, |token| {
                Answer::told(format!("{}", token.expose().len()))
            })
        }),
        op("create many", |vault: Vault| async move {
            answer(vault.create_many(["x", "y", "z"]).await, gave)
        }),
        op("update", |vault: Vault| async move {
            done(vault.update(OPEN, "4").await)
        }),
        op("update with an expiry", |vault: Vault| async move {
            done(vault.update(OPEN, "5").expires(Lifetime::hours(1)).await)
        }),
        op("upsert an existing one", |vault: Vault| async move {
            done(vault.upsert(OPEN, "6").await)
        }),
        op("upsert a missing one", |vault: Vault| async move {
            done(vault.upsert(FREE, "7").await)
        }),
        op("renew", |vault: Vault| async move {
            done(vault.renew(OPEN).expires(Lifetime::hours(2)).await)
        }),
        op("renew what has expired", |vault: Vault| async move {
            done(
                vault
                    .renew(EXPIRED)
                    .expires(Lifetime::hours(2))
                    .even_expired()
                    .await,
            )
        }),
        op("soft delete", |vault: Vault| async move {
            done(vault.soft_delete(OPEN).await)
        }),
        op("restore", |vault: Vault| async move {
            done(vault.restore(HIDDEN).await)
        }),
        op("restore this one", |vault: Vault| async move {
            done(vault.restore(OPEN).await)
        }),
        op("delete", |vault: Vault| async move {
            gone(vault.delete(OPEN).await)
        }),
        op("delete what is soft-deleted", |vault: Vault| async move {
            gone(vault.delete(HIDDEN).await)
        }),
        op("delete the new one", |vault: Vault| async move {
            gone(vault.delete(FREE).await)
        }),
        op("roll back", |vault: Vault| async move {
            says(
                vault
                    .roll_back(OPEN, 2)
                    .await
                    .map(|value| value.expose().to_vec()),
            )
        }),
        op("prune", |vault: Vault| async move {
            says(vault.prune_versions(OPEN, 1).await)
        }),
        op("soft delete expired", |vault: Vault| async move {
            says(vault.soft_delete_expired().await)
        }),
        // The count of a purge is not compared: after a lost reply, a missing value counts as
        // removed, whoever removed it.
        op("purge expired", |vault: Vault| async move {
            done(vault.purge_expired().await)
        }),
        op("purge deleted", |vault: Vault| async move {
            done(vault.purge_deleted(Duration::ZERO).await)
        }),
        op("rewrap", |vault: Vault| async move {
            done(vault.rewrap().await)
        }),
        op("read", |vault: Vault| async move {
            says(vault.read(OPEN).await.map(|value| value.expose().to_vec()))
        }),
        op("read many", |vault: Vault| async move {
            let many = vault.read_many(TOKENS).await;
            let value = |one: Result<_, VaultError>| {
                shown(one.map(|one: sealtoken::vault::SecretBytes| one.expose().to_vec()))
            };
            says(many.map(|many| many.into_iter().map(value).collect::<Vec<_>>()))
        }),
        // Earlier ones are read later, as far as they are kept.
        op("versions", |vault: Vault| async move {
            says(
                vault
                    .versions(OPEN)
                    .await
                    .map(|all| all.first().map(|one| one.number)),
            )
        }),
        op("read a version", |vault: Vault| async move {
            says(
                vault
                    .read(OPEN)
                    .version(2)
                    .await
                    .map(|value| value.expose().to_vec()),
            )
        }),
        op("exists", |vault: Vault| async move {
            says(vault.exists(OPEN).await)
        }),
        op("get", |vault: Vault| async move {
            says(
                vault
                    .get(OPEN)
                    .await
                    .map(|info| (info.state, info.version, info.expires_at)),
            )
        }),
        op("list", |vault: Vault| async move {
            says(vault.list().with(State::Expired).await.map(|page| {
                let entries = page.entries.into_iter();
                let mut entries: Vec<_> = entries.map(|entry| shown(entry.map(facts_of))).collect();
                entries.sort_unstable();
                entries
            }))
        }),
        op("count", |vault: Vault| async move {
            says(vault.list().count().await)
        }),
        op("import", |vault: Vault| async move {
            let value = import::value(FREE);
            answer(vault.import([value]).await, |mut taken| {
                let taken = taken
                    .remove(0)
                    .map(|_| ())
                    .map_err(|failure| failure.code());
                Answer::told(format!("{taken:?}"))
            })
        }),
    ]
}

mod import {
    use sealtoken::vault::ForeignValue;
    use sealtoken_import::{Vaultstore, VaultstoreError};

    /// A value as the other system stores it, in the format that is quick to read.
    pub(super) fn value(token: &str) -> ForeignValue<VaultstoreError> {
        let vectors = include_str!("../../../vectors/vaultstore.json");
        let line = vectors
            .lines()
            .find(|line| line.contains("\"v1: one byte\""))
            .unwrap();
        let vector: serde_json::Value = serde_json::from_str(line.trim_end_matches(',')).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        Vaultstore::v1(text("password")).value(token, text("stored"), None)
    }
}
