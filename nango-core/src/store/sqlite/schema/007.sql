-- Time of the first response of the token server without a token since one was last obtained; network errors do not
-- count.
ALTER TABLE connections ADD COLUMN rejected_since INTEGER;
