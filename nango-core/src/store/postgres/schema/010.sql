-- Keys of the HTTP API: only hashes. `scopes` and `integrations` are lists of texts in JSON; times are microseconds since
-- 1970 (UTC).
CREATE TABLE nango_rs.api_keys (
    id BYTEA PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    integrations TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX api_key_names ON nango_rs.api_keys (name) WHERE revoked_at IS NULL;
-- Secrets of the instance, sealed for their names.
CREATE TABLE nango_rs.secrets (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);
