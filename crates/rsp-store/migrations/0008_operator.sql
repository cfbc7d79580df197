-- What happened, in its order: changes of orders, steps of sessions, usage, what the network was told. Written with the change
-- itself. Whoever follows it reads on behind the number that it saw last.
CREATE TABLE events (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    operator TEXT, -- whose; NULL is the server's own
    iccid BLOB, -- NULL where it is about no profile
    profile_type TEXT,
    version INTEGER, -- of the profile after the change; State only
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT,
    step TEXT, -- the function of the session; Step only
    subject TEXT, -- why it was refused
    reason TEXT,
    seconds INTEGER, -- from the release to the installation; with to_state Installed only
    detail TEXT -- what else is to be said; nothing secret
);

INSERT INTO events (at, operator, iccid, profile_type, version, kind, actor, from_state, to_state)
SELECT e.at, p.operator, e.iccid, p.profile_type, e.version, 'State', e.actor, e.from_state, e.to_state
FROM profile_events e LEFT JOIN profiles p ON p.iccid = e.iccid
ORDER BY e.at, e.iccid, e.version;

-- Before what looks for each installation's release.
CREATE INDEX events_by_iccid ON events (iccid, number);

UPDATE events SET seconds = at - (
    SELECT r.at FROM events r
    WHERE r.iccid = events.iccid AND r.to_state = 'Released' AND r.number < events.number
    ORDER BY r.number DESC LIMIT 1)
WHERE to_state = 'Installed';

DROP TRIGGER profile_created;
DROP TRIGGER profile_moved;
DROP TABLE profile_events;

CREATE INDEX events_by_operator ON events (operator, at, number);
CREATE INDEX events_by_state ON events (operator, to_state, at, number) WHERE to_state IS NOT NULL;
CREATE INDEX events_by_step ON events (operator, step, subject, reason, at, number) WHERE step IS NOT NULL;
CREATE INDEX events_refused ON events (operator, at, number) WHERE subject IS NOT NULL;
CREATE INDEX events_activations ON events (operator, at, number, seconds) WHERE seconds IS NOT NULL;

-- How many orders of each type stand in each state. '' is the server's own.
CREATE TABLE order_counts (
    operator TEXT NOT NULL,
    profile_type TEXT NOT NULL,
    state TEXT NOT NULL,
    orders INTEGER NOT NULL,
    PRIMARY KEY (operator, profile_type, state)
) WITHOUT ROWID;

INSERT INTO order_counts (operator, profile_type, state, orders)
SELECT coalesce(operator, ''), profile_type, state, count(*) FROM profiles GROUP BY 1, 2, 3;

-- How many events of each kind there were on each day (since 1970, UTC). outcome is the new state, or subject/reason of a
-- refusal, or ''.
CREATE TABLE event_counts (
    operator TEXT NOT NULL,
    day INTEGER NOT NULL,
    profile_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    step TEXT NOT NULL,
    outcome TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (operator, day, profile_type, kind, step, outcome)
) WITHOUT ROWID;

INSERT INTO event_counts (operator, day, profile_type, kind, step, outcome, events)
SELECT coalesce(operator, ''), at / 86400, coalesce(profile_type, ''), kind, '', to_state, count(*)
FROM events GROUP BY 1, 2, 3, 4, 5, 6;

CREATE TRIGGER event_counted AFTER INSERT ON events
BEGIN
    INSERT INTO event_counts (operator, day, profile_type, kind, step, outcome, events)
    VALUES (coalesce(NEW.operator, ''), NEW.at / 86400, coalesce(NEW.profile_type, ''), NEW.kind, coalesce(NEW.step, ''),
            coalesce(NEW.to_state, NEW.subject || '/' || NEW.reason, ''), 1)
    ON CONFLICT (operator, day, profile_type, kind, step, outcome) DO UPDATE SET events = events + 1;
END;

CREATE TRIGGER profile_created AFTER INSERT ON profiles
BEGIN
    INSERT INTO order_counts (operator, profile_type, state, orders)
    VALUES (coalesce(NEW.operator, ''), NEW.profile_type, NEW.state, 1)
    ON CONFLICT (operator, profile_type, state) DO UPDATE SET orders = orders + 1;
    INSERT INTO events (at, operator, iccid, profile_type, version, kind, actor, from_state, to_state)
    VALUES (NEW.updated_at, NEW.operator, NEW.iccid, NEW.profile_type, NEW.version, 'State', NEW.updated_by, NULL, NEW.state);
END;

CREATE TRIGGER profile_moved AFTER UPDATE OF state ON profiles WHEN OLD.state <> NEW.state
BEGIN
    UPDATE order_counts SET orders = orders - 1
    WHERE operator = coalesce(OLD.operator, '') AND profile_type = OLD.profile_type AND state = OLD.state;
    INSERT INTO order_counts (operator, profile_type, state, orders)
    VALUES (coalesce(NEW.operator, ''), NEW.profile_type, NEW.state, 1)
    ON CONFLICT (operator, profile_type, state) DO UPDATE SET orders = orders + 1;
    INSERT INTO events (at, operator, iccid, profile_type, version, kind, actor, from_state, to_state, seconds)
    VALUES (NEW.updated_at, NEW.operator, NEW.iccid, NEW.profile_type, NEW.version, 'State', NEW.updated_by, OLD.state, NEW.state,
            CASE WHEN NEW.state = 'Installed' THEN max(0, NEW.updated_at - (
                SELECT at FROM events WHERE iccid = NEW.iccid AND to_state = 'Released' ORDER BY number DESC LIMIT 1)) END);
END;

-- Lists of orders begin with the newest. order_counts says which of these ranges there are.
CREATE INDEX profiles_by_place ON profiles (operator, profile_type, state, created_at, iccid);

-- What an operator sells: a type of profiles, and what the subscription comes with. The latter is the operator's business and
-- never in the profile.
CREATE TABLE plans (
    operator TEXT NOT NULL REFERENCES operators (name),
    carrier TEXT NOT NULL,
    name TEXT NOT NULL,
    profile_type TEXT NOT NULL, -- at the SM-DP+ where it is ordered
    country TEXT NOT NULL, -- of the carrier, ISO 3166-1 alpha-2
    coverage TEXT NOT NULL, -- countries where it is valid, with spaces between them
    data_bytes INTEGER,
    voice_seconds INTEGER,
    messages INTEGER,
    validity_days INTEGER,
    throttle_kbps INTEGER, -- after the allowance is used up
    price INTEGER, -- in the smallest unit of its currency
    currency TEXT,
    closed INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (operator, carrier, name)
) WITHOUT ROWID;

-- Subscriptions that were handed out: what the SM-DP+ does not know of them, and what is known of those that another SM-DP+ has.
CREATE TABLE esims (
    operator TEXT NOT NULL REFERENCES operators (name),
    iccid BLOB NOT NULL,
    carrier TEXT NOT NULL,
    plan TEXT NOT NULL,
    profile_type TEXT NOT NULL,
    country TEXT NOT NULL,
    smdp TEXT NOT NULL, -- the supplier's name in the configuration
    own INTEGER NOT NULL, -- whether its order is among the profiles here
    activation_code BLOB NOT NULL, -- sealed
    confirmation_code_required INTEGER NOT NULL,
    eid BLOB,
    device_id TEXT,
    reference TEXT,
    network TEXT NOT NULL DEFAULT 'active',
    cancelled INTEGER NOT NULL DEFAULT 0, -- for orders of which this SM-DP+ keeps no state
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (operator, iccid)
) WITHOUT ROWID;

CREATE INDEX esims_elsewhere ON esims (operator, created_at, iccid) WHERE own = 0;
CREATE INDEX esims_elsewhere_by_iccid ON esims (iccid) WHERE own = 0;
CREATE INDEX esims_by_eid ON esims (eid) WHERE eid IS NOT NULL;
CREATE INDEX esims_by_reference ON esims (operator, reference) WHERE reference IS NOT NULL;

-- Who did what stays as it was written. Whose it is to see: a tenant's own, or NULL for what was done to the server.
ALTER TABLE audit ADD COLUMN operator TEXT;

CREATE INDEX audit_by_operator ON audit (operator, id);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the log only grows');
END;

CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the log only grows');
END;
