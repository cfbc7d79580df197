-- A profile that lies in stock again is nobody's eSIM: its matching ID never works again, and whoever buys it next begins with
-- nothing used. What its buyer did stays in events, usage_records, top_ups and the audit.
DELETE FROM handoffs
WHERE used_at IS NULL
  AND EXISTS (SELECT 1 FROM profiles p WHERE p.iccid = handoffs.iccid AND p.operator = handoffs.operator AND p.state = 'Available')
  AND NOT EXISTS (SELECT 1 FROM esims e WHERE e.operator = handoffs.operator AND e.iccid = handoffs.iccid AND e.own = 0);

DELETE FROM usage_counters
WHERE EXISTS (SELECT 1 FROM profiles p
              WHERE p.iccid = usage_counters.iccid AND p.operator = usage_counters.operator AND p.state = 'Available')
  AND NOT EXISTS (SELECT 1 FROM esims e WHERE e.operator = usage_counters.operator AND e.iccid = usage_counters.iccid AND e.own = 0);

DELETE FROM esims
WHERE own = 1
  AND EXISTS (SELECT 1 FROM profiles p WHERE p.iccid = esims.iccid AND p.operator = esims.operator AND p.state = 'Available');

CREATE TRIGGER profile_back_to_stock AFTER UPDATE OF state ON profiles WHEN NEW.state = 'Available' AND OLD.state <> 'Available'
BEGIN
    -- One that another SM-DP+ sold under the same ICCID keeps what it has.
    DELETE FROM handoffs
    WHERE operator = NEW.operator AND iccid = NEW.iccid AND used_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM esims e WHERE e.operator = NEW.operator AND e.iccid = NEW.iccid AND e.own = 0);
    DELETE FROM usage_counters
    WHERE operator = NEW.operator AND iccid = NEW.iccid
      AND NOT EXISTS (SELECT 1 FROM esims e WHERE e.operator = NEW.operator AND e.iccid = NEW.iccid AND e.own = 0);
    DELETE FROM esims WHERE operator = NEW.operator AND iccid = NEW.iccid AND own = 1;
END;
