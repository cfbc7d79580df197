-- Batches of orders that an operator made and signed without this server, and that were loaded: each once.
CREATE TABLE offline_batches (
    id BLOB NOT NULL PRIMARY KEY,
    operator TEXT NOT NULL REFERENCES operators (name),
    profile_type TEXT NOT NULL,
    orders INTEGER NOT NULL,
    loaded_at INTEGER NOT NULL,
    loaded_by TEXT NOT NULL
) WITHOUT ROWID;
