-- Nothing is stored of a session before its eUICC has authenticated itself: the transactionId says what must be known.
DELETE FROM download_sessions WHERE state = 'ExpectAuthenticateClient';

-- When to look whether a session is over. The steps of a session change expires_at alone, and so need not touch the index.
ALTER TABLE download_sessions ADD COLUMN examine_at INTEGER NOT NULL DEFAULT 0;

UPDATE download_sessions SET examine_at = expires_at;

DROP INDEX download_sessions_by_expiry;

CREATE INDEX download_sessions_by_examination ON download_sessions (examine_at);
