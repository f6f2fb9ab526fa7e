MATCH ()-[r:CANDIDATE]->() WHERE r.proposed_by <> 'machine' AND r.score IS NULL
CALL (r) {
  FOREACH (one IN CASE r.state WHEN 'candidate' THEN [r] ELSE [] END | SET one.state = 'withdrawn')
  WITH r
  MATCH (v:Verdict {link_id: r.link_id, state_then: 'candidate'})
  SET v.state_then = 'withdrawn'
} IN TRANSACTIONS OF 1000 ROWS;
