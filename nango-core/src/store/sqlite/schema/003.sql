-- The version of the credentials grows with each change of them: a token that was obtained with older ones is not stored.
ALTER TABLE connections ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- When the token is to be renewed, if it is: a while before its end.
ALTER TABLE connections ADD COLUMN renew_at INTEGER;
-- Whose turn it is to renew the token, and how long. Who ended a turn leaves nothing; a turn that is over and still stands
-- here was interrupted.
ALTER TABLE connections ADD COLUMN refresh_holder BLOB;
ALTER TABLE connections ADD COLUMN refresh_until INTEGER;
-- The failures since a token was last obtained. `refused` is 1 when another attempt with these credentials is in vain.
ALTER TABLE connections ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN failed_at INTEGER;
ALTER TABLE connections ADD COLUMN failure TEXT;
ALTER TABLE connections ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
-- The processes that work with this database now: an API's quota is divided by them.
CREATE TABLE processes (id BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
