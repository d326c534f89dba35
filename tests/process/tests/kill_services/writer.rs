//! The process to be killed: runs one operation after the other and acknowledges the outcome of
//! each.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use sealtoken::ServiceError;
use sealtoken::pat::{PatError, PatId, PersonalAccessTokens, VerifyError};
use sealtoken::store::{Effect, Store, StoreError};
use sealtoken::vault::{Vault, VaultError};
use sealtoken::{Key, KeyRing};
use sealtoken_process_tests::kill::acknowledge;
use tokio::runtime::Builder;

use crate::engine;
use crate::model::{Answer, MANY, Op, Outcome, World};

/// Both services on one store.
pub(crate) struct Services {
    pub(crate) vault: Vault,
    pub(crate) pats: PersonalAccessTokens,
}

/// The initial ring. Its key is replaced at the end.
pub(crate) fn first_ring() -> KeyRing {
    KeyRing::new(Key::from_bytes([7; 32]))
}

impl Services {
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        keys: &KeyRing,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let vault = Vault::options().limiter(()).purge_margin(Duration::ZERO);
        let pats = PersonalAccessTokens::options().limiter(());
        Ok(Self {
            vault: vault.open(store.clone(), keys).await?,
            pats: pats.open(store, keys).await?,
        })
    }
}

/// Why an operation failed: a store error, or one that must not occur.
enum Failed {
    Store(StoreError),
    Other(String),
}

impl From<VaultError> for Failed {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Service(ServiceError::Store(error)) => Self::Store(error),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

impl From<PatError> for Failed {
    fn from(error: PatError) -> Self {
        match error {
            PatError::Service(ServiceError::Store(error)) => Self::Store(error),
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

/// One line, which the test reads with [`Answer::parse`].
impl Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Done => "done",
            Outcome::Nothing => "nothing",
            Outcome::Unknown => "unknown",
        };
        write!(f, "{outcome} {}", self.texts.join(" "))
    }
}

impl Answer {
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

/// Runs as the writer with this number, until killed.
pub(crate) fn run(engine: &str, place: &str, writer: u64, shared: &PatId) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let services = loop {
            // Behind the proxy, opening may fail like any other call.
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
            let told = Answer { outcome, texts };
            acknowledge(&told);
            world.apply(op, &told);
        }
    });
}

pub(crate) fn content(number: u64) -> String {
    format!("content {number}")
}

/// Runs the operation and collects the texts it returns, including those from before a failure.
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
            let issued = pats.issue(world.owner()).await?;
            texts.push(issued.record.id.to_string());
            texts.push(issued.token.expose().to_owned());
        }
        Op::Use(at) => {
            let pat = &world.pats[at];
            let good = pat.may_be[0].good.expect("the model knows it");
            pats.verify(&pat.texts[good]).await?;
        }
        Op::AddRole(at) => {
            pats.update(id(at)?)
                .add_role(format!("role-{step}"))
                .await?;
        }
        Op::RemoveRoles(at) => {
            pats.update(id(at)?).roles(Vec::<String>::new()).await?;
        }
        Op::Rotate(at) => {
            let issued = pats.rotate(id(at)?).await?;
            texts.push(issued.token.expose().to_owned());
        }
        Op::Revoke(at) => drop(pats.revoke(id(at)?).await?),
        Op::Unrevoke(at) => drop(pats.restore(id(at)?).await?),
        Op::DeletePat(at) => pats.delete(id(at)?).await?,
        Op::Share => {
            let update = pats.update(*shared);
            let update = if world.shares[0] {
                update.remove_role(world.own_role())
            } else {
                update.add_role(world.own_role())
            };
            update.await?;
        }
    }
    Ok(())
}
