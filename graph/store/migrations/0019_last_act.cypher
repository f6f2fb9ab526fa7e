CREATE INDEX identification_decided IF NOT EXISTS FOR (n:Identification) ON (n.decided_by, n.decided_at);
