-- Who orders over ES2+: one client certificate is one operator.
CREATE TABLE operators (
    name TEXT NOT NULL PRIMARY KEY,
    certificate BLOB NOT NULL UNIQUE, -- SHA-256 of the TLS client certificate
    endpoint TEXT, -- where its notifications go
    iccid_prefix TEXT NOT NULL, -- digits with which each ICCID begins that it may name; may be empty
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Whose profile type it is; NULL is the server's own. A closed one is not ordered any more. A template with a range takes
-- its ICCIDs from there: without check digit, the next to be given and the last one. A stocked one takes its subscribers from
-- subscriber_stock, and from nowhere else.
ALTER TABLE profile_types ADD COLUMN operator TEXT REFERENCES operators (name);
ALTER TABLE profile_types ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE profile_types ADD COLUMN stocked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE profile_types ADD COLUMN iccid_next INTEGER;
ALTER TABLE profile_types ADD COLUMN iccid_last INTEGER;

-- Subscribers that wait for a profile of their type, in the order of their import. Orders take them away.
CREATE TABLE subscriber_stock (
    profile_type TEXT NOT NULL REFERENCES profile_types (name),
    position INTEGER NOT NULL,
    imsi TEXT NOT NULL UNIQUE,
    keys BLOB NOT NULL, -- sealed: K, then OPc
    PRIMARY KEY (profile_type, position)
) WITHOUT ROWID;

-- Whose the profile is, and the rules of its order. An unnamed order is asked for with an empty MatchingID; the one in its
-- row is told to nobody but an SM-DS.
ALTER TABLE profiles ADD COLUMN operator TEXT REFERENCES operators (name);
ALTER TABLE profiles ADD COLUMN policy TEXT NOT NULL DEFAULT 'one-time';
ALTER TABLE profiles ADD COLUMN unnamed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE profiles ADD COLUMN smds_address TEXT;
ALTER TABLE profiles ADD COLUMN download_limit INTEGER;
ALTER TABLE profiles ADD COLUMN confirmation_limit INTEGER;

-- Whose a matching ID stays whose release was taken back: it may have been heard of, so that only the same profile gets it.
ALTER TABLE matching_ids ADD COLUMN kept_for BLOB;

CREATE INDEX profiles_by_expiry ON profiles (expires_at) WHERE expires_at IS NOT NULL;

-- Calls over ES2+ that were executed: a repetition gets the same answer, as long as nothing has happened to the order since.
CREATE TABLE calls (
    operator TEXT NOT NULL,
    call_id TEXT NOT NULL,
    request BLOB NOT NULL, -- SHA-256 of function and request
    response BLOB NOT NULL, -- sealed
    iccid BLOB NOT NULL,
    version INTEGER NOT NULL, -- of the profile after the call
    at INTEGER NOT NULL,
    PRIMARY KEY (operator, call_id, request)
) WITHOUT ROWID;

CREATE INDEX calls_by_time ON calls (at);

-- Messages to other servers. Those of a lane are delivered one after the other. Whoever takes one pushes due_at into the
-- future, counts the attempt and empties problem: only the last one who took it can settle it. A number may be given again
-- when its lane is empty, an id never.
CREATE TABLE outbox (
    lane TEXT NOT NULL,
    number INTEGER NOT NULL,
    id BLOB NOT NULL,
    function TEXT NOT NULL,
    operator TEXT, -- the recipient, if it is one: its endpoint may change
    recipient TEXT NOT NULL,
    body BLOB NOT NULL, -- sealed
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    problem TEXT, -- why the last attempt failed
    PRIMARY KEY (lane, number)
) WITHOUT ROWID;

CREATE INDEX outbox_by_time ON outbox (due_at);

-- Who did what to the server itself: its operators, its stock, what it refused to call.
CREATE TABLE audit (
    id INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL
);
