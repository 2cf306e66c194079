-- Version of the credentials, which increases with each change: a token that was obtained with older ones is not
-- stored.
ALTER TABLE nango_rs.connections ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- When the token is to be refreshed, if it expires: some time before it does.
ALTER TABLE nango_rs.connections ADD COLUMN renew_at BIGINT;
-- Refresh lease: its holder and its end. Both are NULL after a refresh has ended; an expired lease that is still stored
-- was interrupted.
ALTER TABLE nango_rs.connections ADD COLUMN refresh_holder BYTEA;
ALTER TABLE nango_rs.connections ADD COLUMN refresh_until BIGINT;
-- Failures since a token was last obtained. `refused` is 1 if another attempt with these credentials cannot succeed.
ALTER TABLE nango_rs.connections ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nango_rs.connections ADD COLUMN failed_at BIGINT;
ALTER TABLE nango_rs.connections ADD COLUMN failure TEXT;
ALTER TABLE nango_rs.connections ADD COLUMN refused BIGINT NOT NULL DEFAULT 0;
-- Active processes of this database: the quota of an API is divided by their number.
CREATE TABLE nango_rs.processes (id BYTEA PRIMARY KEY, until BIGINT NOT NULL);
