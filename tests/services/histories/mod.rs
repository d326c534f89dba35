//! Histories: an operation whose replies get lost, beside somebody else's operations, has to look as if all of them had been done one after the
//! other.
//!
//! What is right is not written down: each order is tried alone, without faults, on a copy of the same store. What the operations answered,
//! what the tokens lead to that they handed out, and all that is left in the store must be the same as after one of those orders. An operation
//! whose effect is unknown may be missing from it, or stand at any place; one that says that nothing was changed has to be missing. What one
//! writes behind its answer may be missing where there was a fault, and only there.

mod covered;
mod first;
mod parts;
mod passwords;
mod pat;
mod uses;
mod vault;

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Write as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use sealtoken::store::{Effect, MemoryStore, Store, StoreError};

use crate::faulty::{Failure, Fault, Faulty, copy, records};

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// What it said, be it an error, and the tokens that it handed out.
    Told(String, Vec<String>),
    /// The store was away, and nothing was changed.
    Nothing,
    /// The store did not answer, and may have done it.
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

/// Of something that is gone in the end, whoever removed it.
fn gone<E: Failure>(result: Result<(), E>) -> Answer {
    match result {
        Err(error) if error.code() == "not_found" => Answer::told("done"),
        result => done(result),
    }
}

fn says<T: Debug, E: Failure>(result: Result<T, E>) -> Answer {
    answer(result, |value| Answer::told(format!("{value:?}")))
}

/// One operation of a service, with what it is asked for.
struct Op<C> {
    name: &'static str,
    run: Arc<dyn Fn(C) -> Running<Answer> + Send + Sync>,
    /// Whether it writes behind its answer, best effort.
    writes_behind: bool,
}

impl<C> Clone for Op<C> {
    fn clone(&self) -> Self {
        let run = Arc::clone(&self.run);
        Self { run, ..*self }
    }
}

/// An operation, as a closure over the service.
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

/// One that writes behind its answer, and nowhere else.
fn behind<C, F>(name: &'static str, run: impl Fn(C) -> F + Send + Sync + 'static) -> Op<C>
where
    F: Future<Output = Answer> + Send + 'static,
{
    Op {
        writes_behind: true,
        ..op(name, run)
    }
}

/// A service with something in it.
trait Stage {
    type Client: Clone + Send + Sync + 'static;
    /// Where its records are.
    const COLLECTIONS: &'static [&'static str];
    /// Those of them whose records are counted: a keyset may be made for a first value that is not written then.
    const COUNTED: &'static [&'static str];

    /// Where everything begins.
    fn begin(&self) -> &MemoryStore;
    /// The service, opened as another process does.
    async fn open(&self, store: Arc<dyn Store>) -> Self::Client;
    /// What a token leads to that was handed out.
    async fn follow(&self, client: &Self::Client, token: &str) -> String;
    /// All that can be seen.
    async fn see(&self, client: &Self::Client, store: &MemoryStore) -> String;
}

/// What is left after operations.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    answers: Vec<Answer>,
    /// What each one's tokens lead to.
    followed: Vec<Vec<String>>,
    seen: String,
}

impl End {
    async fn of<S: Stage>(stage: &S, store: &MemoryStore, answers: Vec<Answer>) -> Self {
        let client = stage.open(Arc::new(store.clone())).await;
        let mut followed = Vec::new();
        for answer in &answers {
            let mut all = Vec::new();
            if let Answer::Told(_, given) = answer {
                for token in given {
                    all.push(stage.follow(&client, token).await);
                }
            }
            followed.push(all);
        }
        let mut seen = stage.see(&client, store).await;
        // What nothing leads to is in the store all the same.
        for name in S::COUNTED {
            let records = records(store, name).await;
            let mut labels = BTreeMap::new();
            for label in records.iter().flat_map(|record| &record.labels) {
                *labels.entry(label.name.to_string()).or_insert(0) += 1;
            }
            let mut purges: Vec<_> = records.iter().map(|record| record.purge_at).collect();
            purges.sort_unstable();
            writeln!(seen, "{name}: purged at {purges:?}, found by {labels:?}").unwrap();
        }
        Self {
            answers,
            followed,
            seen,
        }
    }

    /// Whether this can have come of `order`, which led to `other`.
    fn is_explained_by(&self, order: &[usize], other: &Self) -> bool {
        let told = |at: usize, answer: &Answer| match answer {
            Answer::Unknown => true,
            Answer::Nothing => !order.contains(&at),
            // Tokens are random: what they lead to is compared.
            Answer::Told(text, given) => {
                let same = matches!(&other.answers[at], Answer::Told(other, tokens)
                    if other == text && tokens.len() == given.len());
                order.contains(&at) && same && self.followed[at] == other.followed[at]
            }
        };
        let mut answers = self.answers.iter().enumerate();
        self.seen == other.seen && answers.all(|(at, answer)| told(at, answer))
    }
}

/// Operations of several clients, each with its own in their order, and what comes of every order of them all.
struct Oracle<'a, S: Stage> {
    stage: &'a S,
    clients: Vec<Vec<Op<S::Client>>>,
    ends: Vec<(Order, End)>,
}

/// In which order operations were done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    /// What was not done is missing.
    done: Vec<usize>,
    /// What these write behind their answers was lost.
    lost: Vec<usize>,
}

impl<'a, S: Stage> Oracle<'a, S> {
    async fn new(stage: &'a S, clients: Vec<Vec<Op<S::Client>>>) -> Self {
        let mut orders = Vec::new();
        interleave(
            &mut vec![0; clients.len()],
            &clients,
            &mut Vec::new(),
            &mut orders,
        );
        let ops: Vec<_> = clients.concat();
        let mut orders = with_losses(orders, |at| ops[at].writes_behind);
        orders.sort_unstable();
        orders.dedup();
        let mut ends = Vec::new();
        for order in orders {
            let store = copy(stage.begin(), S::COLLECTIONS).await;
            let mut answers = vec![Answer::Nothing; ops.len()];
            for &at in &order.done {
                let own = Faulty::over(store.clone(), &[], u64::MAX);
                let client = stage.open(Arc::clone(&own) as _).await;
                if order.lost.contains(&at) {
                    own.fail_writes(Some(Fault::Before));
                }
                answers[at] = (ops[at].run)(client).await;
                let told = matches!(answers[at], Answer::Told(..));
                assert!(told, "{} alone: {:?}", ops[at].name, answers[at]);
            }
            ends.push((order, End::of(stage, &store, answers).await));
        }
        Self {
            stage,
            clients,
            ends,
        }
    }

    /// Panics unless some order leads to what the operations answered, and to what is left. The first `disturbed` met faults.
    async fn check(&self, store: &MemoryStore, answers: Vec<Answer>, disturbed: usize, what: &str) {
        let end = End::of(self.stage, store, answers).await;
        let explained = self.ends.iter().any(|(order, other)| {
            let may_be_lost = order.lost.iter().all(|at| *at < disturbed);
            may_be_lost && end.is_explained_by(&order.done, other)
        });
        if !explained {
            let names: Vec<_> = self.clients.iter().flatten().map(|op| op.name).collect();
            let mut text = format!("{what}: no order of {names:?} leads to\n{end:#?}\nbut\n");
            for (order, end) in &self.ends {
                writeln!(text, "{order:?} to {end:#?}").unwrap();
            }
            panic!("{text}");
        }
    }
}

/// All orders in which clients can take turns, also without some of their operations.
fn interleave<C>(
    done: &mut Vec<usize>,
    clients: &[Vec<C>],
    order: &mut Vec<usize>,
    orders: &mut Vec<Vec<usize>>,
) {
    let mut first = 0;
    let mut is_end = true;
    for (client, ops) in clients.iter().enumerate() {
        let next = done[client];
        if next < ops.len() {
            is_end = false;
            done[client] += 1;
            interleave(done, clients, order, orders);
            order.push(first + next);
            interleave(done, clients, order, orders);
            order.pop();
            done[client] -= 1;
        }
        first += ops.len();
    }
    if is_end {
        orders.push(order.clone());
    }
}

/// Each order with every part of what may be lost in it.
fn with_losses(orders: Vec<Vec<usize>>, writes_behind: impl Fn(usize) -> bool) -> Vec<Order> {
    let mut all = Vec::new();
    for done in orders {
        let mut losses = vec![Vec::new()];
        for at in done.iter().copied().filter(|at| writes_behind(*at)) {
            let also = losses.clone().into_iter();
            losses.extend(also.map(|lost| [lost, vec![at]].concat()));
        }
        let order = |lost| Order {
            done: done.clone(),
            lost,
        };
        all.extend(losses.into_iter().map(order));
    }
    all
}

/// What can become of a call and of those that follow it.
const FATES: [&[Fault]; 9] = [
    // Nothing, but that the rival acts.
    &[Fault::None],
    &[Fault::Before],
    &[Fault::ForGood],
    &[Fault::After],
    // These are for writes.
    &[Fault::Lost],
    &[Fault::Late],
    &[Fault::After, Fault::After],
    &[Fault::Lost, Fault::After],
    // Lost, and then away.
    &[Fault::After, Fault::ForGood],
];
const QUICK: [&[Fault]; 3] = [&[Fault::None], &[Fault::After], &[Fault::Lost]];

/// Runs `history` with each fate at each call in turn, as long as there is such a call. Returns how often.
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

/// Runs the operation beside the rival's, who act at each of its calls in turn. Returns how often.
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

/// Names of operations that have something in common, and what somebody else does meanwhile: one thing, or several one after the other.
type Group = (&'static [&'static str], &'static [&'static [&'static str]]);

/// The group that this operation is in: each of its own beside each of its rivals.
async fn group<S: Stage>(stage: &S, all: &[Op<S::Client>], groups: &[Group], one: &str) {
    let of = |group: &&Group| group.0.contains(&one);
    beside_all(stage, all, groups.iter().find(of).unwrap()).await;
}

/// Runs each operation of a group beside each of its rivals, beside nobody, and beside whoever does the very same.
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

/// Runs the operation with a fault at each of its calls, and then again without one, as its caller would.
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

/// Runs these operations at once, each by a client of its own, on a store that gives turns and loses replies.
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

#[test]
fn orders_are_all_ways_to_take_turns() {
    let mut orders = Vec::new();
    interleave(
        &mut vec![0, 0],
        &[vec!['a'], vec!['b', 'c']],
        &mut Vec::new(),
        &mut orders,
    );
    let all: HashMap<Vec<usize>, ()> = orders.into_iter().map(|order| (order, ())).collect();
    for order in [
        &[][..],
        &[0],
        &[1, 2],
        &[2],
        &[0, 1, 2],
        &[1, 0, 2],
        &[1, 2, 0],
        &[0, 2],
        &[2, 0],
    ] {
        assert!(all.contains_key(order), "{order:?}");
    }
    assert!(!all.contains_key(&[2, 1][..]) && !all.contains_key(&[1, 0, 2, 1][..]));
}
