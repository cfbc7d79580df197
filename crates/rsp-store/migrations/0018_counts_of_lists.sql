-- How many rows of each list of orders stand where: a page that shows a hundred lists counts none of their rows.
CREATE TABLE batch_counts (
    batch INTEGER NOT NULL,
    state TEXT NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (batch, state)
) WITHOUT ROWID;

INSERT INTO batch_counts (batch, state, rows) SELECT batch, state, count(*) FROM batch_rows GROUP BY 1, 2;

CREATE TRIGGER batch_row_counted AFTER INSERT ON batch_rows
BEGIN
    INSERT INTO batch_counts (batch, state, rows) VALUES (NEW.batch, NEW.state, 1)
    ON CONFLICT (batch, state) DO UPDATE SET rows = rows + 1;
END;

CREATE TRIGGER batch_row_moved AFTER UPDATE OF state ON batch_rows WHEN OLD.state <> NEW.state
BEGIN
    UPDATE batch_counts SET rows = rows - 1 WHERE batch = OLD.batch AND state = OLD.state;
    INSERT INTO batch_counts (batch, state, rows) VALUES (NEW.batch, NEW.state, 1)
    ON CONFLICT (batch, state) DO UPDATE SET rows = rows + 1;
END;

-- Lists of orders that other SM-DP+s have, of one type, cancelled or not: elsewhere_counts says which of these ranges there are.
DROP INDEX esims_elsewhere;
CREATE INDEX esims_elsewhere ON esims (operator, profile_type, cancelled, created_at, iccid) WHERE own = 0;
