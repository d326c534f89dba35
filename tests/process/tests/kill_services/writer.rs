//! The process that is killed: it does one thing after the other, and says after each what came of it.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use sealtoken::pat::{NewPat, PatError, PatId, PatUpdate, PersonalAccessTokens, VerifyError};
use sealtoken::store::{Effect, Store, StoreError};
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Key, KeyRing};
use sealtoken_process_tests::kill::acknowledge;
use tokio::runtime::Builder;

use crate::engine;
use crate::model::{MANY, Op, Outcome, Told, World};

/// Both services on one store.
pub(crate) struct Services {
    pub(crate) vault: Vault,
    pub(crate) pats: PersonalAccessTokens,
}

/// The ring at first; its key is replaced at the end.
pub(crate) fn first_ring() -> KeyRing {
    KeyRing::new(Key::from_bytes([7; 32]))
}

impl Services {
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        keys: &KeyRing,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let vault = Vault::options().attempts(()).sweep_margin(Duration::ZERO);
        let pats = PersonalAccessTokens::options().attempts(());
        Ok(Self {
            vault: vault.open(store.clone(), keys).await?,
            pats: pats.open(store, keys).await?,
        })
    }
}

/// Why something was not done: the store did not do it, or what should not be.
enum Failed {
    Store(StoreError),
    Other(String),
}

impl From<VaultError> for Failed {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => Self::Store(error),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

impl From<PatError> for Failed {
    fn from(error: PatError) -> Self {
        match error {
            PatError::Store(error) => Self::Store(error),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

impl From<VerifyError> for Failed {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Failed(error) => error.into(),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

/// One line each, which the other side reads with [`Told::parse`].
impl Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Done => "done",
            Outcome::Nothing => "nothing",
            Outcome::Unknown => "unknown",
        };
        write!(f, "{outcome} {}", self.texts.join(" "))
    }
}

impl Told {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let outcome = match words.next()? {
            "done" => Outcome::Done,
            "nothing" => Outcome::Nothing,
            "unknown" => Outcome::Unknown,
            _ => return None,
        };
        let texts = words.map(str::to_owned).collect();
        Some(Self { outcome, texts })
    }
}

/// Works as the writer of this number, until it is killed.
pub(crate) fn run(engine: &str, place: &str, writer: u64, shared: &PatId) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let services = loop {
            // On the way to a server, this may fail as anything else.
            let store = engine::open(engine, place).await;
            let opened = async { Services::open(store?, &first_ring()).await };
            if let Ok(services) = opened.await {
                break services;
            }
        };
        let mut world = World::new(writer);
        loop {
            let op = world.next();
            let mut texts = Vec::new();
            let outcome = match perform(op, &world, &services, shared, &mut texts).await {
                Ok(()) => Outcome::Done,
                Err(Failed::Store(StoreError::Unavailable { effect, .. })) => match effect {
                    Effect::None => Outcome::Nothing,
                    Effect::Unknown => Outcome::Unknown,
                },
                Err(Failed::Store(error)) => return acknowledge(format!("failed: {error:?}")),
                Err(Failed::Other(error)) => return acknowledge(format!("failed: {error}")),
            };
            let told = Told { outcome, texts };
            acknowledge(&told);
            world.apply(op, &told);
        }
    });
}

pub(crate) fn content(number: u64) -> String {
    format!("content {number}")
}

/// Does it, and keeps the texts that it is given: also those that came before something failed.
async fn perform(
    op: Op,
    world: &World,
    services: &Services,
    shared: &PatId,
    texts: &mut Vec<String>,
) -> Result<(), Failed> {
    let Services { vault, pats } = services;
    let (space, step) = (world.space(), world.step);
    let vault = vault.namespace(&space.name)?;
    let password = || world.password(space.passwords[0]);
    let token = |at: usize| space.values[at].token.clone();
    let id = |at: usize| world.pats[at].id.parse::<PatId>();
    match op {
        Op::Create => {
            let create = vault.create(content(step * 10)).token(world.new_token());
            create.password(password()).await?;
        }
        Op::CreateMany => {
            let contents = (step * 10..).take(MANY).map(content);
            for created in vault.create_many(contents).password(password()).await? {
                texts.push(created?.expose().to_owned());
            }
        }
        Op::Update(at) => {
            let update = vault.update(token(at), content(step * 10));
            update.password(password()).await?;
        }
        Op::SoftDelete(at) => vault.soft_delete(&*token(at)).await?,
        Op::Restore(at) => vault.restore(&*token(at)).await?,
        Op::Delete(at) => vault.delete(&*token(at)).await?,
        Op::Rekey => {
            let next = world.password(space.passwords[0] + 1);
            vault.rekey(password(), next).await?;
        }
        Op::Issue => {
            let issued = pats.issue(NewPat::for_owner(world.owner())).await?;
            texts.push(issued.record.id.to_string());
            texts.push(issued.token.expose().to_owned());
        }
        Op::Use(at) => {
            let pat = &world.pats[at];
            let good = pat.may_be[0].good.expect("it is known");
            pats.verify(&pat.texts[good]).await?;
        }
        Op::AddRole(at) => {
            let role = PatUpdate::new().add_role(format!("role-{step}"));
            pats.update(&id(at)?, role).await?;
        }
        Op::RemoveRoles(at) => {
            let none = PatUpdate::new().roles(Vec::<String>::new());
            pats.update(&id(at)?, none).await?;
        }
        Op::Rotate(at) => {
            let issued = pats.rotate(&id(at)?, Duration::ZERO).await?;
            texts.push(issued.token.expose().to_owned());
        }
        Op::Revoke(at) => drop(pats.revoke(&id(at)?).await?),
        Op::Unrevoke(at) => drop(pats.restore(&id(at)?).await?),
        Op::DeletePat(at) => pats.delete(&id(at)?).await?,
        Op::Share => {
            let update = PatUpdate::new();
            let update = if world.shares[0] {
                update.remove_role(world.own_role())
            } else {
                update.add_role(world.own_role())
            };
            pats.update(shared, update).await?;
        }
    }
    Ok(())
}
