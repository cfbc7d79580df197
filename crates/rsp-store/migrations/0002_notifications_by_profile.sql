-- A sequence number counts once for a profile of an eUICC. An installation result is identified by its session instead:
-- a card that was made anew counts from 1 again, so that a number may appear more than once.
CREATE TABLE notifications_by_profile (
    eid BLOB NOT NULL,
    seq_number INTEGER NOT NULL,
    iccid BLOB,
    event TEXT NOT NULL,
    body BLOB NOT NULL,
    received_at INTEGER NOT NULL
);

INSERT INTO notifications_by_profile (eid, seq_number, iccid, event, body, received_at)
SELECT eid, seq_number, iccid, event, body, received_at FROM notifications;

DROP TABLE notifications;

ALTER TABLE notifications_by_profile RENAME TO notifications;

CREATE INDEX notifications_by_number ON notifications (iccid, eid, seq_number);
