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
mod oracle;
mod processes;
mod records;
mod refresh;
mod runs;
mod scans;
mod support;
mod transfer;
mod updated;
mod upkeep;

macro_rules! conformance {
    ($($room:ident: $($case:ident)*;)*) => {
        /// Makes a test of every case for one database.
        macro_rules! database {
            ($name:ident, $open:expr) => {
                mod $name {
                    $(mod $room {
                        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                        async fn $case() {
                            // A database that is not to be had here has said so.
                            if let Some(opened) = $open.await {
                                crate::store::conformance::$room::$case(opened).await;
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
        what_is_not_there_is_not_deleted
        a_tombstone_that_comes_back_is_added
        of_equal_ids_the_first_wins
        a_patch_merges_deep
        a_patch_leaves_missing_and_deleted_records_alone
        a_patched_record_saved_whole_is_unchanged
        newer_wins_unless_overridden
        a_run_never_yields_to_itself
        one_commit_has_one_stamp_and_consecutive_places
        a_page_is_all_or_nothing
        pages_together_are_all_or_nothing
        counters_equal_a_recount
        ids_and_payloads_survive_as_they_are
        variants_and_connections_are_apart
        writers_side_by_side_lose_nothing
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
        a_reader_goes_on_where_it_stopped
        the_limit_is_clamped
        filters_choose_last_actions
        a_moment_is_inclusive
        ids_choose_records
        bytes_bound_a_page
        foreign_cursors_are_refused
        a_cursor_survives_an_emptied_dataset
        what_is_not_there_is_empty
        a_commit_wakes_who_waits
        a_closed_store_says_so;
    scans:
        what_a_scan_misses_is_deleted
        an_incomplete_scan_deletes_nothing
        sighting_counts_as_seen_and_writes_nothing
        what_was_written_since_is_kept
        an_interrupted_scan_goes_on
        another_scan_closes_the_first
        two_scans_confirm
        a_seen_record_starts_again
        a_large_scan_streams;
    deletes:
        histories_of_the_specification_are_followed
        empty_list_is_held_until_hold_is_over
        most_of_the_records_are_held_and_half_are_not
        many_candidates_are_counted_before_one_is_deleted
        max_deletes_holds_all_until_it_is_allowed;
    candidates:
        scan_that_sees_a_part_keeps_the_state_of_the_rest
        record_that_is_seen_or_written_loses_its_state
        record_that_goes_takes_its_state_along
        request_confirms_and_the_longest_unasked_are_next
        candidates_are_those_of_the_open_scan
        runs_that_were_brought_forward_are_counted
        another_fingerprint_starts_over
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
        a_reset_drops_all_places;
    connections:
        a_connection_is_added_and_replaced
        metadata_is_replaced_and_merged
        removal_takes_the_records_and_keeps_the_sequence
        removal_stops_what_runs
        configuration_is_sealed_unless_the_credentials_changed
        notes_are_kept_and_dropped;
    processes:
        the_living_are_counted;
    refresh:
        one_renews_at_a_time
        an_interrupted_turn_is_known
        turn_from_the_future_counts_as_expired
        turn_is_extended_by_its_holder_only
        failures_are_kept_until_a_token_is_there;
    upkeep:
        a_prune_takes_payloads_and_nothing_else
        a_pruned_record_comes_back_in_its_place
        a_page_of_pruned_records_tells_of_the_next
        a_prune_by_age_takes_what_did_not_change
        a_prune_refuses_foreign_cursors
        an_erased_row_is_nowhere
        an_emptied_dataset_goes_on_where_it_stopped
        extents_count_everything;
    transfer:
        an_instance_moves_and_its_feeds_go_on
        an_instance_moves_in
        a_copy_that_stopped_begins_anew;
    encryption:
        a_switch_changes_no_record
        a_rotation_changes_no_record
        a_key_that_is_not_held_is_not_activated
        sealed_blobs_follow_the_active_key;
    concurrency:
        readers_beside_writers_step_over_nothing;
    oracle:
        random_work_converges
        walks_bury_nobody_who_lives;
}

database!(sqlite_memory, super::super::support::Opened::memory());
database!(sqlite_file, super::super::support::Opened::file());
#[cfg(feature = "postgres")]
database!(postgres, super::super::support::Opened::postgres());
database!(sqlite_sealed, super::super::support::Opened::file_sealed());
#[cfg(feature = "postgres")]
database!(postgres_sealed, super::super::support::Opened::postgres_sealed());
