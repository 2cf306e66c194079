//! Conformance suite: the contract of every database, as test cases that use only the traits.
//!
//! The cases that let time pass call methods that a release build does not contain, so the suite is compiled only with
//! `debug_assertions`.
//!
//! To add a database, add one line at the end of this file: a name, and a function that opens an empty database. Each
//! case receives an empty database and tests one rule of the contract.

#![expect(
    clippy::unwrap_used,
    reason = "clippy recognises tests by their attribute, but not the functions that they call"
)]

mod api_keys;
mod candidates;
mod checkpoints;
mod children;
mod concurrency;
mod connections;
mod delete_histories;
mod deletes;
mod encryption;
mod feed;
mod maintenance;
mod oracle;
mod parents;
mod patches;
mod processes;
mod queue;
mod records;
mod refresh;
mod retention;
mod runs;
mod scans;
mod schedules;
mod support;
mod transfer;
mod updated;

use nango_tests::DatabaseKind;

macro_rules! conformance {
    ($($group:ident: $($case:ident)*;)*) => {
        /// Generates a test of every case for one database.
        macro_rules! database {
            ($name:ident, $open:expr) => {
                mod $name {
                    $(mod $group {
                        use crate::conformance::{DatabaseKind, support::TestStore};

                        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                        async fn $case() {
                            // A database that is not available has printed the reason.
                            if let Some(opened) = $open.await {
                                crate::conformance::$group::$case(opened).await;
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
        saved_record_is_added_then_unchanged_then_updated
        delete_keeps_payload
        delete_of_missing_record_is_ignored
        saved_tombstone_is_added
        first_of_duplicate_ids_in_a_page_wins
        newer_write_is_kept_unless_overridden
        run_overwrites_its_own_newer_writes
        commit_has_one_timestamp_and_consecutive_sequence_numbers
        page_is_committed_completely_or_not_at_all
        pages_of_one_commit_are_committed_completely_or_not_at_all
        stored_counters_equal_a_recount
        ids_and_payloads_are_stored_unchanged
        variants_and_connections_are_separate_datasets
        concurrent_writers_lose_no_record
        empty_page_is_counted;
    patches:
        patch_merges_nested_objects
        patch_ignores_missing_and_deleted_records
        full_save_of_patched_record_is_unchanged;
    updated:
        older_write_changes_nothing_and_is_counted
        older_write_counts_as_seen
        write_with_equal_or_newer_time_applies
        write_without_time_is_not_compared
        stored_time_in_the_future_is_not_compared
        older_time_applies_when_two_full_walks_return_it
        older_time_is_skipped_when_full_walks_return_other_times_between
        delete_compares_time_of_its_event
        older_save_does_not_restore_deleted_record
        patch_without_time_applies_and_keeps_stored_time
        unchanged_save_adds_missing_update_time
        update_times_survive_prune_reseal_and_copy;
    feed:
        reader_resumes_at_its_cursor
        read_limit_is_clamped
        filter_selects_last_actions
        modified_after_is_inclusive
        ids_select_records
        page_is_limited_by_bytes
        cursor_of_other_dataset_is_refused
        cursor_survives_emptied_dataset
        feed_of_unknown_dataset_is_empty
        commit_wakes_waiting_readers
        closed_store_returns_an_error;
    scans:
        record_missed_by_scan_is_deleted
        incomplete_scan_deletes_nothing
        sighting_counts_as_seen_and_writes_nothing
        record_written_during_scan_is_kept
        interrupted_scan_is_resumed
        new_scan_closes_open_scan
        delete_requires_declared_number_of_scans
        seen_record_resets_its_missed_count
        large_scan_is_streamed;
    deletes:
        histories_of_the_specification_are_followed
        deletes_after_empty_list_are_held_until_hold_ends
        deletes_of_more_than_half_of_the_records_are_held
        many_candidates_are_counted_before_one_is_deleted
        max_deletes_holds_all_candidates_until_allowed;
    candidates:
        incomplete_scan_keeps_candidate_state_of_unseen_records
        seen_or_written_record_loses_its_candidate_state
        deleted_record_loses_its_candidate_state
        request_confirms_and_oldest_requests_are_next
        candidates_are_those_of_the_open_scan
        runs_that_were_brought_forward_are_counted
        changed_fingerprint_resets_candidate_state
        candidate_state_survives_restart
        candidate_state_survives_copy_and_key_rotation;
    parents:
        parent_row_is_written_with_its_page
        parents_are_listed_in_the_order_of_their_keys
        live_records_are_read_in_the_order_of_their_ids
        replacement_deletes_other_children_of_its_parent
        replacement_of_many_children_is_complete
        parent_changes_only_by_writes_that_apply
        reset_keeps_parents_without_their_states
        removed_records_are_no_children
        states_of_parents_are_resealed_with_active_key
        parents_and_children_survive_copy_and_restart
        copy_of_one_connection_contains_its_parents;
    children:
        only_children_of_complete_walks_are_candidates
        child_that_moved_to_another_parent_stays
        children_of_gone_parent_are_deleted_with_its_row
        revived_parent_keeps_its_children
        guard_holds_children_of_each_parent
        guard_holds_children_of_all_parents
        confirmations_are_those_of_the_parent
        candidates_bring_full_walk_of_their_parent_forward
        requested_candidates_are_children_of_complete_walks
        scans_of_several_datasets_end_in_one_transaction
        children_of_several_datasets_belong_to_one_parent
        many_parents_and_children_are_streamed;
    runs:
        exclusive_key_has_one_active_run
        expired_lease_is_taken_over
        lease_from_the_future_counts_as_expired
        fenced_run_writes_nothing
        finished_runs_are_stored_once_with_their_logs
        heartbeat_renews_lease
        run_end_is_one_transaction
        runs_are_listed
        runs_are_found_by_filter
        locks_are_released_when_their_run_ends
        log_lines_keep_their_order;
    schedules:
        sync_of_connection_without_schedule_is_found
        schedule_is_changed_in_parts
        due_schedule_is_enqueued_once_per_due_time
        activities_of_many_syncs_are_those_of_each_sync
        schedules_end_with_their_connection;
    queue:
        trigger_is_merged_into_due_run
        claim_starts_due_runs_within_limits
        claim_selects_known_syncs_and_due_times
        backlog_of_one_connection_does_not_delay_others
        interrupted_run_becomes_due_again
        run_without_active_lease_is_listed_as_expired
        cancelled_run_writes_nothing
        due_and_active_runs_are_counted
        syncs_that_a_run_triggers_are_due_with_its_end
        due_runs_and_schedules_survive_restart
        concurrent_claims_start_each_run_once_within_limits;
    retention:
        purge_keeps_latest_run_of_each_function
        purge_keeps_latest_ended_run_beside_an_active_one
        purge_removes_log_and_counters_with_their_run
        purge_keeps_first_run_of_a_due_or_active_logical_run;
    checkpoints:
        checkpoint_write_fails_when_version_differs
        resume_state_is_independent_of_checkpoint
        reset_drops_checkpoint_and_resume_state;
    connections:
        connection_is_added_and_replaced
        metadata_is_replaced_and_merged
        metadata_of_several_connections_changes_completely_or_not_at_all
        profile_is_stored_kept_and_changed
        connections_are_selected_by_every_filter
        removal_deletes_records_and_keeps_sequence
        removal_cancels_active_runs
        configuration_is_sealed_unless_the_credentials_changed
        internal_values_are_stored_and_removed;
    api_keys:
        added_key_is_found_by_its_hash
        name_is_taken_until_its_key_is_revoked
        use_of_a_key_is_stored_at_most_once_a_minute
        secret_is_added_once_and_replaced
        concurrent_processes_add_one_secret
        secrets_are_resealed_with_active_key
        keys_and_secrets_survive_copy_and_restart
        keys_and_secrets_are_copied_into_this_database
        copy_of_one_connection_contains_no_keys;
    processes:
        processes_with_unexpired_heartbeat_are_counted
        serving_process_is_marked_until_it_stops;
    refresh:
        refresh_lease_is_exclusive
        abandoned_refresh_lease_is_reported
        refresh_lease_from_the_future_counts_as_expired
        refresh_lease_is_extended_only_by_its_holder
        failure_is_kept_until_token_is_obtained;
    maintenance:
        prune_removes_only_payloads
        pruned_record_saved_unchanged_keeps_its_sequence_number
        page_of_pruned_records_has_next_cursor
        prune_by_age_drops_payloads_of_unchanged_records
        prune_refuses_foreign_cursors
        erased_record_is_removed_from_all_tables
        emptied_dataset_keeps_its_sequence
        dataset_usage_counts_all_rows_and_payloads;
    transfer:
        copy_to_another_database_keeps_feed_cursors
        copy_into_this_database_succeeds
        copy_of_one_connection_recognizes_unchanged_records
        interrupted_copy_restarts;
    encryption:
        switch_of_sealing_changes_no_record
        key_rotation_changes_no_record
        missing_key_is_not_activated
        sealed_blobs_are_resealed_with_active_key;
    concurrency:
        readers_skip_no_record_of_concurrent_writers;
    oracle:
        random_work_matches_model
        complete_walk_deletes_no_live_record;
}

database!(sqlite_memory, TestStore::open(DatabaseKind::SqliteInMemory));
database!(sqlite_file, TestStore::open(DatabaseKind::Sqlite));
database!(postgres, TestStore::open(DatabaseKind::Postgres));
database!(sqlite_sealed, TestStore::open_sealed(DatabaseKind::Sqlite));
database!(postgres_sealed, TestStore::open_sealed(DatabaseKind::Postgres));
