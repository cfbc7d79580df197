-- Orders that are being placed at an SM-DP+, each from before its first call. The row goes with the insertion of the
-- subscription, or when nothing of the order is left at the SM-DP+. One that stays is of an order that nobody here has: it is
-- given up there.
CREATE TABLE intents (
    call_id TEXT NOT NULL PRIMARY KEY, -- its functionCallIdentifiers begin so
    operator TEXT NOT NULL REFERENCES operators (name),
    carrier TEXT NOT NULL,
    plan TEXT NOT NULL,
    profile_type TEXT NOT NULL,
    smdp TEXT NOT NULL, -- the supplier's name in the configuration
    iccid BLOB, -- from before ConfirmOrder on; without it nothing can have been sold
    eid BLOB,
    device_id TEXT,
    reference TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    due_at INTEGER NOT NULL, -- when it is given up, or that is tried again
    attempts INTEGER NOT NULL DEFAULT 0, -- to give it up: after the first one nobody goes on with the order
    problem TEXT -- why the last one failed
) WITHOUT ROWID;

CREATE INDEX intents_by_time ON intents (due_at);

-- Lists of events of one kind. Changes of state are so many of all events that a list of them needs no index of its own.
CREATE INDEX events_by_kind ON events (operator, kind, at, number) WHERE kind <> 'State';
