-- Earlier versions stored responses of APIs, even if they repeated a credential or a record. The texts that contain one
-- cannot be identified, because the credentials may have been removed: all texts are removed, kinds and counts stay.
UPDATE runs SET error = json_object(
    'kind', iif(json_valid(error), coalesce(json_extract(error, '$.kind'), 'Internal'), 'Internal'),
    'message', 'The text was removed when the database was upgraded: earlier versions stored answers of APIs as they came.'
) WHERE error IS NOT NULL;
UPDATE connections SET failure =
    'the text was removed when the database was upgraded, because earlier versions stored answers of APIs as they came'
WHERE failure IS NOT NULL;
DELETE FROM run_logs;
-- Secrets in the configuration of connections are sealed at the next start, when the key is available.
INSERT INTO meta (key, value) SELECT 'note:plain_config', x'01' WHERE EXISTS (SELECT 1 FROM connections);
