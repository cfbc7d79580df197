-- Events that wait at an SM-DS for their eUICCs (SGP.22 3.6.1), numbered in the order of their registration. Whoever
-- registered an event is named by its OID; its event_id is unique among its own.
CREATE TABLE event_records (
    number INTEGER PRIMARY KEY,
    registrar TEXT NOT NULL,
    event_id TEXT NOT NULL,
    eid BLOB NOT NULL,
    rsp_server_address TEXT NOT NULL,
    -- The same event at a parent SM-DS: its event_id there, and the address of the parent.
    forwarded_as TEXT,
    forwarded_to TEXT,
    registered_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (registrar, event_id)
);

CREATE INDEX event_records_by_eid ON event_records (eid, registrar);
CREATE INDEX event_records_by_expiry ON event_records (expires_at);

-- How many of them each registrar has: counting a million for each registration would take longer than the rest of it.
CREATE TABLE event_registrars (
    registrar TEXT NOT NULL PRIMARY KEY,
    records INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER event_registered AFTER INSERT ON event_records
BEGIN
    INSERT INTO event_registrars (registrar, records) VALUES (NEW.registrar, 1)
    ON CONFLICT (registrar) DO UPDATE SET records = records + 1;
END;

CREATE TRIGGER event_deleted AFTER DELETE ON event_records
BEGIN
    UPDATE event_registrars SET records = records - 1 WHERE registrar = OLD.registrar;
END;

-- Sessions of eUICCs that asked for their events, by transactionId: each is answered once. Remembered for as long as it
-- could be begun.
CREATE TABLE event_sessions (
    transaction_id BLOB NOT NULL PRIMARY KEY,
    begins_by INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX event_sessions_by_end ON event_sessions (begins_by);
