//! The contract of a [`Store`] as a test suite, for engines of your own.
//!
//! Each call of [`store_conformance!`](crate::store_conformance) generates one named test for each
//! case. The suite may change in any release: a new case can reveal a fault that an engine has had
//! all along.
//!
//! ```
//! use sealtoken_store::MemoryStore;
//!
//! sealtoken_store::store_conformance!(memory, MemoryStore::new());
//! # fn main() {}
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::missing_panics_doc,
    reason = "tests, which fail by a panic"
)]

mod away;
mod batches;
mod bytes;
mod churn;
mod dropped;
mod fixture;
mod labels;
mod limits;
mod pages;
mod purges;
mod races;
mod records;
mod scans;

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::Store;

/// How long a case may take, so that a deadlock fails the test instead of blocking it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A case as a function: it panics if the store breaks the contract.
type Check = fn(Arc<dyn Store>) -> Pin<Box<dyn Future<Output = ()>>>;

/// Lists each case once, under its module: for [`CASES`], and for the tests that the exported macro
/// generates. `$d` is a dollar sign.
macro_rules! cases {
    (($d:tt) $($module:ident { $($case:ident)+ })+) => {
        const CASES: &[(&str, Check)] = &[
            (
                "an_engine_that_is_away_is_unavailable_and_does_not_panic",
                |store| {
                    Box::pin(away::an_engine_that_is_away_is_unavailable_and_does_not_panic(store))
                },
            ),
            $($((stringify!($case), |store| Box::pin($module::$case(store))),)+)+
        ];

        #[doc(hidden)]
        #[macro_export]
        macro_rules! __store_conformance_tests {
            ($d name:ident, $d make:expr, { $d ($d more:item)* }) => {
                mod $d name {
                    #[allow(unused_imports)]
                    use super::*;

                    $($(
                        #[test]
                        fn $case() {
                            $d crate::conformance::Case::run(
                                const { $d crate::conformance::Case::named(stringify!($case)) },
                                async || $d make,
                            );
                        }
                    )+)+

                    $d ($d more)*
                }
            };
        }
    };
}

cases! { ($)
    batches {
        an_empty_batch_changes_nothing
        a_batch_does_all_its_changes
        a_batch_with_one_conflict_changes_nothing
        of_several_conflicts_the_first_is_named
        a_batch_reaches_over_collections
        a_batch_names_each_record_once
    }
    bytes {
        ids_are_any_bytes
        ids_have_one_to_1024_bytes
        collections_are_kept_apart
        label_values_are_any_bytes_in_their_order
        ranges_of_any_length_are_taken
        bodies_are_any_bytes
    }
    churn {
        a_scan_under_churn_neither_skips_nor_repeats
    }
    dropped {
        a_dropped_write_leaves_nothing_half_done
        dropped_reads_leave_the_store_usable
    }
    labels {
        a_record_has_up_to_16_labels
        label_values_have_one_to_512_bytes
        a_label_stands_once_in_a_record
        a_label_can_have_several_values
        labels_follow_a_replacement
        labels_follow_a_removal
        labels_stay_after_a_conflict
    }
    limits {
        the_limits_are_large_enough
        a_body_at_the_limit_is_kept_and_one_byte_more_is_refused
        a_batch_at_the_limit_is_written_and_one_more_is_refused
    }
    pages {
        pages_are_full_and_the_last_one_has_no_cursor
        a_cursor_is_bytes_and_can_be_used_again
        a_cursor_goes_on_after_its_record_is_gone
        a_page_is_bounded_in_bytes
        a_foreign_cursor_is_refused_or_harmless
    }
    purges {
        a_purge_removes_what_is_due_and_nothing_else
        a_purge_keeps_to_its_limit
        labels_go_with_a_purged_record
        a_purge_leaves_other_collections_alone
        a_replacement_changes_when_a_record_is_due
        purge_at_is_any_second
    }
    races {
        of_32_writers_at_one_version_one_wins
        of_32_inserters_of_one_id_one_wins
        crossing_batches_lose_no_update
        writers_of_different_records_all_win
        readers_see_each_record_whole
        many_records_are_read_at_one_moment
    }
    records {
        an_inserted_record_is_read_as_it_was
        a_record_that_was_never_written_is_not_there
        an_insert_on_a_taken_id_is_a_conflict
        a_replacement_at_the_expected_version_is_done
        a_replacement_at_another_version_is_a_conflict
        a_replacement_never_inserts
        a_removal_of_any_version_is_always_done
        a_removal_keeps_to_the_expected_version
        an_id_can_be_used_again_and_its_old_version_does_not_return
        a_read_after_a_write_sees_it
        many_records_are_read_in_the_order_of_their_keys
        a_lost_reply_is_told_by_the_version
        versions_come_back_byte_for_byte
    }
    scans {
        a_label_scan_keeps_to_its_range_and_order
        a_collection_scan_finds_each_record_once
        a_scan_gives_whole_records
        a_count_is_what_a_scan_gives
        a_count_follows_what_is_written
        a_limit_of_zero_is_one
    }
}

/// A case of the suite.
///
/// A name that no case has does not compile:
///
/// ```compile_fail,E0080
/// use sealtoken_store::conformance::Case;
///
/// const CASE: Case = Case::named("no_such_case");
/// ```
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Case(usize);

impl Case {
    /// The case with this name.
    #[must_use]
    pub const fn named(name: &str) -> Self {
        let mut at = 0;
        while at < CASES.len() {
            if is_same(CASES[at].0.as_bytes(), name.as_bytes()) {
                return Self(at);
            }
            at += 1;
        }
        panic!("no case has this name");
    }

    /// Runs the case on a fresh store.
    pub fn run<F: Fresh>(self, make: impl AsyncFnOnce() -> F) {
        let (_, check) = CASES[self.0];
        run(make, check);
    }
}

const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, rest @ ..], [b, other_rest @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (rest, other_rest);
    }
    one.is_empty() && other.is_empty()
}

/// What makes a fresh store: the store, a pair of it and what must live as long, or an option of
/// these.
#[doc(hidden)]
pub trait Fresh {
    /// The store and its guard; `None` if the engine is not available.
    fn fresh(self) -> Option<(Arc<dyn Store>, Box<dyn Any>)>;
}

impl<S: Store> Fresh for S {
    fn fresh(self) -> Option<(Arc<dyn Store>, Box<dyn Any>)> {
        Some((Arc::new(self), Box::new(())))
    }
}

impl<S: Store, G: 'static> Fresh for (S, G) {
    fn fresh(self) -> Option<(Arc<dyn Store>, Box<dyn Any>)> {
        Some((Arc::new(self.0), Box::new(self.1)))
    }
}

impl<F: Fresh> Fresh for Option<F> {
    fn fresh(self) -> Option<(Arc<dyn Store>, Box<dyn Any>)> {
        self?.fresh()
    }
}

/// Runs a case in a runtime of its own with several threads.
fn run<F: Fresh>(make: impl AsyncFnOnce() -> F, check: Check) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = runtime.block_on(async {
        let Some((store, guard)) = make().await.fresh() else {
            return Ok(());
        };
        let ended = tokio::time::timeout(PATIENCE, check(store)).await;
        drop(guard);
        ended
    });
    runtime.shutdown_background();
    assert!(ended.is_ok(), "the case did not end within {PATIENCE:?}");
}

/// Generates a module with one test for each case of the contract of a [`Store`].
///
/// The first argument names the module. The second makes a fresh, empty store. It may `.await`. It
/// may return a pair of the store and what must live as long, or `None` if the engine is not
/// available: then the tests pass without showing anything, and you should report that they were
/// skipped. With `away = ...`, which makes a store whose engine is away, there is one more case.
///
/// ```
/// use sealtoken_store::MemoryStore;
///
/// sealtoken_store::store_conformance!(memory, MemoryStore::new());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($name:ident, $make:expr, away = $away:expr $(,)?) => {
        $crate::__store_conformance_tests!($name, $make, {
            #[test]
            fn an_engine_that_is_away_is_unavailable_and_does_not_panic() {
                $crate::conformance::Case::run(
                    const {
                        $crate::conformance::Case::named(
                            "an_engine_that_is_away_is_unavailable_and_does_not_panic",
                        )
                    },
                    async || $away,
                );
            }
        });
    };
    ($name:ident, $make:expr $(,)?) => {
        $crate::__store_conformance_tests!($name, $make, {});
    };
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::MemoryStore;

    #[test]
    fn a_case_that_does_not_end_is_told_apart_from_one_that_does() {
        let fails =
            |check: Check| catch_unwind(|| run(async || MemoryStore::new(), check)).is_err();
        assert!(!fails(|_| Box::pin(async {})));
        assert!(fails(|_| Box::pin(async {
            panic!("a case fails by a panic")
        })));
    }

    #[test]
    fn each_name_leads_to_its_case() {
        for (at, (name, _)) in CASES.iter().enumerate() {
            assert_eq!(Case::named(name).0, at, "{name}");
            let (cut, longer) = (&name[1..], format!("{name}_"));
            for other in [cut, &longer] {
                assert!(catch_unwind(|| Case::named(other)).is_err(), "{other}");
            }
        }
    }
}
