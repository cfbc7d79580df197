-- Searches go through one operator's orders alone: how many the others have costs them nothing. What lies in stock was never
-- ordered, and is found by nobody. The indexes have all that says which are the newest: a row is read only of what is shown.
CREATE INDEX profiles_ordered ON profiles (operator, iccid, created_at, state) WHERE state <> 'Available';
CREATE INDEX profiles_of_operator_by_eid ON profiles (operator, eid, created_at) WHERE eid IS NOT NULL;
CREATE INDEX profiles_of_operator_by_matching_id ON profiles (operator, matching_id, created_at) WHERE matching_id IS NOT NULL;

DROP INDEX esims_by_eid;
DROP INDEX esims_by_reference;
CREATE INDEX esims_elsewhere_in_order ON esims (operator, iccid, created_at, own) WHERE own = 0;
CREATE INDEX esims_by_eid ON esims (operator, eid, created_at, own) WHERE eid IS NOT NULL;
CREATE INDEX esims_by_reference ON esims (operator, reference, created_at, own) WHERE reference IS NOT NULL;
CREATE INDEX esims_by_device ON esims (operator, device_id, created_at, own) WHERE device_id IS NOT NULL;
