//! The suite finds each fault of a store: for each fault, the cases that must fail.

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;
use sealtoken_store::conformance::Case;
use sealtoken_store::{
    Change, Collection, Limits, MemoryStore, Outcome, Page, Query, Record, RecordKey, Store,
    StoreError,
};
use sealtoken_time::UnixTime;

use super::naive::{Fault, Naive};

// The control: without a fault, the suite passes.
sealtoken_store::store_conformance!(no_fault, Naive::new(Fault::None));

fn fails(store: impl Store, case: Case) -> bool {
    catch_unwind(AssertUnwindSafe(|| case.run(async || store))).is_err()
}

macro_rules! faults {
    ($($fault:ident: $($case:ident),+;)*) => {
        $(
            #[test]
            #[allow(non_snake_case)]
            fn $fault() {
                $(
                    let case = const { Case::named(stringify!($case)) };
                    let failed = fails(Naive::new(Fault::$fault), case);
                    assert!(failed, "{} passes with this fault", stringify!($case));
                )+
            }
        )*
    };
}

faults! {
    IgnoresExpected: a_replacement_at_another_version_is_a_conflict,
        of_32_writers_at_one_version_one_wins,
        an_id_can_be_used_again_and_its_old_version_does_not_return,
        a_lost_reply_is_told_by_the_version;
    ReplaceInserts: a_replacement_never_inserts;
    RemoveNeedsARecord: a_removal_of_any_version_is_always_done, a_batch_does_all_its_changes;
    RemoveIgnoresExpected: a_removal_keeps_to_the_expected_version;
    ForgetsTheWinner: an_insert_on_a_taken_id_is_a_conflict,
        a_replacement_at_another_version_is_a_conflict,
        of_32_writers_at_one_version_one_wins, of_32_inserters_of_one_id_one_wins,
        a_lost_reply_is_told_by_the_version;
    NamesTheWrongChange: a_batch_with_one_conflict_changes_nothing,
        a_batch_reaches_over_collections;
    NamesTheLastConflict: of_several_conflicts_the_first_is_named;
    WritesHalfABatch: a_batch_with_one_conflict_changes_nothing, a_batch_reaches_over_collections;
    WritesLabelsBeforeItLooks: labels_stay_after_a_conflict,
        a_batch_with_one_conflict_changes_nothing;
    ChecksBeforeItLocks: of_32_writers_at_one_version_one_wins, of_32_inserters_of_one_id_one_wins;
    HalfDoneWhenDropped: a_dropped_write_leaves_nothing_half_done;
    FailsUnderContention: writers_of_different_records_all_win, of_32_inserters_of_one_id_one_wins;
    ForgetsInCrossingBatches: crossing_batches_lose_no_update;
    SkipsLabels: a_record_has_up_to_16_labels, a_label_scan_keeps_to_its_range_and_order,
        a_scan_gives_whole_records;
    OldLabelsStay: labels_follow_a_replacement, a_count_follows_what_is_written;
    NewLabelsAreForgotten: labels_follow_a_replacement;
    LabelsOutliveTheirRecord: labels_follow_a_removal;
    LabelsOutliveAPurge: labels_go_with_a_purged_record;
    OneValueALabel: a_label_can_have_several_values;
    CutsIdsAtNul: ids_are_any_bytes, a_record_that_was_never_written_is_not_there;
    IdsAreText: ids_are_any_bytes;
    IgnoresCase: label_values_are_any_bytes_in_their_order,
        a_label_scan_keeps_to_its_range_and_order;
    OneCollection: collections_are_kept_apart, a_batch_reaches_over_collections;
    CutsBodiesAtNul: bodies_are_any_bytes;
    CountsVersions: versions_come_back_byte_for_byte;
    ForgetsPurgeAt: an_inserted_record_is_read_as_it_was,
        a_purge_removes_what_is_due_and_nothing_else;
    NoLimitOfIds: ids_have_one_to_1024_bytes;
    NoLimitOfBodies: a_body_at_the_limit_is_kept_and_one_byte_more_is_refused;
    BodiesAreShorterThanItSays: a_body_at_the_limit_is_kept_and_one_byte_more_is_refused;
    NoLimitOfBatches: a_batch_at_the_limit_is_written_and_one_more_is_refused;
    TakesDuplicates: a_batch_names_each_record_once;
    RefusesEmptyBatches: an_empty_batch_changes_nothing;
    StaleReads: a_read_after_a_write_sees_it;
    TornReads: readers_see_each_record_whole;
    GetManyDropsMissing: many_records_are_read_in_the_order_of_their_keys;
    GetManyMerges: many_records_are_read_in_the_order_of_their_keys;
    GetManyTakesItsTime: many_records_are_read_at_one_moment;
    ScansByIdAlone: a_label_scan_keeps_to_its_range_and_order,
        label_values_are_any_bytes_in_their_order;
    RangeEndsInclusive: a_label_scan_keeps_to_its_range_and_order;
    RangeBeginsAnywhere: a_label_scan_keeps_to_its_range_and_order;
    ScansWithoutBodies: a_scan_gives_whole_records;
    PagesAreOffsets: a_cursor_goes_on_after_its_record_is_gone;
    SkipsAtPageEnds: a_collection_scan_finds_each_record_once,
        a_label_scan_keeps_to_its_range_and_order,
        a_scan_under_churn_neither_skips_nor_repeats;
    RepeatsAtPageEnds: a_collection_scan_finds_each_record_once;
    LastPageHasACursor: pages_are_full_and_the_last_one_has_no_cursor;
    PagesAreUnbounded: a_page_is_bounded_in_bytes;
    ZeroIsNothing: a_limit_of_zero_is_one;
    PanicsAtCursors: a_foreign_cursor_is_refused_or_harmless;
    BelievesCursors: a_foreign_cursor_is_refused_or_harmless;
    CursorsBeginTheRange: a_foreign_cursor_is_refused_or_harmless;
    CountsAPage: a_count_is_what_a_scan_gives;
    PurgesTheMomentItself: a_purge_removes_what_is_due_and_nothing_else;
    PurgesWhatHasNoEnd: a_purge_removes_what_is_due_and_nothing_else;
    PurgesWithoutLimit: a_purge_keeps_to_its_limit;
    PurgesEverywhere: a_purge_leaves_other_collections_alone;
    PurgeTimesAreUnsigned: purge_at_is_any_second;
}

/// A store that returns the same error for every call.
#[derive(Debug, Clone)]
struct Says(StoreError);

#[async_trait]
impl Store for Says {
    fn limits(&self) -> Limits {
        MemoryStore::new().limits()
    }

    async fn get(&self, _: &RecordKey) -> Result<Option<Record>, StoreError> {
        Err(self.0.clone())
    }

    async fn get_many(&self, _: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        Err(self.0.clone())
    }

    async fn write(&self, _: &[Change]) -> Result<Outcome, StoreError> {
        Err(self.0.clone())
    }

    async fn scan(&self, _: &Query) -> Result<Page, StoreError> {
        Err(self.0.clone())
    }

    async fn count(&self, _: &Query) -> Result<u64, StoreError> {
        Err(self.0.clone())
    }

    async fn purge(&self, _: &Collection, _: UnixTime, _: u32) -> Result<u32, StoreError> {
        Err(self.0.clone())
    }
}

#[test]
fn a_store_that_is_not_away_or_says_so_wrongly_fails() {
    const AWAY: Case = Case::named("an_engine_that_is_away_is_unavailable_and_does_not_panic");
    assert!(!fails(Says(StoreError::unavailable("gone")), AWAY));
    assert!(fails(MemoryStore::new(), AWAY));
    assert!(fails(Says(StoreError::Corrupt), AWAY));
    assert!(
        fails(Says(StoreError::unknown("gone")), AWAY),
        "a read has no effect"
    );
    assert!(fails(Says(StoreError::unavailable("")), AWAY));
}
