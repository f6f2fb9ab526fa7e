CREATE INDEX audit_at IF NOT EXISTS FOR (n:AuditEntry) ON (n.at, n.seq);
CREATE CONSTRAINT audit_root_date IF NOT EXISTS FOR (n:AuditRoot) REQUIRE n.date IS UNIQUE;
