-- In which order an eUICC installed and deleted a profile, by the sequence numbers that it gave to both: notifications may
-- arrive in any other.
CREATE TABLE installations (
    iccid BLOB NOT NULL,
    eid BLOB NOT NULL,
    installed INTEGER NOT NULL, -- the result of the last installation; 0 before the first
    deleted INTEGER, -- a deletion that waits for the result of the installation that it follows
    settled BLOB, -- the last delivery whose result came, of those that were the last
    awaited BLOB, -- the delivery whose result is still awaited, although an earlier one's installed the profile
    PRIMARY KEY (iccid, eid)
) WITHOUT ROWID;

INSERT INTO installations (iccid, eid, installed)
SELECT iccid, eid, seq_number FROM notifications
WHERE rowid IN (
    SELECT MAX(rowid) FROM notifications WHERE event = 'notificationInstall' AND iccid IS NOT NULL GROUP BY iccid, eid
);
