//! What every database must do, as cases that know only the traits.
//!
//! A database joins by one line below: a name, and a function that opens an empty one. Each case gets an empty database
//! and stands for one or a few sentences of the contract.

mod candidates;
mod checkpoints;
mod concurrency;
mod connections;
mod deletes;
mod encryption;
mod feed;
mod maintenance;
mod oracle;
mod processes;
mod records;
mod refresh;
mod runs;
mod scans;
mod support;
mod transfer;
mod updated;

macro_rules! conformance {
    ($($group:ident: $($case:ident)*;)*) => {
        /// Makes a test of every case for one database.
        macro_rules! database {
            ($name:ident, $open:expr) => {
                mod $name {
                    $(mod $group {
                        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                        async fn $case() {
                            // A database that is not to be had here has said so.
                            if let Some(opened) = $open.await {
                                crate::store::conformance::$group::$case(opened).await;
                            }
                        })*
                    })*
                }
            };
        }
    };
}

conformance! {
    records:
        a_save_adds_then_changes_nothing_then_updates
        a_delete_keeps_the_payload
        delete_of_missing_record_is_ignored
        a_tombstone_that_comes_back_is_added
        first_of_duplicate_ids_in_a_page_wins
        a_patch_merges_deep
        patch_ignores_missing_and_deleted_records
        a_patched_record_saved_whole_is_unchanged
        newer_wins_unless_overridden
        run_overwrites_its_own_newer_writes
        commit_has_one_timestamp_and_consecutive_sequence_numbers
        a_page_is_all_or_nothing
        pages_together_are_all_or_nothing
        counters_equal_a_recount
        ids_and_payloads_survive_as_they_are
        variants_and_connections_are_apart
        concurrent_writers_lose_no_record
        an_empty_page_counts;
    updated:
        an_older_write_changes_nothing_and_is_counted
        an_older_write_counts_as_seen
        an_equal_or_newer_time_applies
        a_missing_time_does_not_compare
        a_stored_time_in_the_future_does_not_compare
        an_older_time_of_two_full_walks_wins
        full_walks_with_another_answer_in_between_start_over
        a_delete_compares_the_time_of_its_event
        an_older_save_does_not_revive_a_record
        a_patch_without_a_time_applies_and_keeps_the_stored_one
        a_record_without_a_time_gets_it_from_an_unchanged_save
        times_outlive_prunes_switches_and_copies;
    feed:
        reader_resumes_at_its_cursor
        the_limit_is_clamped
        filters_choose_last_actions
        modified_after_is_inclusive
        ids_choose_records
        bytes_bound_a_page
        foreign_cursors_are_refused
        a_cursor_survives_an_emptied_dataset
        feed_of_unknown_dataset_is_empty
        commit_wakes_waiting_readers
        closed_store_returns_an_error;
    scans:
        record_missed_by_scan_is_deleted
        an_incomplete_scan_deletes_nothing
        sighting_counts_as_seen_and_writes_nothing
        record_written_during_scan_is_kept
        interrupted_scan_is_resumed
        another_scan_closes_the_first
        two_scans_confirm
        seen_record_resets_its_missed_count
        a_large_scan_streams;
    deletes:
        histories_of_the_specification_are_followed
        deletes_after_empty_list_are_held_until_hold_ends
        deletes_of_more_than_half_of_the_records_are_held
        many_candidates_are_counted_before_one_is_deleted
        max_deletes_holds_all_until_it_is_allowed;
    candidates:
        scan_that_sees_a_part_keeps_the_state_of_the_rest
        record_that_is_seen_or_written_loses_its_state
        deleted_record_loses_its_candidate_state
        request_confirms_and_the_longest_unasked_are_next
        candidates_are_those_of_the_open_scan
        runs_that_were_brought_forward_are_counted
        changed_fingerprint_resets_candidate_state
        state_survives_a_restart
        state_survives_a_copy_and_a_rotation;
    runs:
        a_key_is_held_by_one_run
        an_ended_lease_is_taken_over
        lease_from_the_future_counts_as_expired
        a_fenced_run_writes_nothing
        a_heartbeat_renews
        the_end_of_a_run_is_one_transaction
        runs_are_listed
        locks_go_with_their_run
        log_lines_keep_their_order;
    checkpoints:
        versions_grow_and_guard
        a_resume_state_is_kept_apart
        reset_drops_checkpoint_and_resume_state;
    connections:
        a_connection_is_added_and_replaced
        metadata_is_replaced_and_merged
        removal_takes_the_records_and_keeps_the_sequence
        removal_stops_what_runs
        configuration_is_sealed_unless_the_credentials_changed
        notes_are_kept_and_dropped;
    processes:
        processes_with_unexpired_heartbeat_are_counted;
    refresh:
        refresh_lease_is_exclusive
        abandoned_refresh_lease_is_reported
        refresh_lease_from_the_future_counts_as_expired
        refresh_lease_is_extended_only_by_its_holder
        failures_are_kept_until_a_token_is_there;
    maintenance:
        prune_removes_only_payloads
        pruned_record_saved_unchanged_keeps_its_sequence_number
        page_of_pruned_records_has_next_cursor
        a_prune_by_age_takes_what_did_not_change
        a_prune_refuses_foreign_cursors
        erased_record_is_removed_from_all_tables
        emptied_dataset_keeps_its_sequence
        extents_count_everything;
    transfer:
        copy_to_another_database_keeps_feed_cursors
        copy_into_this_database_succeeds
        interrupted_copy_restarts;
    encryption:
        a_switch_changes_no_record
        a_rotation_changes_no_record
        a_key_that_is_not_held_is_not_activated
        sealed_blobs_follow_the_active_key;
    concurrency:
        readers_skip_no_record_of_concurrent_writers;
    oracle:
        random_work_matches_model
        complete_walk_deletes_no_live_record;
}

database!(sqlite_memory, super::super::support::TestStore::memory());
database!(sqlite_file, super::super::support::TestStore::file());
#[cfg(feature = "postgres")]
database!(postgres, super::super::support::TestStore::postgres());
database!(sqlite_sealed, super::super::support::TestStore::file_sealed());
#[cfg(feature = "postgres")]
database!(postgres_sealed, super::super::support::TestStore::postgres_sealed());
