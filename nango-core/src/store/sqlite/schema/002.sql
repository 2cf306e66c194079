-- The encryption policy: one row. `epoch` is its version, a new random number with each change. `active` is the id of
-- the key that new data is sealed with, NULL until the database is first used with a key ring. `hash_secret` is the
-- secret of the hashes of sealed payloads, itself sealed. `stage` and `place` are the position of a reseal pass;
-- `stage` is NULL when none is due. `scrub` is 1 while the file may contain remains of unencrypted payloads.
CREATE TABLE encryption (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    payloads INTEGER NOT NULL,
    active INTEGER,
    hash_secret BLOB,
    stage INTEGER,
    place INTEGER NOT NULL,
    scrub INTEGER NOT NULL
);
INSERT INTO encryption (one, epoch, payloads, place, scrub) VALUES (1, 0, 0, 0, 0);

-- The key that sealed the payload; 0 if it is not sealed. It is only read together with the payload, so it may follow
-- it.
ALTER TABLE records ADD COLUMN key_id INTEGER NOT NULL DEFAULT 0;
-- Size of the unencrypted payload in bytes, NULL if pruned; not stored. A sealed payload is 28 bytes longer.
ALTER TABLE records ADD COLUMN size INTEGER GENERATED ALWAYS AS (length(payload) - iif(key_id = 0, 0, 28)) VIRTUAL;
