-- Keys of the HTTP API: only hashes. `scopes` and `integrations` are lists of texts in JSON; times are microseconds since
-- 1970 (UTC).
CREATE TABLE api_keys (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    integrations TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX api_key_names ON api_keys (name) WHERE revoked_at IS NULL;
-- Secrets of the instance, sealed for their names.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
