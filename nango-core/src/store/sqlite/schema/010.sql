-- Schedules of syncs. `paused` is 1 if nothing is due. `frequency` overrides the declared one; NULL: as declared.
-- `anchor` is the start of the grid of due times, `interval` the distance of the grid that `next_at` belongs to, in
-- microseconds; both `interval` and `next_at` are NULL if the sync runs only when triggered.
CREATE TABLE schedules (
    function INTEGER PRIMARY KEY,
    paused INTEGER NOT NULL,
    frequency TEXT,
    interval INTEGER,
    anchor INTEGER NOT NULL,
    next_at INTEGER
);
CREATE INDEX schedules_due ON schedules (next_at) WHERE paused = 0 AND next_at IS NOT NULL;

-- Due runs of syncs, at most one per function. `id` is the public id of the run that will start. `priority` is 0 if it
-- was triggered, else 1. `options` has the bits 1 reset, 2 empty cache, 4 full, 8 allow deletes. `first_run` is the run
-- that began the logical run, NULL if this one begins it; `idle` is the number of attempts without progress before it,
-- `mark` the position that the last attempt reached. `blocked` is 0 if a claim may start the run, otherwise the reason
-- for which the last claim did not: 1 a running run of the function, 2 the limit of the connection, 3 that of the
-- integration.
CREATE TABLE due_runs (
    function INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    integration TEXT NOT NULL,
    connection TEXT NOT NULL,
    priority INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    options INTEGER NOT NULL,
    first_run INTEGER,
    attempt INTEGER NOT NULL,
    idle INTEGER NOT NULL,
    mark TEXT,
    blocked INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX due_ready ON due_runs (priority, due_at, function) WHERE blocked = 0;
CREATE INDEX due_of_connection ON due_runs (integration, connection, priority, due_at) WHERE blocked = 2;
CREATE INDEX due_of_integration ON due_runs (integration, priority, due_at) WHERE blocked = 3;

-- Attempts of logical runs: `queued` is 1 if the run was due before it started, `first_run` is the first attempt, NULL
-- if this is the first. `checkpoint_version` is the version of the checkpoint at the start of the run.
ALTER TABLE runs ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN first_run INTEGER;
ALTER TABLE runs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
ALTER TABLE runs ADD COLUMN idle INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN options INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN mark TEXT;
ALTER TABLE runs ADD COLUMN checkpoint_version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_finished ON runs (finished_at) WHERE finished_at IS NOT NULL;

-- All running runs, for the limits of a claim and for runs whose lease has expired.
CREATE INDEX runs_running ON runs (lease_until) WHERE status = 'running';

-- The oldest schema version whose programs can use this database: later steps only add.
INSERT OR REPLACE INTO meta (key, value) VALUES ('readable_from', CAST('10' AS BLOB));
