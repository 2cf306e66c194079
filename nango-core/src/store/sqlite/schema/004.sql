-- How an open scan began: when, how many records were live, and whether its run was brought forward by candidates.
ALTER TABLE scans ADD COLUMN began_at INTEGER;
ALTER TABLE scans ADD COLUMN live INTEGER;
ALTER TABLE scans ADD COLUMN brought_forward INTEGER NOT NULL DEFAULT 0;
-- The full runs that candidates brought forward since the last regular one.
ALTER TABLE datasets ADD COLUMN brought_forward INTEGER NOT NULL DEFAULT 0;
-- Live records that complete scans did not see, while they wait for the decision about them. `scan` is the latest scan that
-- missed the record, `held` is 0 not, 1 by the guard, 2 by `max_deletes`.
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
-- Replaced by `delete_states`. What it counted has no time and no fingerprint, so the count starts over. The table stays
-- for programs of the version before.
DELETE FROM scan_missed;
