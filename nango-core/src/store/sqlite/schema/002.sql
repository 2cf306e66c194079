-- What is sealed, and with which key: one row. `epoch` is drawn anew with each change of the others. `active` is the id of
-- the key that everything new is sealed with, NULL until the database was given a ring. `hash_secret` is the secret of the
-- hashes of sealed payloads, sealed itself. `stage` and `place` say how far a walk over what is there has come; `stage` is
-- NULL when there is nothing to do. `scrub` is 1 while the file may hold remains of plain payloads.
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

-- The key that sealed the payload; 0: it is plain. It is read together with the payload only, so it may stand behind it.
ALTER TABLE records ADD COLUMN key_id INTEGER NOT NULL DEFAULT 0;
-- The size of the payload as if it were plain, NULL when pruned; it takes no room. A sealed one is 28 bytes longer.
ALTER TABLE records ADD COLUMN size INTEGER GENERATED ALWAYS AS (length(payload) - iif(key_id = 0, 0, 28)) VIRTUAL;
