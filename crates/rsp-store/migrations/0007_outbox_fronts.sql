-- Only the first message of a lane may go, whatever the others wait for. unexecuted counts the attempts of which it is known
-- that the recipient did not execute them. The addressee is an operator wherever its endpoint is, or else a server.
ALTER TABLE outbox ADD COLUMN front INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN unexecuted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN addressee TEXT GENERATED ALWAYS AS
    (CASE WHEN operator IS NULL THEN 'server ' || lower(recipient) ELSE 'operator ' || operator END) VIRTUAL;

UPDATE outbox SET front = 1 WHERE number = (SELECT MIN(e.number) FROM outbox e WHERE e.lane = outbox.lane);

DROP INDEX outbox_by_time;

-- What may go, what is under way, and what is old: each found without a look at the rest.
CREATE INDEX outbox_fronts ON outbox (addressee, due_at) WHERE front = 1;
CREATE INDEX outbox_taken ON outbox (addressee, due_at) WHERE attempts > 0 AND problem IS NULL;
CREATE INDEX outbox_by_age ON outbox (created_at);

CREATE TRIGGER outbox_next AFTER DELETE ON outbox WHEN OLD.front = 1
BEGIN
    UPDATE outbox SET front = 1
    WHERE lane = OLD.lane AND number = (SELECT MIN(number) FROM outbox WHERE lane = OLD.lane);
END;
