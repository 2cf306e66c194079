-- When the record was last updated, or deleted, at the provider, where its model names the field; microseconds since 1970.
ALTER TABLE record_keys ADD COLUMN updated INTEGER;
-- The older time that a full walk last returned for it, and the number of that walk.
ALTER TABLE record_keys ADD COLUMN older INTEGER;
ALTER TABLE record_keys ADD COLUMN older_walk INTEGER;
-- Writes that were older than the stored record.
ALTER TABLE run_models ADD COLUMN skipped_older INTEGER NOT NULL DEFAULT 0;
