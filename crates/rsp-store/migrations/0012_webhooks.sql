-- Where an operator's events go.
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    operator TEXT NOT NULL REFERENCES operators (name),
    url BLOB NOT NULL, -- sealed: what follows the host may be a secret of the receiver
    kinds TEXT NOT NULL, -- of events, with spaces between them
    after INTEGER NOT NULL, -- the newest event when it was added; what happened before is not told
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0,
    given_up INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE INDEX webhooks_by_operator ON webhooks (operator, created_at, id);

-- With each of those that have not expired a message is signed.
CREATE TABLE webhook_secrets (
    webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    secret BLOB NOT NULL, -- sealed
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (webhook, number)
) WITHOUT ROWID;

-- The last attempts: a new one takes the place of the oldest.
CREATE TABLE webhook_deliveries (
    webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    number INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    iccid BLOB,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    status INTEGER, -- of HTTP; NULL without an answer
    problem TEXT,
    outcome TEXT NOT NULL,
    PRIMARY KEY (webhook, place)
) WITHOUT ROWID;

-- How far the events have been handed to webhooks.
CREATE TABLE webhook_cursor (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
);

INSERT INTO webhook_cursor (id, number) SELECT 1, coalesce(max(number), 0) FROM events;

-- What somebody reported that a subscription used, each report once.
CREATE TABLE usage_records (
    operator TEXT NOT NULL REFERENCES operators (name),
    id TEXT NOT NULL,
    iccid BLOB NOT NULL,
    data_bytes INTEGER NOT NULL,
    voice_seconds INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    received_from TEXT NOT NULL,
    PRIMARY KEY (operator, id)
) WITHOUT ROWID;

-- What was added to the allowance of a plan, each once.
CREATE TABLE top_ups (
    operator TEXT NOT NULL REFERENCES operators (name),
    id TEXT NOT NULL,
    iccid BLOB NOT NULL,
    data_bytes INTEGER NOT NULL,
    voice_seconds INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    days INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    PRIMARY KEY (operator, id)
) WITHOUT ROWID;

CREATE INDEX top_ups_by_iccid ON top_ups (operator, iccid, at);

-- The sums of both, and until when a subscription is valid. warn_at is when it is said next that this ends.
CREATE TABLE usage_counters (
    operator TEXT NOT NULL REFERENCES operators (name),
    iccid BLOB NOT NULL,
    data_bytes INTEGER NOT NULL DEFAULT 0,
    voice_seconds INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    added_data_bytes INTEGER NOT NULL DEFAULT 0,
    added_voice_seconds INTEGER NOT NULL DEFAULT 0,
    added_messages INTEGER NOT NULL DEFAULT 0,
    added_days INTEGER NOT NULL DEFAULT 0,
    valid_from INTEGER,
    expires_at INTEGER,
    warn_at INTEGER,
    PRIMARY KEY (operator, iccid)
) WITHOUT ROWID;

CREATE INDEX usage_counters_by_warning ON usage_counters (warn_at) WHERE warn_at IS NOT NULL;

-- A plan's days begin with the first installation. Nothing is warned of that is over already.
CREATE TRIGGER validity_begins AFTER INSERT ON events WHEN NEW.to_state = 'Installed' AND NEW.operator IS NOT NULL
BEGIN
    INSERT INTO usage_counters (operator, iccid, valid_from, expires_at, warn_at)
    SELECT e.operator, e.iccid, NEW.at, NEW.at + p.validity_days * 86400,
           NEW.at + 86400 * (p.validity_days - CASE WHEN p.validity_days > 3 THEN 3 WHEN p.validity_days > 1 THEN 1 ELSE 0 END)
    FROM esims e JOIN plans p ON p.operator = e.operator AND p.carrier = e.carrier AND p.name = e.plan
    WHERE e.operator = NEW.operator AND e.iccid = NEW.iccid AND p.validity_days BETWEEN 1 AND 36500
    ON CONFLICT (operator, iccid) DO UPDATE
    SET valid_from = excluded.valid_from,
        expires_at = excluded.expires_at + added_days * 86400,
        warn_at = excluded.warn_at + added_days * 86400
    WHERE valid_from IS NULL;
END;
