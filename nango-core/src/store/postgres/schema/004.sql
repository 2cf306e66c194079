-- When the record was last updated, or deleted, at the provider, where its model names the field; microseconds since 1970.
ALTER TABLE nango_rs.record_keys ADD COLUMN updated BIGINT;
-- The older time that a full walk last returned for it, and the number of that walk.
ALTER TABLE nango_rs.record_keys ADD COLUMN older BIGINT;
ALTER TABLE nango_rs.record_keys ADD COLUMN older_walk BIGINT;
-- Writes that were older than the stored record.
ALTER TABLE nango_rs.run_models ADD COLUMN skipped_older BIGINT NOT NULL DEFAULT 0;
