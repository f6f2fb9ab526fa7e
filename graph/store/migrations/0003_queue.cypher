DROP INDEX link_urgency IF EXISTS;
CREATE INDEX link_low IF NOT EXISTS FOR ()-[r:CANDIDATE]-() ON (r.state, r.district_low, r.urgency, r.link_id);
CREATE INDEX link_high IF NOT EXISTS FOR ()-[r:CANDIDATE]-() ON (r.state, r.district_high, r.urgency, r.link_id);
MATCH ()-[r:CANDIDATE]->() WHERE r.district_low IS NULL
CALL (r) {
  CALL (r) {
    UNWIND [startNode(r), endNode(r)] AS f
    MATCH (f)-[:SEEN_IN]->(:Media)-[i:IN_CASE]->(c:Case)
    RETURN coalesce(max(CASE i.urgency WHEN 'danger_now' THEN 2 WHEN 'urgent' THEN 1 ELSE 0 END), 0) AS urgency,
           coalesce(min(c.district), '') AS low, coalesce(max(c.district), '') AS high,
           count(DISTINCT c.district) AS districts
  }
  SET r.urgency = urgency, r.district_low = CASE WHEN districts > 2 THEN '*' ELSE low END,
      r.district_high = CASE WHEN districts = 2 THEN high ELSE '' END
} IN TRANSACTIONS OF 1000 ROWS;
