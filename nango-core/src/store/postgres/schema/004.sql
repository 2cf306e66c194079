-- Time of the last update or deletion at the provider, if the model names the field; microseconds since 1970 (UTC).
ALTER TABLE nango_rs.record_keys ADD COLUMN updated BIGINT;
-- Older time that a full walk last returned for the record, and the number of that walk.
ALTER TABLE nango_rs.record_keys ADD COLUMN older BIGINT;
ALTER TABLE nango_rs.record_keys ADD COLUMN older_walk BIGINT;
-- Number of writes that were older than the stored record.
ALTER TABLE nango_rs.run_models ADD COLUMN skipped_older BIGINT NOT NULL DEFAULT 0;
