-- Earlier versions stored responses of APIs, even if they repeated a credential or a record. The texts that contain one
-- cannot be identified, because the credentials may have been removed: all texts are removed, kinds and counts stay.
UPDATE nango_rs.runs SET error = json_build_object(
    'kind', coalesce(error::json ->> 'kind', 'Internal'),
    'message', 'The text was removed when the database was upgraded: earlier versions stored answers of APIs as they came.'
)::text WHERE error IS NOT NULL;
UPDATE nango_rs.connections SET failure =
    'the text was removed when the database was upgraded, because earlier versions stored answers of APIs as they came'
WHERE failure IS NOT NULL;
TRUNCATE nango_rs.run_logs;
-- Secrets in the configuration of connections are sealed at the next start, when the key is available.
INSERT INTO nango_rs.meta (key, value) SELECT 'note:plain_config', '\x01' WHERE EXISTS (SELECT FROM nango_rs.connections);
