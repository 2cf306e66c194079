-- Named values of the database: `instance` (16 bytes) and `hash_key` (32 bytes) are generated once, at random.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- Connections. Row numbers are never reused, so that a connection that is added again differs from the removed one.
CREATE TABLE connections (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    integration TEXT NOT NULL,
    id TEXT NOT NULL,
    auth TEXT NOT NULL,
    credentials BLOB NOT NULL,
    config TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (integration, id)
);

-- Datasets. A row stays when its connection is removed: `seq` and `stamp` (the latest commit time) never go back.
-- `live` and `bytes` are the number and size of live records.
CREATE TABLE datasets (
    id INTEGER PRIMARY KEY,
    integration TEXT NOT NULL,
    connection TEXT NOT NULL,
    model TEXT NOT NULL,
    variant TEXT NOT NULL,
    seq INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    live INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    UNIQUE (integration, connection, model, variant)
);

-- Key rows: what a save looks up, without the payloads. `state` has the bits 1 deleted, 2 pruned, 4 merged (a patch
-- wrote the payload, so the order of its keys may differ from that of a saved one).
CREATE TABLE record_keys (
    dataset INTEGER NOT NULL,
    id TEXT NOT NULL,
    hash BLOB NOT NULL,
    hash_version INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    state INTEGER NOT NULL,
    PRIMARY KEY (dataset, id)
) WITHOUT ROWID;

-- Payload rows. `last_action` is 0 added, 1 updated, 2 deleted. The payload is last, so that the other columns are read
-- without it.
CREATE TABLE records (
    rid INTEGER PRIMARY KEY,
    dataset INTEGER NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    last_action INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    deleted_at INTEGER,
    pruned_at INTEGER,
    run INTEGER NOT NULL,
    payload BLOB
);
-- Feed. The last action is in the index so that a filter needs no payload pages.
CREATE INDEX feed ON records (dataset, seq, last_action);

-- Open scans, at most one per dataset. `start_seq` is the dataset's sequence when the scan began.
CREATE TABLE scans (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset INTEGER NOT NULL UNIQUE,
    function INTEGER NOT NULL,
    start_seq INTEGER NOT NULL
);
-- Records that an open scan has seen: one bit per `rid`, 4096 bits per chunk.
CREATE TABLE scan_marks (
    scan INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY (scan, chunk)
) WITHOUT ROWID;
-- Live records that the latest consecutive scans missed, and the number of those scans; `scan` is the latest of them.
CREATE TABLE scan_missed (
    dataset INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    scan INTEGER NOT NULL,
    PRIMARY KEY (dataset, rid)
) WITHOUT ROWID;

-- Functions of connections: the keys of runs, checkpoints, resume states and scans. `fence` increases with every run.
CREATE TABLE functions (
    id INTEGER PRIMARY KEY,
    integration TEXT NOT NULL,
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    variant TEXT NOT NULL,
    fence INTEGER NOT NULL,
    UNIQUE (integration, connection, kind, name, variant)
);
-- Checkpoints. The row of a cleared checkpoint stays, for its version.
CREATE TABLE checkpoints (
    function INTEGER PRIMARY KEY,
    value TEXT,
    version INTEGER NOT NULL
);
-- Resume states of mappers, sealed.
CREATE TABLE resume_states (
    function INTEGER PRIMARY KEY,
    state BLOB NOT NULL
);

-- Runs. `lease` is the duration of the lease in microseconds.
CREATE TABLE runs (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    function INTEGER NOT NULL,
    exclusive INTEGER NOT NULL,
    status TEXT NOT NULL,
    fence INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    pages INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    error TEXT
);
CREATE INDEX runs_by_function ON runs (function, row);
CREATE INDEX running ON runs (function) WHERE status = 'running';
CREATE UNIQUE INDEX running_alone ON runs (function) WHERE status = 'running' AND exclusive = 1;
CREATE TABLE run_models (
    run INTEGER NOT NULL,
    model TEXT NOT NULL,
    added INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    skipped_newer INTEGER NOT NULL,
    PRIMARY KEY (run, model)
) WITHOUT ROWID;
CREATE TABLE run_logs (
    n INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    at INTEGER NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    fields TEXT
);
CREATE INDEX run_logs_by_run ON run_logs (run);
CREATE TABLE locks (
    key TEXT PRIMARY KEY,
    run INTEGER NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX locks_by_run ON locks (run);
