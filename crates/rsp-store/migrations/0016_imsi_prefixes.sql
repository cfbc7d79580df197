-- Digits with which each IMSI begins that an operator may bring and have suspended; empty: none. No operator's begin another's.
ALTER TABLE operators ADD COLUMN imsi_prefix TEXT NOT NULL DEFAULT '';
-- What the network let a suspended subscriber use before, in the network's own word; NULL when it was not asked.
ALTER TABLE esims ADD COLUMN network_before TEXT;
