//! An engine that is unavailable.

use std::sync::Arc;

use crate::{Change, Effect, Query, Store, StoreError, Values};
use sealtoken_time::UnixTime;

use super::fixture::{key, notes, record, tag};

/// Every method of a store whose engine is away gives [`StoreError::Unavailable`], and none panics.
///
/// The store must be away for certain. A call that fails before anything is sent has no effect, so
/// a read must say so; a write may say that its effect is unknown.
pub(super) async fn an_engine_that_is_away_is_unavailable_and_does_not_panic(
    store: Arc<dyn Store>,
) {
    fn assert_away<T: std::fmt::Debug>(result: Result<T, StoreError>, reads: bool) {
        match result {
            Err(StoreError::Unavailable { effect, reason, .. }) => {
                assert!(!reads || effect == Effect::None, "a read has no effect");
                assert!(!reason.is_empty() && reason.len() < 200);
            }
            other => panic!("the engine is away, but the store returned {other:?}"),
        }
    }
    let keys: Vec<_> = (0..100_u8).map(|at| key([at])).collect();
    let all = Query::all(notes());
    let by_label = Query::label(notes(), tag(), Values::exactly("x"));
    // Twice: the first failure must not break the store.
    for _ in 0..2 {
        assert!(store.limits().max_body > 0);
        assert_away(store.get(&key("id")).await, true);
        assert_away(store.get_many(&keys[..2]).await, true);
        assert_away(store.get_many(&keys).await, true);
        assert_away(store.scan(&all).await, true);
        assert_away(store.scan(&by_label).await, true);
        assert_away(store.count(&all).await, true);
        assert_away(store.count(&by_label).await, true);
        let batch = [Change::Insert(record("id"))];
        assert_away(store.write(&batch).await, false);
        assert_away(
            store.purge(&notes(), UnixTime::from_secs(0), 10).await,
            false,
        );
    }
}
