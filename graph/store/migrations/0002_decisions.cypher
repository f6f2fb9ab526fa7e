CREATE CONSTRAINT claim_id IF NOT EXISTS FOR (n:Claim) REQUIRE n.claim_id IS UNIQUE;
CREATE INDEX claim_item IF NOT EXISTS FOR (n:Claim) ON (n.item);
CREATE INDEX claim_by IF NOT EXISTS FOR (n:Claim) ON (n.by);
CREATE INDEX identification_state IF NOT EXISTS FOR (n:Identification) ON (n.state);
CREATE INDEX audit_actor IF NOT EXISTS FOR (n:AuditEntry) ON (n.actor, n.seq);
CREATE INDEX audit_subject IF NOT EXISTS FOR (n:AuditEntry) ON (n.subject, n.seq);
CREATE INDEX link_urgency IF NOT EXISTS FOR ()-[r:CANDIDATE]-() ON (r.state, r.urgency, r.link_id);
