MATCH (m:Media) WHERE m.captured_at IS NOT NULL
CALL (m) {
  OPTIONAL MATCH (m)-[i:IN_CASE|HIDDEN_IN_CASE]->(:Case)
  WHERE i.submitted_at = m.first_submitted_at AND left(m.captured_at, 4) >= '1826'
    AND left(m.captured_at, 10) <= toString(date(datetime({epochMillis: i.submitted_at + 86400000})))
  WITH m, i ORDER BY i.membership_id LIMIT 1
  FOREACH (one IN CASE WHEN i IS NULL THEN [] ELSE [i] END |
    SET one.captured_at = m.captured_at, one.captured_told = one.submitted_at)
  REMOVE m.captured_at
} IN TRANSACTIONS OF 1000 ROWS;
