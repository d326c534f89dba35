//! Runs operations in every sequential order, and finds the orders that explain what happened.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Write as _};
use std::sync::Arc;

use sealtoken::store::MemoryStore;

use super::{Answer, Op, Stage};
use crate::faulty::{Fault, Faulty, copy, records};

/// The operations of several clients, in order for each client, and the final state of every
/// interleaving.
pub(super) struct Oracle<'a, S: Stage> {
    pub(super) stage: &'a S,
    clients: Vec<Vec<Op<S::Client>>>,
    ends: Vec<(Order, Final)>,
}

/// An order of operations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    /// The operations that were done, in order.
    done: Vec<usize>,
    /// The operations whose best-effort writes were lost.
    lost: Vec<usize>,
}

impl<'a, S: Stage> Oracle<'a, S> {
    pub(super) async fn new(stage: &'a S, clients: Vec<Vec<Op<S::Client>>>) -> Self {
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
            ends.push((order, Final::of(stage, &store, answers).await));
        }
        Self {
            stage,
            clients,
            ends,
        }
    }

    /// Panics unless some order explains the answers and the final state. The first `disturbed`
    /// operations met faults.
    pub(super) async fn check(
        &self,
        store: &MemoryStore,
        answers: Vec<Answer>,
        disturbed: usize,
        what: &str,
    ) {
        let end = Final::of(self.stage, store, answers).await;
        let explained = self.ends.iter().any(|(order, other)| {
            let may_be_lost = order.lost.iter().all(|at| *at < disturbed);
            may_be_lost && end.is_explained_by(&order.done, other)
        });
        if !explained {
            let names: Vec<_> = self.clients.iter().flatten().map(|op| op.name).collect();
            let mut text =
                format!("{what}: no order of {names:?} leads to\n{end:#?}\nThe orders lead to\n");
            for (order, end) in &self.ends {
                writeln!(text, "{order:?}: {end:#?}").unwrap();
            }
            panic!("{text}");
        }
    }
}

/// The state after some operations.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Final {
    answers: Vec<Answer>,
    /// The values behind the tokens that each operation returned.
    followed: Vec<Vec<String>>,
    seen: String,
}

impl Final {
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
        // Finds leftover records that no token leads to.
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

    /// Whether `order`, which led to `other`, explains this state.
    fn is_explained_by(&self, order: &[usize], other: &Self) -> bool {
        let told = |at: usize, answer: &Answer| match answer {
            Answer::Unknown => true,
            Answer::Nothing => !order.contains(&at),
            // Tokens are random, so the values behind them are compared.
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

/// All interleavings of the clients' operations, including those without some of the operations.
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

/// Each order, with every subset of its best-effort writes lost.
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

#[test]
fn interleave_returns_every_order_that_keeps_the_order_of_each_client() {
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
