-- Schedules of syncs. `paused` is 1 if nothing is due. `frequency` overrides the declared one; NULL: as declared.
-- `anchor` is the start of the grid of due times, `interval` the distance of the grid that `next_at` belongs to, in
-- microseconds; both `interval` and `next_at` are NULL if the sync runs only when triggered.
CREATE TABLE nango_rs.schedules (
    function BIGINT PRIMARY KEY,
    paused BIGINT NOT NULL,
    frequency TEXT,
    interval BIGINT,
    anchor BIGINT NOT NULL,
    next_at BIGINT
) WITH (fillfactor = 70);
CREATE INDEX schedules_due ON nango_rs.schedules (next_at) WHERE paused = 0 AND next_at IS NOT NULL;

-- Due runs of syncs, at most one per function. `id` is the public id of the run that will start. `priority` is 0 if it
-- was triggered, else 1. `options` has the bits 1 reset, 2 empty cache, 4 full, 8 allow deletes. `first_run` is the run
-- that began the logical run, NULL if this one begins it; `idle` is the number of attempts without progress before it,
-- `mark` the position that the last attempt reached. `blocked` is 0 if a claim may start the run, otherwise the reason
-- for which the last claim did not: 1 a running run of the function, 2 the limit of the connection, 3 that of the
-- integration.
CREATE TABLE nango_rs.due_runs (
    function BIGINT PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    integration TEXT COLLATE "C" NOT NULL,
    connection TEXT COLLATE "C" NOT NULL,
    priority BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    options BIGINT NOT NULL,
    first_run BIGINT,
    attempt BIGINT NOT NULL,
    idle BIGINT NOT NULL,
    mark TEXT COLLATE "C",
    blocked BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX due_ready ON nango_rs.due_runs (priority, due_at, function) WHERE blocked = 0;
CREATE INDEX due_of_connection ON nango_rs.due_runs (integration, connection, priority, due_at) WHERE blocked = 2;
CREATE INDEX due_of_integration ON nango_rs.due_runs (integration, priority, due_at) WHERE blocked = 3;

-- Attempts of logical runs: `queued` is 1 if the run was due before it started, `first_run` is the first attempt, NULL
-- if this is the first. `checkpoint_version` is the version of the checkpoint at the start of the run.
ALTER TABLE nango_rs.runs ADD COLUMN queued BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nango_rs.runs ADD COLUMN first_run BIGINT;
ALTER TABLE nango_rs.runs ADD COLUMN attempt BIGINT NOT NULL DEFAULT 1;
ALTER TABLE nango_rs.runs ADD COLUMN idle BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nango_rs.runs ADD COLUMN options BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nango_rs.runs ADD COLUMN mark TEXT COLLATE "C";
ALTER TABLE nango_rs.runs ADD COLUMN checkpoint_version BIGINT NOT NULL DEFAULT 0;
CREATE INDEX runs_finished ON nango_rs.runs (finished_at) WHERE finished_at IS NOT NULL;
-- All running runs, for the limits of a claim and for runs whose lease has expired.
CREATE INDEX runs_running ON nango_rs.runs (lease_until) WHERE status = 'running';

-- Time until which the process is marked as one that runs the schedules; 0 if it is not.
ALTER TABLE nango_rs.processes ADD COLUMN serving BIGINT NOT NULL DEFAULT 0;

-- The oldest schema version whose programs can use this database: later steps only add.
INSERT INTO nango_rs.meta (key, value) VALUES ('readable_from', '\x39')
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
