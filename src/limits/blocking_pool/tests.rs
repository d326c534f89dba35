use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const BOUNDED: WhenFull = WhenFull::Refuse;

fn subject(n: usize) -> Subject {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    Subject::new(crate::limits::SubjectKind::scope("test"), id)
}

fn queue_id(group: usize, within: usize) -> QueueId {
    QueueId {
        group: subject(group),
        within: subject(within),
    }
}

#[tokio::test]
async fn no_more_jobs_run_at_once_than_are_allowed() {
    let pool = BlockingPool::new(2);
    let running = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..12 {
        let (pool, running) = (pool.clone(), Arc::clone(&running));
        tasks.spawn(async move {
            let work = move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                std::thread::sleep(std::time::Duration::from_millis(2));
                running.fetch_sub(1, Ordering::SeqCst);
                now
            };
            pool.run(queue_id(n % 3, n), BOUNDED, work).await
        });
    }
    let mut highest = 0;
    while let Some(result) = tasks.join_next().await {
        highest = highest.max(result.unwrap().unwrap());
    }
    assert_eq!(highest, 2);
}

/// Fills a queue; returns the callers that found a place.
fn fill(state: &mut State, group: usize, callers: usize) -> Vec<oneshot::Receiver<Permit>> {
    (0..callers)
        .filter_map(|_| state.wait(queue_id(group, 0), BOUNDED).ok())
        .collect()
}

#[tokio::test]
async fn a_full_queue_refuses_and_another_queue_has_the_next_turn() {
    let pool = BlockingPool::new(1);
    let held = pool.permit(queue_id(0, 0), BOUNDED).await.unwrap();
    let mut flood = fill(&mut lock(&pool.0), 1, 1000);
    assert_eq!(flood.len(), MAX_WAITING_PER_GROUP);
    let full = pool.run(queue_id(1, 0), BOUNDED, || ()).await;
    let retry_after = Duration::from_secs(1);
    assert_eq!(full, Err(PoolError::Full { retry_after }));
    let mut other = fill(&mut lock(&pool.0), 2, 1).remove(0);
    drop(held);
    let first = flood[0].try_recv().unwrap();
    drop(first);
    assert!(other.try_recv().is_ok());
}

#[tokio::test]
async fn a_cancelled_caller_frees_its_place_and_passes_the_turn_on() {
    let pool = BlockingPool::new(1);
    let held = pool.permit(queue_id(0, 0), BOUNDED).await.unwrap();
    let mut flood = fill(&mut lock(&pool.0), 1, MAX_WAITING_PER_GROUP);
    flood.drain(1..MAX_WAITING_PER_GROUP - 1);
    assert_eq!(
        fill(&mut lock(&pool.0), 1, 1000).len(),
        MAX_WAITING_PER_GROUP - 2
    );
    drop(held);
    // The first was called, and is dropped before it runs.
    drop(flood);
    let next = pool.run(queue_id(2, 0), BOUNDED, || 7).await;
    assert_eq!(next, Ok(7));
    assert_eq!(lock(&pool.0).free, 1);
}

fn empty() -> State {
    State {
        free: 0,
        groups: Turns::default(),
    }
}

/// The indices of the waiting callers, in the order of their turns.
fn turns(state: &mut State, waiting: &mut [oneshot::Receiver<Permit>]) -> Vec<usize> {
    let mut order = Vec::new();
    while let Some(call) = state.next() {
        drop(call);
        let called = |turn: &mut oneshot::Receiver<Permit>| {
            matches!(turn.try_recv(), Err(oneshot::error::TryRecvError::Closed))
        };
        let new = (0..waiting.len()).find(|n| !order.contains(n) && called(&mut waiting[*n]));
        order.push(new.unwrap());
    }
    order
}

#[test]
fn many_groups_share_the_places_and_each_has_at_least_one() {
    let mut state = empty();
    let mut held = Vec::new();
    for group in 0..10_000 {
        held.extend(fill(&mut state, group, 1));
    }
    assert_eq!(held.len(), 10_000);
    // A group that has a place gets no second one.
    assert!(fill(&mut state, 7, 1).is_empty());
    assert_eq!(state.groups.order.len(), state.groups.queues.len());
    while state.next().is_some() {}
    assert!(state.groups.queues.is_empty());
}

#[test]
fn a_flood_over_many_queues_of_one_group_takes_every_second_turn() {
    let mut state = empty();
    let wait = |state: &mut State, id| state.wait(id, BOUNDED).unwrap();
    let mut waiting: Vec<_> = (0..100).map(|n| wait(&mut state, queue_id(1, n))).collect();
    waiting.push(wait(&mut state, queue_id(2, 0)));
    waiting.push(wait(&mut state, queue_id(2, 0)));
    let order = turns(&mut state, &mut waiting);
    assert_eq!(order[..5], [0, 100, 1, 101, 2]);
    assert_eq!(order.len(), 102);
}

#[test]
fn the_queues_of_a_group_take_turns_too() {
    let mut state = empty();
    let ids = [0, 0, 0, 1, 2, 2].map(|within| queue_id(1, within));
    let wait = |id| state.wait(id, BOUNDED).unwrap();
    let mut waiting: Vec<_> = ids.into_iter().map(wait).collect();
    assert_eq!(turns(&mut state, &mut waiting), [0, 3, 4, 1, 5, 2]);
}

#[test]
fn the_queues_of_a_group_share_its_places() {
    let mut state = empty();
    let mut held = Vec::new();
    for within in 0..3 {
        for _ in 0..1000 {
            held.extend(state.wait(queue_id(1, within), BOUNDED));
        }
    }
    // All places of the group, then a half, then a third.
    assert_eq!(held.len(), 256 + 128 + 85);
    for within in 3..1000 {
        assert!(state.wait(queue_id(1, within), BOUNDED).is_ok());
    }
}

#[test]
fn a_patient_caller_waits_in_a_full_queue() {
    let mut state = empty();
    let held = fill(&mut state, 1, 1000);
    let mut patient = state.wait(queue_id(1, 0), WhenFull::Wait).unwrap();
    for _ in &held {
        drop(state.next());
        assert!(matches!(
            patient.try_recv(),
            Err(oneshot::error::TryRecvError::Empty)
        ));
    }
    assert!(state.next().is_some());
}
