//! Processes that share a database run all operations of the vault and of personal access tokens,
//! and are killed at random moments while an outsider corrupts rows. Every acknowledged operation
//! must hold, and none may be half done.
//!
//! `SEALTOKEN_KILLS` sets the number of kills; the default is 9. `SEALTOKEN_TEST_POSTGRES` names a
//! PostgreSQL server, on which the processes work behind a proxy that refuses some transactions and
//! cuts connections.

mod check;
mod engine;
mod model;
#[cfg(feature = "postgres")]
mod postgres;
mod writer;

use std::path::Path;
use std::thread;
use std::time::Duration;

use sealtoken::ServiceError;
use sealtoken::pat::{PatError, PatId};
use sealtoken::vault::VaultError;
use sealtoken::{Key, KeyRing};
use sealtoken_process_tests::kill::{self, Running};
use tokio::runtime::{Builder, Runtime};

use check::{check, list};
use engine::{Outsider, TOKENS, VALUES};
use model::{Answer, Dice, Outcome, World};
use writer::{Services, first_ring};

/// How many processes write at once.
const WRITERS: usize = 3;

/// A database, with the paths to it: the writers' and a direct one.
struct Scene<'a> {
    engine: &'a str,
    writers: &'a str,
    direct: &'a str,
    outsider: Outsider,
    runtime: Runtime,
}

fn runtime() -> Runtime {
    let mut runtime = Builder::new_multi_thread();
    runtime
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

impl Scene<'_> {
    /// Starts writers until `kills` of them were killed, and checks the database after each round.
    fn play(&self, kills: usize) {
        let runtime = &self.runtime;
        let mut services = runtime.block_on(self.services(&first_ring()));
        let shared = services.pats.issue("everyone").into_future();
        let shared = runtime.block_on(shared).expect("it issues");
        let mut worlds: Vec<World> = Vec::new();
        let mut dice = Dice(9);
        while worlds.len() < kills {
            let first = worlds.len();
            let victims = runtime.block_on(self.victims(&services));
            let writers = first..first + WRITERS.min(kills - first);
            let running: Vec<Running> = writers
                .clone()
                .map(|writer| {
                    let mode = format!("{} {writer} {}", self.engine, shared.record.id);
                    Running::start(&mode, Path::new(self.writers))
                })
                .collect();
            let mut said: Vec<_> = running.iter().map(|writer| writer.wait(2)).collect();
            runtime.block_on(self.break_rows(&victims));
            for (said, writer) in said.iter_mut().zip(running) {
                said.extend(writer.wait(dice.below(48)));
                thread::sleep(Duration::from_micros(dice.below(20_000) as u64));
                said.extend(writer.kill());
            }
            worlds.extend(
                writers
                    .zip(said)
                    .map(|(writer, said)| replay(writer, &said)),
            );
            runtime.block_on(async {
                self.settled().await;
                self.check_shared(&services, &shared.record.id, &worlds[first..])
                    .await;
                for world in &worlds[first..] {
                    check(world, &services).await;
                }
                self.clean_up(&services, &victims).await;
            });
        }
        // Everything must still hold after a rotation of the ring's key.
        let next = Key::from_bytes([8; 32]);
        let both = KeyRing::new(next.clone()).with_retired(Key::from_bytes([7; 32]));
        runtime.block_on(async {
            services = self.services(&both.expect("two keys")).await;
            services.vault.rewrap().await.expect("it seals again");
            services.pats.rewrap().await.expect("it seals again");
            services = self.services(&KeyRing::new(next)).await;
            for world in &worlds {
                check(world, &services).await;
            }
        });
        let steps: u64 = worlds.iter().map(|world| world.step).sum();
        println!("{kills} processes were killed after {steps} operations");
    }

    async fn services(&self, keys: &KeyRing) -> Services {
        let store = engine::open(self.engine, self.direct)
            .await
            .expect("it opens");
        Services::open(store, keys).await.expect("it opens")
    }

    /// Waits until the server has finished all requests of the killed processes.
    async fn settled(&self) {
        #[cfg(feature = "postgres")]
        if let Outsider::Postgres(client) = &self.outsider {
            postgres::settled(client).await;
        }
    }

    /// Creates a value and a token, and finds their rows.
    async fn victims(&self, services: &Services) -> Victims {
        let before = [
            self.outsider.ids(VALUES).await,
            self.outsider.ids(TOKENS).await,
        ];
        let vault = services.vault.namespace("victims").expect("a name");
        let value = vault.create("victim").await.expect("it creates");
        let pat = services.pats.issue("victim").await;
        let pat = pat.expect("it issues").record.id;
        let mut rows = Vec::new();
        for (collection, before) in [VALUES, TOKENS].into_iter().zip(before) {
            let after = self.outsider.ids(collection).await;
            let new = after.into_iter().find(|id| !before.contains(id));
            rows.push((collection.to_owned(), new.expect("a new row")));
        }
        Victims {
            value: value.expose().to_owned(),
            pat,
            rows,
        }
    }

    async fn break_rows(&self, victims: &Victims) {
        self.outsider.add_odd_keyset(&victims.rows[0]).await;
        for row in &victims.rows {
            self.outsider.break_labels(row).await;
        }
    }

    /// Operations over many records skip the broken ones, and the broken ones can be removed.
    async fn clean_up(&self, services: &Services, victims: &Victims) {
        let Services { vault, pats } = services;
        let rewrapped = vault.rewrap().await.expect("it goes on");
        assert!(
            rewrapped.failed > 0 && rewrapped.unchanged > 0,
            "{rewrapped:?}"
        );
        pats.rewrap().await.expect("it goes on");
        pats.purge_expired().await.expect("it goes on");
        let vault = vault.namespace("victims").expect("a name");
        vault.purge_expired().await.expect("it goes on");
        vault
            .purge_deleted(Duration::ZERO)
            .await
            .expect("it goes on");
        assert_eq!(
            list(&vault).await,
            [Err(VaultError::Service(ServiceError::Tampered))]
        );
        let mut tokens = pats.list().stream();
        let mut broken = 0;
        while let Some(token) = tokens.next().await {
            broken += usize::from(
                token.is_err_and(|error| error == PatError::Service(ServiceError::Tampered)),
            );
        }
        assert_eq!(broken, 1);
        vault.delete(&*victims.value).await.expect("it is removed");
        pats.delete(victims.pat).await.expect("it is removed");
        assert_eq!(list(&vault).await, []);
    }

    /// Checks that the shared token has exactly the roles its writers added, and clears them.
    async fn check_shared(&self, services: &Services, id: &PatId, worlds: &[World]) {
        let record = services.pats.get(*id).await.expect("it is there");
        for world in worlds {
            let shares = record.has_role(&world.own_role());
            assert!(
                world.shares.contains(&shares),
                "{}: {shares}",
                world.owner()
            );
        }
        services
            .pats
            .update(*id)
            .roles(Vec::<String>::new())
            .await
            .expect("it updates");
    }
}

/// A value and a token whose rows are to be broken.
struct Victims {
    value: String,
    pat: PatId,
    rows: Vec<engine::Location>,
}

/// Rebuilds a writer's knowledge from its acknowledgements. The operation that the kill interrupted
/// has an unknown outcome.
fn replay(writer: usize, said: &[String]) -> World {
    let mut world = World::new(writer as u64);
    for line in said {
        let op = world.next();
        let told = Answer::parse(line).unwrap_or_else(|| panic!("{op:?}: {line}"));
        world.apply(op, &told);
    }
    let last = world.next();
    let killed = Answer {
        outcome: Outcome::Unknown,
        texts: Vec::new(),
    };
    world.apply(last, &killed);
    world
}

#[test]
fn services_that_share_a_file_keep_all_acknowledged_operations() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("services.db");
    let path = file.to_str().expect("text");
    let runtime = runtime();
    drop(
        runtime
            .block_on(engine::open("sqlite", path))
            .expect("it opens"),
    );
    let scene = Scene {
        engine: "sqlite",
        writers: path,
        direct: path,
        outsider: Outsider::of_file(&file),
        runtime,
    };
    scene.play(kill::times(9));
}

#[cfg(feature = "postgres")]
#[test]
fn services_that_share_a_server_keep_all_acknowledged_operations() {
    let runtime = runtime();
    let Some((schema, proxied, client)) = runtime.block_on(postgres::start()) else {
        return;
    };
    let scene = Scene {
        engine: "postgres",
        writers: &proxied,
        direct: &schema.url,
        outsider: Outsider::Postgres(client),
        runtime,
    };
    scene.play(kill::times(9));
}

#[test]
#[ignore = "started and killed by the other tests"]
fn the_process_that_is_killed() {
    let Some((mode, place)) = kill::asked() else {
        return;
    };
    let words: Vec<&str> = mode.split_whitespace().collect();
    let [engine, writer, shared] = words[..] else {
        panic!("{mode}")
    };
    let shared = shared.parse().expect("an id");
    writer::run(engine, &place, writer.parse().expect("a number"), &shared);
}
