CREATE CONSTRAINT visit_actor IF NOT EXISTS FOR (n:Visit) REQUIRE n.actor IS UNIQUE;
CREATE INDEX link_low_at IF NOT EXISTS FOR ()-[r:CANDIDATE]-() ON (r.state, r.district_low, r.proposed_at);
CREATE INDEX link_high_at IF NOT EXISTS FOR ()-[r:CANDIDATE]-() ON (r.state, r.district_high, r.proposed_at);
CREATE INDEX act_district IF NOT EXISTS FOR (n:Act) ON (n.kind, n.district, n.at);
CREATE INDEX act_at IF NOT EXISTS FOR (n:Act) ON (n.kind, n.at);
CREATE INDEX comparison_at IF NOT EXISTS FOR (n:Comparison) ON (n.at);
CREATE INDEX identification_by IF NOT EXISTS FOR (n:Identification) ON (n.by, n.decided_at);
CREATE INDEX verdict_answers IF NOT EXISTS FOR (n:Verdict) ON (n.answers, n.at);
CREATE INDEX verdict_concerns IF NOT EXISTS FOR (n:Verdict) ON (n.concerns, n.at);
MATCH (v:Verdict) WHERE v.at IS NULL
CALL (v) {
  MATCH (v)<-[:WROTE]-(act:Act)
  OPTIONAL MATCH (:Verdict {verdict_id: v.supersedes})<-[:WROTE]-(former:Act)
  OPTIONAL MATCH ()-[r:CANDIDATE {link_id: v.link_id}]->()
  SET v.at = act.at, v.answers = CASE WHEN toLower(former.by) <> toLower(act.by) THEN former.by END,
      v.concerns = nullIf(CASE WHEN r.district_low = act.district THEN r.district_high ELSE r.district_low END, '')
} IN TRANSACTIONS OF 1000 ROWS;
