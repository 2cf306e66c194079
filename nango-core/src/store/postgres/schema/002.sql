-- The version of the credentials grows with each change of them: a token that was obtained with older ones is not stored.
ALTER TABLE nango_rs.connections ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- When the token is to be renewed, if it is: a while before its end.
ALTER TABLE nango_rs.connections ADD COLUMN renew_at BIGINT;
-- Whose turn it is to renew the token, and how long. Who ended a turn leaves nothing; a turn that is over and still stands
-- here was interrupted.
ALTER TABLE nango_rs.connections ADD COLUMN refresh_holder BYTEA;
ALTER TABLE nango_rs.connections ADD COLUMN refresh_until BIGINT;
-- The failures since a token was last obtained. `refused` is 1 when another attempt with these credentials is in vain.
ALTER TABLE nango_rs.connections ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nango_rs.connections ADD COLUMN failed_at BIGINT;
ALTER TABLE nango_rs.connections ADD COLUMN failure TEXT;
ALTER TABLE nango_rs.connections ADD COLUMN refused BIGINT NOT NULL DEFAULT 0;
-- The processes that work with this database now: an API's quota is divided by them.
CREATE TABLE nango_rs.processes (id BYTEA PRIMARY KEY, until BIGINT NOT NULL);
