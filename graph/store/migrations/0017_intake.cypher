CREATE INDEX notice_outcome IF NOT EXISTS FOR (n:Notice) ON (n.outcome, n.at);
CREATE INDEX quarantined_status IF NOT EXISTS FOR (n:Quarantined) ON (n.status, n.code);
