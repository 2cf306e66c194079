-- Description of a connection by the application: its end user (JSON), tags (a JSON object of texts), and the URL that
-- receives its webhooks instead of the configured one.
ALTER TABLE nango_rs.connections ADD COLUMN end_user TEXT;
ALTER TABLE nango_rs.connections ADD COLUMN tags TEXT;
ALTER TABLE nango_rs.connections ADD COLUMN webhook_url TEXT;
