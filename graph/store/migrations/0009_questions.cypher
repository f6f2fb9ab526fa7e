CREATE CONSTRAINT part_id IF NOT EXISTS FOR (n:Part) REQUIRE n.part_id IS UNIQUE;
CREATE CONSTRAINT backlog_source IF NOT EXISTS FOR (n:Backlog) REQUIRE n.source IS UNIQUE;
CREATE INDEX search_open IF NOT EXISTS FOR (n:Search) ON (n.open);
CREATE INDEX search_by IF NOT EXISTS FOR (n:Search) ON (n.requested_by, n.asked_at);
CREATE INDEX search_district IF NOT EXISTS FOR (n:Search) ON (n.district, n.asked_at);
CREATE INDEX quarantined_case IF NOT EXISTS FOR (n:Quarantined) ON (n.case_id);
CREATE INDEX upload_case IF NOT EXISTS FOR (n:Upload) ON (n.case_id);
MATCH (s:Search) WHERE s.district IS NULL
CALL (s) {
  MATCH (c:Case {case_id: s.case_id})
  SET s.district = c.district
} IN TRANSACTIONS OF 1000 ROWS;
MATCH (s:Search) WHERE s.gallery_offset IS NOT NULL AND NOT EXISTS { (s)-[:HAS]->(:Part) }
CALL (s) {
  MERGE (p:Part {part_id: s.search_id + ':0'})
  MERGE (s)-[:HAS]->(p)
  SET p.number = 0, p.offset = s.gallery_offset, p.gallery_size = s.gallery_size, p.at = s.answered_at,
      p.compared = s.compared, p.too_poor = s.too_poor, p.no_face = null, p.model_id = s.model_id,
      p.threshold = s.threshold,
      p.faces = COLLECT { MATCH (s)-[r:RETURNED]->(f:Face) RETURN f.face_id ORDER BY r.rank, f.face_id },
      p.above = COUNT { MATCH (s)-[r:RETURNED]->(:Face) WHERE r.above }
  WITH s
  MATCH (s)-[r:RETURNED]->(:Face)
  SET r.part = 0
} IN TRANSACTIONS OF 1000 ROWS;
