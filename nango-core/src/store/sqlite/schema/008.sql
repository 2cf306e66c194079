-- Parent whose list returned the record: the first 16 bytes of BLAKE3 of its id; NULL without one.
ALTER TABLE record_keys ADD COLUMN parent BLOB;
-- Children of a parent. Covers what the end of a scan reads of them; a query by id cannot use it.
CREATE INDEX children ON record_keys (parent, dataset, id, state, rid) WHERE parent IS NOT NULL;
-- Parent of a delete candidate.
ALTER TABLE delete_states ADD COLUMN parent BLOB;
-- Parents of functions that walk one list per parent. `done` is the number of the logical run in which the walk of the
-- parent ended, `early_full_runs` the number of complete walks that candidates brought forward since the last regular
-- one. `scan` is the latest scan in which the parent was written; the columns after it are the evidence of its walk in
-- that scan, `gone` is 1 if the parent does not exist any more. `state` is sealed, and last, so that the other columns
-- are read without it.
CREATE TABLE parents (
    row INTEGER PRIMARY KEY,
    function INTEGER NOT NULL,
    key BLOB NOT NULL,
    first_seen_at INTEGER,
    done INTEGER,
    early_full_runs INTEGER NOT NULL,
    scan INTEGER,
    complete INTEGER NOT NULL DEFAULT 0,
    position_based INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0,
    shifted INTEGER NOT NULL DEFAULT 0,
    list_empty INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0,
    id TEXT NOT NULL,
    state BLOB,
    UNIQUE (function, key)
);
