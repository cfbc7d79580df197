-- Searches go through one operator's orders alone: how many the others have costs them nothing. What lies in stock was never
-- ordered, and is found by nobody.
CREATE INDEX profiles_ordered ON profiles (operator, iccid) WHERE state <> 'Available';
CREATE INDEX profiles_of_operator_by_eid ON profiles (operator, eid) WHERE eid IS NOT NULL;
CREATE INDEX profiles_of_operator_by_matching_id ON profiles (operator, matching_id) WHERE matching_id IS NOT NULL;

DROP INDEX esims_by_eid;
CREATE INDEX esims_elsewhere_in_order ON esims (operator, iccid) WHERE own = 0;
CREATE INDEX esims_by_eid ON esims (operator, eid) WHERE eid IS NOT NULL;
CREATE INDEX esims_by_device ON esims (operator, device_id) WHERE device_id IS NOT NULL;
