-- People who sign in at the operator's portal. NULL as operator: the staff of the server, who see every operator's things.
CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    operator TEXT REFERENCES operators (name),
    role TEXT NOT NULL,
    password TEXT, -- Argon2id in the PHC text form; NULL: signs in by passkey only
    handle BLOB NOT NULL UNIQUE, -- the user handle of WebAuthn: random, says nothing of who it is
    disabled INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    signed_in_at INTEGER
);

CREATE INDEX users_by_operator ON users (operator);

-- WebAuthn credentials: P-256 keys, as uncompressed points.
CREATE TABLE passkeys (
    credential BLOB NOT NULL PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (id),
    public_key BLOB NOT NULL,
    counter INTEGER NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER
) WITHOUT ROWID;

CREATE INDEX passkeys_by_user ON passkeys (user);

-- Browsers that are signed in, by the SHA-256 of their token.
CREATE TABLE browser_sessions (
    token BLOB NOT NULL PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX browser_sessions_by_user ON browser_sessions (user);
CREATE INDEX browser_sessions_by_expiry ON browser_sessions (expires_at);

-- Challenges of WebAuthn that were answered: none is answered twice. What is expired is refused anyway, and forgotten.
CREATE TABLE spent_challenges (
    challenge BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
