-- Time of the last update or deletion at the provider, if the model names the field; microseconds since 1970 (UTC).
ALTER TABLE record_keys ADD COLUMN updated INTEGER;
-- Older time that a full walk last returned for the record, and the number of that walk.
ALTER TABLE record_keys ADD COLUMN older INTEGER;
ALTER TABLE record_keys ADD COLUMN older_walk INTEGER;
-- Number of writes that were older than the stored record.
ALTER TABLE run_models ADD COLUMN skipped_older INTEGER NOT NULL DEFAULT 0;
