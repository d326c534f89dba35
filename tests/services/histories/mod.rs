//! Checks histories: operations that run beside others, with lost replies, must look as if all of
//! them had run one after the other.
//!
//! No expected results are written down. Instead, every sequential order is run without faults on a
//! copy of the same store. The answers, the values behind the returned tokens, and the records left
//! in the store must match one of these orders. An operation with an unknown effect may be missing
//! from that order or stand anywhere in it. An operation that reports no effect must be missing. A
//! best-effort write behind an answer may be missing, but only after a fault.

mod covered;
mod first;
mod oracle;
mod parts;
mod passwords;
mod pat;
mod uses;
mod vault;

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use sealtoken::store::{Effect, MemoryStore, Store, StoreError};

use crate::faulty::{Failure, Fault, Faulty, copy};

use self::oracle::Oracle;

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The outcome of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// Its answer, which may be an error, and the tokens it returned.
    Told(String, Vec<String>),
    /// The store was unavailable, and nothing was changed.
    Nothing,
    /// The reply was lost, and the effect is unknown.
    Unknown,
}

impl Answer {
    fn told(text: impl Into<String>) -> Self {
        Self::Told(text.into(), Vec::new())
    }

    fn failed(error: &impl Failure) -> Self {
        match error.of_store() {
            Some(StoreError::Unavailable { effect, .. }) => match effect {
                Effect::None => Self::Nothing,
                Effect::Unknown => Self::Unknown,
            },
            _ => Self::told(error.code()),
        }
    }
}

fn answer<T, E: Failure>(result: Result<T, E>, told: impl FnOnce(T) -> Answer) -> Answer {
    match result {
        Ok(value) => told(value),
        Err(error) => Answer::failed(&error),
    }
}

fn done<T, E: Failure>(result: Result<T, E>) -> Answer {
    answer(result, |_| Answer::told("done"))
}

/// The answer of a removal, which counts as done even if someone else did it.
fn gone<E: Failure>(result: Result<(), E>) -> Answer {
    match result {
        Err(error) if error.code() == "not_found" => Answer::told("done"),
        result => done(result),
    }
}

fn says<T: Debug, E: Failure>(result: Result<T, E>) -> Answer {
    answer(result, |value| Answer::told(format!("{value:?}")))
}

/// An operation of a service, with its arguments.
struct Op<C> {
    name: &'static str,
    run: Arc<dyn Fn(C) -> Running<Answer> + Send + Sync>,
    /// Whether it makes best-effort writes after its answer.
    writes_behind: bool,
}

impl<C> Clone for Op<C> {
    fn clone(&self) -> Self {
        let run = Arc::clone(&self.run);
        Self { run, ..*self }
    }
}

/// An operation given as a closure over the service.
fn op<C, F>(name: &'static str, run: impl Fn(C) -> F + Send + Sync + 'static) -> Op<C>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let run = Arc::new(move |client| -> Running<Answer> { Box::pin(run(client)) });
    let writes_behind = false;
    Op {
        name,
        run,
        writes_behind,
    }
}

/// An operation whose only writes come after its answer.
fn behind<C, F>(name: &'static str, run: impl Fn(C) -> F + Send + Sync + 'static) -> Op<C>
where
    F: Future<Output = Answer> + Send + 'static,
{
    Op {
        writes_behind: true,
        ..op(name, run)
    }
}

/// A service with some content.
trait Stage {
    type Client: Clone + Send + Sync + 'static;
    /// The collections of its records.
    const COLLECTIONS: &'static [&'static str];
    /// The collections whose records are compared. Keysets may be left out: one may be created for
    /// a first value whose write then fails.
    const COUNTED: &'static [&'static str];

    /// The initial store.
    fn begin(&self) -> &MemoryStore;
    /// Opens the service as another process would.
    async fn open(&self, store: Arc<dyn Store>) -> Self::Client;
    /// The value behind a returned token.
    async fn follow(&self, client: &Self::Client, token: &str) -> String;
    /// Everything that the service shows.
    async fn see(&self, client: &Self::Client, store: &MemoryStore) -> String;
}

/// The possible faults of a call and of the calls after it.
const FATES: [&[Fault]; 9] = [
    // No fault: only the rival acts.
    &[Fault::None],
    &[Fault::Before],
    &[Fault::ForGood],
    &[Fault::After],
    // The following apply to writes only.
    &[Fault::Lost],
    &[Fault::Late],
    &[Fault::After, Fault::After],
    &[Fault::Lost, Fault::After],
    // A lost reply, then an outage.
    &[Fault::After, Fault::ForGood],
];
const QUICK: [&[Fault]; 3] = [&[Fault::None], &[Fault::After], &[Fault::Lost]];

/// Runs `history` with each fate at each of its calls in turn. Returns the number of runs.
async fn at_each_call<S: Stage>(
    fates: &[&[Fault]],
    oracle: &Oracle<'_, S>,
    history: impl AsyncFn(&Faulty, S::Client) -> Vec<Answer>,
) -> usize {
    let stage = oracle.stage;
    let mut runs = 0;
    for call in 1.. {
        for (number, fate) in fates.iter().enumerate() {
            let store = Faulty::over(copy(stage.begin(), S::COLLECTIONS).await, fate, u64::MAX);
            let client = stage.open(Arc::clone(&store) as _).await;
            store.fail_from(call);
            let answers = history(&store, client).await;
            if !store.has_failed() {
                return runs;
            }
            runs += 1;
            let what = format!("{fate:?} at call {call}");
            let disturbed = usize::from(*fate != [Fault::None]);
            oracle.check(&store.inner, answers, disturbed, &what).await;
            let next = fates.get(number + 1);
            let is_for_writes = next.is_some_and(|next| next.contains(&Fault::Lost));
            if is_for_writes && !store.has_failed_writing() {
                break;
            }
        }
    }
    runs
}

/// Runs the operation beside its rivals, which act at each of its calls in turn. Returns the number
/// of runs.
async fn beside<S: Stage>(stage: &S, one: &Op<S::Client>, rivals: &[Op<S::Client>]) -> usize {
    beside_in(&FATES, stage, one, rivals).await
}

async fn beside_in<S: Stage>(
    fates: &[&[Fault]],
    stage: &S,
    one: &Op<S::Client>,
    rivals: &[Op<S::Client>],
) -> usize {
    let oracle = Oracle::new(stage, vec![vec![one.clone()], rivals.to_vec()]).await;
    let history = async |store: &Faulty, client| {
        let rival = stage.open(Arc::new(store.inner.clone())).await;
        let told: Arc<Mutex<Vec<Answer>>> = Arc::default();
        store.set_rival(act(rival, rivals.to_vec(), Arc::clone(&told)));
        let answer = (one.run)(client).await;
        store.land().await;
        let mut answers = vec![answer];
        answers.append(&mut told.lock().unwrap());
        answers
    };
    at_each_call(fates, &oracle, history).await
}

/// The names of related operations, and the rivals they run beside: each rival is a sequence of one
/// or more operations.
type Group = (&'static [&'static str], &'static [&'static [&'static str]]);

/// Runs the group of this operation: each member beside each rival.
async fn group<S: Stage>(stage: &S, all: &[Op<S::Client>], groups: &[Group], one: &str) {
    let of = |group: &&Group| group.0.contains(&one);
    beside_all(stage, all, groups.iter().find(of).unwrap()).await;
}

/// Runs each operation of a group beside each rival, alone, and beside itself.
async fn beside_all<S: Stage>(stage: &S, all: &[Op<S::Client>], (names, rivals): &Group) {
    for one in all.iter().filter(|op| names.contains(&op.name)) {
        for rivals in *rivals {
            let rivals: Vec<_> = rivals.iter().map(|name| named(all, name)).collect();
            assert!(beside(stage, one, &rivals).await > 0);
        }
        assert!(beside(stage, one, &[]).await > 0);
        assert!(beside(stage, one, std::slice::from_ref(one)).await > 0);
    }
}

/// The operations that are in no group.
fn ungrouped<C>(all: &[Op<C>], groups: &[Group]) -> Vec<&'static str> {
    let names = all.iter().map(|op| op.name);
    let is_grouped = |name: &_| groups.iter().any(|(names, _)| names.contains(name));
    names.filter(|name| !is_grouped(name)).collect()
}

/// Runs the operation with a fault at each of its calls, then retries it without faults as a caller
/// would.
async fn again<S: Stage>(stage: &S, one: &Op<S::Client>) -> usize {
    let oracle = Oracle::new(stage, vec![vec![one.clone(), one.clone()]]).await;
    let history = async |store: &Faulty, client: S::Client| {
        let first = (one.run)(client.clone()).await;
        if !store.has_failed() {
            return vec![first];
        }
        store.heal();
        let second = (one.run)(client).await;
        store.land().await;
        let told = matches!(second, Answer::Told(..));
        assert!(told, "{} again: {second:?}", one.name);
        vec![first, second]
    };
    at_each_call(&FATES, &oracle, history).await
}

fn act<C: Clone + Send + Sync + 'static>(
    client: C,
    ops: Vec<Op<C>>,
    told: Arc<Mutex<Vec<Answer>>>,
) -> Running<()> {
    Box::pin(async move {
        for op in ops {
            let answer = (op.run)(client.clone()).await;
            told.lock().unwrap().push(answer);
        }
    })
}

/// Runs these operations concurrently, each with a client of its own, on a store that shuffles
/// turns and loses replies.
async fn at_once<S: Stage>(stage: &S, ops: &[Op<S::Client>], seeds: std::ops::Range<u64>) {
    let clients = ops.iter().map(|op| vec![op.clone()]).collect();
    let oracle = Oracle::new(stage, clients).await;
    for seed in seeds {
        let inner = copy(stage.begin(), S::COLLECTIONS).await;
        let mut tasks = Vec::new();
        for (at, op) in (0_u64..).zip(ops) {
            let store = Faulty::over(inner.clone(), &[], u64::MAX);
            let client = stage.open(Arc::clone(&store) as _).await;
            store.disturb(seed * 1000 + at * 2);
            tasks.push(tokio::spawn((op.run)(client)));
        }
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        let what = format!("seed {seed}");
        oracle.check(&inner, answers, ops.len(), &what).await;
    }
}

/// The operation with this name.
fn named<C>(ops: &[Op<C>], name: &str) -> Op<C> {
    let found = ops.iter().find(|op| op.name == name);
    found
        .unwrap_or_else(|| panic!("no operation {name}"))
        .clone()
}
