-- Links that hand out one eSIM once. Whoever has the link has the eSIM, so only its hash is here.
CREATE TABLE handoffs (
    link BLOB NOT NULL PRIMARY KEY, -- SHA-256
    operator TEXT NOT NULL REFERENCES operators (name),
    iccid BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) WITHOUT ROWID;

CREATE INDEX handoffs_by_iccid ON handoffs (operator, iccid);
CREATE INDEX handoffs_by_end ON handoffs (expires_at);

-- Lists of orders that somebody uploaded, worked off one row after the other.
CREATE TABLE batches (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    operator TEXT NOT NULL REFERENCES operators (name),
    name TEXT NOT NULL, -- of the file
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    cancelled_at INTEGER
);

CREATE INDEX batches_by_operator ON batches (operator, number);

CREATE TABLE batch_rows (
    batch INTEGER NOT NULL REFERENCES batches (number),
    line INTEGER NOT NULL, -- in the file
    carrier TEXT NOT NULL,
    plan TEXT NOT NULL,
    eid BLOB,
    device_id TEXT,
    reference TEXT,
    state TEXT NOT NULL,
    iccid BLOB, -- what was sold
    problem TEXT, -- why nothing was; nothing secret
    PRIMARY KEY (batch, line)
) WITHOUT ROWID;

CREATE INDEX batch_rows_waiting ON batch_rows (batch, line) WHERE state = 'waiting';
CREATE INDEX batch_rows_working ON batch_rows (batch, line) WHERE state = 'working';
