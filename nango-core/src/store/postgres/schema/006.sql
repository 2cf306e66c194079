-- When a token server first answered without a token since one was last obtained; failures of the network do not count.
ALTER TABLE nango_rs.connections ADD COLUMN rejected_since BIGINT;
