-- Start of the open scan: its time, the number of live records, and whether candidates brought its run forward.
ALTER TABLE nango_rs.datasets ADD COLUMN scan_began BIGINT;
ALTER TABLE nango_rs.datasets ADD COLUMN scan_live BIGINT;
ALTER TABLE nango_rs.datasets ADD COLUMN scan_forward BOOLEAN NOT NULL DEFAULT FALSE;
-- Number of full runs that candidates brought forward since the last regular one.
ALTER TABLE nango_rs.datasets ADD COLUMN brought_forward BIGINT NOT NULL DEFAULT 0;
-- Whether `delete_states` may have rows of the dataset, which a writer needs under the lock.
ALTER TABLE nango_rs.datasets ADD COLUMN waits BOOLEAN NOT NULL DEFAULT FALSE;
-- Delete candidates: live records that complete scans did not see, until they are decided. `scan` is the latest scan
-- that missed the record, `held` is 0 not, 1 by the guard, 2 by `max_deletes`.
CREATE TABLE nango_rs.delete_states (
    dataset BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    scan BIGINT NOT NULL,
    first_missed_at BIGINT NOT NULL,
    confirmations BIGINT NOT NULL,
    needed BIGINT NOT NULL,
    shifted BOOLEAN NOT NULL,
    asked_at BIGINT,
    by_request BOOLEAN NOT NULL,
    brought_forward BOOLEAN NOT NULL,
    fingerprint BYTEA NOT NULL,
    held BIGINT NOT NULL,
    confirmed BOOLEAN NOT NULL,
    PRIMARY KEY (dataset, id)
) WITH (fillfactor = 50);
-- Replaced by `delete_states`. Its counts have no time and no fingerprint, so counting starts again. The table stays
-- for programs of the previous version.
DELETE FROM nango_rs.scan_missed;
