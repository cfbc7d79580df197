-- Keys with which an operator's programs call the REST API. Of a secret only an Argon2id hash is kept; the one before a
-- rotation is good for a while beside the new one.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY, -- the public part
    operator TEXT NOT NULL REFERENCES operators (name),
    name TEXT NOT NULL, -- for people
    rights TEXT NOT NULL, -- names with commas between them
    hash TEXT NOT NULL,
    previous_hash TEXT,
    previous_until INTEGER, -- the last second of the previous secret
    created_at INTEGER NOT NULL,
    rotated_at INTEGER,
    expires_at INTEGER, -- the last second of the key
    revoked_at INTEGER,
    used_at INTEGER -- to the minute
) WITHOUT ROWID;

CREATE INDEX api_keys_by_operator ON api_keys (operator, created_at);

-- Requests that carried an Idempotency-Key: a repetition gets the same answer instead of a second effect. Without a response
-- it is being executed, or was when the server stopped.
CREATE TABLE idempotency_keys (
    operator TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request BLOB NOT NULL, -- SHA-256 of method, path and body
    claim BLOB NOT NULL, -- which execution it is
    response BLOB, -- sealed
    at INTEGER NOT NULL,
    PRIMARY KEY (operator, idempotency_key)
) WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at);

-- Keys that sign receipts of what happened. The newest one signs; all of them stay published.
CREATE TABLE receipt_keys (
    id TEXT NOT NULL PRIMARY KEY, -- JWK thumbprint
    secret BLOB NOT NULL, -- sealed: scalar of the P-256 key
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
