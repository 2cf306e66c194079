-- Names are compared byte by byte (COLLATE "C"), as on SQLite; payloads, hashes and sealed values are bytes. Tables
-- whose rows change often, but not their index, have half-empty pages, so that a new row version fits into the page of
-- the old one.

-- Named values of the database: `instance` (16 bytes) and `hash_key` (32 bytes) are generated once, at random.
CREATE TABLE nango_rs.meta (key TEXT COLLATE "C" PRIMARY KEY, value BYTEA NOT NULL);

-- The encryption policy: one row. `epoch` is its version, a new random number with each change. `active` is the id of
-- the key that new data is sealed with, NULL until the database is first used with a key ring. `hash_secret` is the
-- secret of the hashes of sealed payloads, itself sealed. `stage`, `dataset` and `place` are the position of a reseal
-- pass; `stage` is NULL when none is due.
CREATE TABLE nango_rs.encryption (
    one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
    epoch BIGINT NOT NULL DEFAULT 0,
    payloads BOOLEAN NOT NULL DEFAULT FALSE,
    active INTEGER,
    hash_secret BYTEA,
    stage BIGINT,
    dataset BIGINT NOT NULL DEFAULT 0,
    place BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO nango_rs.encryption DEFAULT VALUES;

-- Connections. Row numbers are never reused, so that a connection that is added again differs from the removed one.
CREATE TABLE nango_rs.connections (
    row BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    integration TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    auth TEXT NOT NULL,
    credentials BYTEA NOT NULL,
    config TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (integration, id)
);

-- Datasets. A row stays when its connection is removed: `seq`, `stamp` (the latest commit time) and `rids` (the last
-- assigned record number) never go back. `live` and `bytes` are the number and size of live records. `FOR UPDATE` of
-- the row is the dataset's lock. Everything that a writer needs under the lock is in the row itself, including the open
-- scan: its number, its function, and the sequence when it began.
CREATE TABLE nango_rs.datasets (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    integration TEXT COLLATE "C" NOT NULL,
    connection TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    variant TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL DEFAULT 0,
    stamp BIGINT NOT NULL DEFAULT 0,
    live BIGINT NOT NULL DEFAULT 0,
    bytes BIGINT NOT NULL DEFAULT 0,
    rids BIGINT NOT NULL DEFAULT 0,
    scan BIGINT,
    scan_function BIGINT,
    scan_start BIGINT,
    UNIQUE (integration, connection, model, variant)
) WITH (fillfactor = 50);
CREATE INDEX open_scans ON nango_rs.datasets (scan_function) WHERE scan IS NOT NULL;
CREATE SEQUENCE nango_rs.scans;

-- Key rows: what a save looks up, without the payloads. `rid` numbers the records of a dataset without gaps, `seq` is
-- the position of the record in the feed and the key of its payload row. `state` has the bits 1 deleted, 2 pruned,
-- 4 merged (a patch wrote the payload, so the order of its keys may differ from that of a saved one).
-- The only index begins with the dataset, so that the planner cannot choose another.
CREATE TABLE nango_rs.record_keys (
    dataset BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    run BIGINT NOT NULL,
    bytes INTEGER NOT NULL,
    hash_version SMALLINT NOT NULL,
    state SMALLINT NOT NULL,
    hash BYTEA NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (dataset, id)
) WITH (fillfactor = 85);

-- Payload rows, by their position in the feed. `last_action` is 0 added, 1 updated, 2 deleted. `key_id` is the key that
-- sealed the payload; 0 if it is not sealed.
CREATE TABLE nango_rs.records (
    dataset BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    deleted_at BIGINT,
    pruned_at BIGINT,
    run BIGINT NOT NULL,
    key_id INTEGER NOT NULL DEFAULT 0,
    last_action SMALLINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    payload BYTEA,
    PRIMARY KEY (dataset, seq)
) PARTITION BY HASH (dataset);
DO $$ BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format(
            'CREATE TABLE nango_rs.records_%s PARTITION OF nango_rs.records FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
            lpad(part::text, 2, '0'), part);
    END LOOP;
END $$;

-- Records that an open scan has seen: one bit per `rid`, 4096 bits per chunk.
CREATE TABLE nango_rs.scan_marks (
    scan BIGINT NOT NULL,
    chunk BIGINT NOT NULL,
    bits BIT(4096) NOT NULL,
    PRIMARY KEY (scan, chunk)
) WITH (fillfactor = 50);
-- Live records that the latest consecutive scans missed, and the number of those scans; `scan` is the latest of them.
CREATE TABLE nango_rs.scan_missed (
    dataset BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    missed INTEGER NOT NULL,
    scan BIGINT NOT NULL,
    PRIMARY KEY (dataset, id)
);

-- Functions of connections: the keys of runs, checkpoints, resume states and scans. `fence` increases with every run.
CREATE TABLE nango_rs.functions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    integration TEXT COLLATE "C" NOT NULL,
    connection TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    variant TEXT COLLATE "C" NOT NULL,
    fence BIGINT NOT NULL DEFAULT 0,
    UNIQUE (integration, connection, kind, name, variant)
);
-- Checkpoints. The row of a cleared checkpoint stays, for its version.
CREATE TABLE nango_rs.checkpoints (
    function BIGINT PRIMARY KEY,
    value TEXT,
    version BIGINT NOT NULL
) WITH (fillfactor = 50);
-- Resume states of mappers, sealed.
CREATE TABLE nango_rs.resume_states (function BIGINT PRIMARY KEY, state BYTEA NOT NULL) WITH (fillfactor = 50);

-- Runs. `lease` is the duration of the lease in microseconds.
CREATE TABLE nango_rs.runs (
    row BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    function BIGINT NOT NULL,
    exclusive BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    fence BIGINT NOT NULL,
    lease BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    pages BIGINT NOT NULL DEFAULT 0,
    requests BIGINT NOT NULL DEFAULT 0,
    left_out BIGINT NOT NULL DEFAULT 0,
    error TEXT
) WITH (fillfactor = 50);
CREATE INDEX runs_by_function ON nango_rs.runs (function, row);
CREATE INDEX running ON nango_rs.runs (function) WHERE status = 'running';
CREATE UNIQUE INDEX running_alone ON nango_rs.runs (function) WHERE status = 'running' AND exclusive;
CREATE TABLE nango_rs.run_models (
    run BIGINT NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    added BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    skipped_newer BIGINT NOT NULL,
    PRIMARY KEY (run, model)
) WITH (fillfactor = 50);
CREATE TABLE nango_rs.run_logs (
    n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run BIGINT NOT NULL,
    at BIGINT NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    fields TEXT
);
CREATE INDEX run_logs_by_run ON nango_rs.run_logs (run, n);
CREATE TABLE nango_rs.locks (
    key TEXT COLLATE "C" PRIMARY KEY,
    run BIGINT NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX locks_by_run ON nango_rs.locks (run);
