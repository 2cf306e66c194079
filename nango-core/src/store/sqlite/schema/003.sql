-- Version of the credentials, which increases with each change: a token that was obtained with older ones is not
-- stored.
ALTER TABLE connections ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- When the token is to be refreshed, if it expires: some time before it does.
ALTER TABLE connections ADD COLUMN renew_at INTEGER;
-- Refresh lease: its holder and its end. Both are NULL after a refresh has ended; an expired lease that is still stored
-- was interrupted.
ALTER TABLE connections ADD COLUMN refresh_holder BLOB;
ALTER TABLE connections ADD COLUMN refresh_until INTEGER;
-- Failures since a token was last obtained. `refused` is 1 if another attempt with these credentials cannot succeed.
ALTER TABLE connections ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN failed_at INTEGER;
ALTER TABLE connections ADD COLUMN failure TEXT;
ALTER TABLE connections ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
-- Active processes of this database: the quota of an API is divided by their number.
CREATE TABLE processes (id BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
