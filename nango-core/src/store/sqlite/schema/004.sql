-- Start of an open scan: its time, the number of live records, and whether candidates brought its run forward.
ALTER TABLE scans ADD COLUMN began_at INTEGER;
ALTER TABLE scans ADD COLUMN live INTEGER;
ALTER TABLE scans ADD COLUMN brought_forward INTEGER NOT NULL DEFAULT 0;
-- Number of full runs that candidates brought forward since the last regular one.
ALTER TABLE datasets ADD COLUMN brought_forward INTEGER NOT NULL DEFAULT 0;
-- Delete candidates: live records that complete scans did not see, until they are decided. `scan` is the latest scan
-- that missed the record, `held` is 0 not, 1 by the guard, 2 by `max_deletes`.
CREATE TABLE delete_states (
    dataset INTEGER NOT NULL,
    id TEXT NOT NULL,
    scan INTEGER NOT NULL,
    first_missed_at INTEGER NOT NULL,
    confirmations INTEGER NOT NULL,
    needed INTEGER NOT NULL,
    shifted INTEGER NOT NULL,
    asked_at INTEGER,
    by_request INTEGER NOT NULL,
    brought_forward INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    held INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    PRIMARY KEY (dataset, id)
) WITHOUT ROWID;
-- Replaced by `delete_states`. Its counts have no time and no fingerprint, so counting starts again. The table stays
-- for programs of the previous version.
DELETE FROM scan_missed;
