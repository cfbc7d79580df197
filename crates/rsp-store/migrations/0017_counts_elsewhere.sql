-- How many orders that other SM-DP+s have each operator has, cancelled and not.
CREATE TABLE elsewhere_counts (
    operator TEXT NOT NULL,
    profile_type TEXT NOT NULL,
    cancelled INTEGER NOT NULL,
    orders INTEGER NOT NULL,
    PRIMARY KEY (operator, profile_type, cancelled)
) WITHOUT ROWID;

INSERT INTO elsewhere_counts (operator, profile_type, cancelled, orders)
SELECT operator, profile_type, cancelled, count(*) FROM esims WHERE own = 0 GROUP BY 1, 2, 3;

CREATE TRIGGER esim_elsewhere_sold AFTER INSERT ON esims WHEN NEW.own = 0
BEGIN
    INSERT INTO elsewhere_counts (operator, profile_type, cancelled, orders)
    VALUES (NEW.operator, NEW.profile_type, NEW.cancelled, 1)
    ON CONFLICT (operator, profile_type, cancelled) DO UPDATE SET orders = orders + 1;
END;

CREATE TRIGGER esim_elsewhere_cancelled AFTER UPDATE OF cancelled ON esims
WHEN OLD.own = 0 AND OLD.cancelled <> NEW.cancelled
BEGIN
    UPDATE elsewhere_counts SET orders = orders - 1
    WHERE operator = OLD.operator AND profile_type = OLD.profile_type AND cancelled = OLD.cancelled;
    INSERT INTO elsewhere_counts (operator, profile_type, cancelled, orders)
    VALUES (NEW.operator, NEW.profile_type, NEW.cancelled, 1)
    ON CONFLICT (operator, profile_type, cancelled) DO UPDATE SET orders = orders + 1;
END;
