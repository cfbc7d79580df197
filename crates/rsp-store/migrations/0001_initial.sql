-- The data-encryption key, wrapped by the key-encryption key that the caller gives. One row.
CREATE TABLE store_key (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    wrapped BLOB NOT NULL
);

-- Profile types that an operator can order. A template is personalised anew for each order; the other types hold an
-- inventory of finished profiles.
CREATE TABLE profile_types (
    name TEXT NOT NULL PRIMARY KEY,
    template INTEGER NOT NULL,
    metadata BLOB NOT NULL,
    package_size INTEGER NOT NULL,
    package BLOB, -- sealed; templates only
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- One profile and the order that it belongs to, if any (SGP.22 3.1.6). `version` counts the row's changes: an update
-- names the version that it read.
CREATE TABLE profiles (
    iccid BLOB NOT NULL PRIMARY KEY,
    profile_type TEXT NOT NULL REFERENCES profile_types (name),
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    eid BLOB,
    matching_id TEXT UNIQUE,
    metadata BLOB NOT NULL,
    package_size INTEGER NOT NULL,
    confirmation_code BLOB, -- sealed SHA-256 of the code
    confirmation_tries INTEGER NOT NULL,
    download_tries INTEGER NOT NULL,
    binding BLOB, -- sealed one-time key pair of the last binding
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX profiles_by_eid ON profiles (eid) WHERE eid IS NOT NULL;
-- Only what can be ordered: the steps of a download do not touch it.
CREATE INDEX profiles_available ON profiles (profile_type, created_at, iccid) WHERE state = 'Available';

-- Apart from `profiles`, whose rows change with every step of a download.
CREATE TABLE packages (
    iccid BLOB NOT NULL PRIMARY KEY REFERENCES profiles (iccid),
    package BLOB NOT NULL -- sealed
);

-- What the operator's network must know of a profile that was personalised here.
CREATE TABLE subscribers (
    iccid BLOB NOT NULL PRIMARY KEY REFERENCES profiles (iccid),
    imsi TEXT NOT NULL UNIQUE,
    keys BLOB NOT NULL -- sealed: K, then OPc
) WITHOUT ROWID;

-- Every matching ID ever given out: none is given out twice, whatever became of its order.
CREATE TABLE matching_ids (
    matching_id TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- RSP sessions, by the transactionId that the server chose.
CREATE TABLE download_sessions (
    transaction_id BLOB NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    data BLOB NOT NULL, -- sealed
    iccid BLOB REFERENCES profiles (iccid),
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX download_sessions_by_expiry ON download_sessions (expires_at);

-- Notifications taken in: a sequence number of an eUICC counts once.
CREATE TABLE notifications (
    eid BLOB NOT NULL,
    seq_number INTEGER NOT NULL,
    iccid BLOB,
    event TEXT NOT NULL,
    body BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (eid, seq_number)
) WITHOUT ROWID;

-- Who moved which profile from where to where, and when.
CREATE TABLE profile_events (
    iccid BLOB NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    PRIMARY KEY (iccid, version)
) WITHOUT ROWID;

CREATE TRIGGER profile_created AFTER INSERT ON profiles
BEGIN
    INSERT INTO profile_events (iccid, version, at, actor, from_state, to_state)
    VALUES (NEW.iccid, NEW.version, NEW.updated_at, NEW.updated_by, NULL, NEW.state);
END;

CREATE TRIGGER profile_moved AFTER UPDATE OF state ON profiles WHEN OLD.state <> NEW.state
BEGIN
    INSERT INTO profile_events (iccid, version, at, actor, from_state, to_state)
    VALUES (NEW.iccid, NEW.version, NEW.updated_at, NEW.updated_by, OLD.state, NEW.state);
END;
