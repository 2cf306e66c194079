-- Parent whose list returned the record: the first 16 bytes of BLAKE3 of its id; NULL without one.
ALTER TABLE nango_rs.record_keys ADD COLUMN parent BYTEA;
-- Children of a parent. The dataset is an expression, so that a query either matches this index or the primary key,
-- and the planner never has to choose between the two.
CREATE INDEX children ON nango_rs.record_keys (parent, (dataset + 0), id) WHERE parent IS NOT NULL;
-- Parent of a delete candidate.
ALTER TABLE nango_rs.delete_states ADD COLUMN parent BYTEA;
-- Parents of functions that walk one list per parent. `done` is the number of the logical run in which the walk of the
-- parent ended, `early_full_runs` the number of complete walks that candidates brought forward since the last regular
-- one. `scan` is the latest scan in which the parent was written; the columns after it are the evidence of its walk in
-- that scan, `gone` is true if the parent does not exist any more. `state` is sealed.
CREATE TABLE nango_rs.parents (
    function BIGINT NOT NULL,
    key BYTEA NOT NULL,
    first_seen_at BIGINT,
    done BIGINT,
    early_full_runs BIGINT NOT NULL,
    scan BIGINT,
    complete BOOLEAN NOT NULL DEFAULT FALSE,
    position_based BOOLEAN NOT NULL DEFAULT FALSE,
    requests BIGINT NOT NULL DEFAULT 0,
    shifted BOOLEAN NOT NULL DEFAULT FALSE,
    list_empty BOOLEAN NOT NULL DEFAULT FALSE,
    gone BOOLEAN NOT NULL DEFAULT FALSE,
    id TEXT COLLATE "C" NOT NULL,
    state BYTEA,
    PRIMARY KEY (function, key)
) WITH (fillfactor = 50);
