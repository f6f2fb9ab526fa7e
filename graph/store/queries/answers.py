"""Link's statements for searches, in its batch's transaction: each takes `$rows` and is idempotent."""

from typing import Final

# A part stores the ids that it returned by rank, the similar ones first. RETURNED is deleted with an erased face; the
# part still shows the answer as it was.
_PART: Final = """
CALL (s, row) {
  WITH s, row WHERE row.part IS NOT NULL
  MERGE (p:Part {part_id: row.search_id + ':' + row.part.number})
  SET p += row.part, p.at = $now, p.faces = [item IN row.returned | item.face_id],
      p.above = size([item IN row.returned WHERE item.above])
  MERGE (s)-[:HAS]->(p)
}
CALL (s, row) {
  UNWIND row.returned AS item
  MATCH (f:Face {face_id: item.face_id})
  MERGE (s)-[r:RETURNED {part: row.part.number}]->(f)
  SET r.rank = item.rank, r.score = item.score, r.above = item.above, r.probe_face_id = item.probe_face_id
}
"""

ANSWER_SEARCHES: Final = (
    """
UNWIND $rows AS row
MATCH (s:Search {search_id: row.search_id}) WHERE s.status IN ['asked', 'quarantined']
SET s += row.answer, s.answered_at = $now, s.through = row.answer.gallery_offset,
    s.returned = size(row.returned), s.above = size([item IN row.returned WHERE item.above])
WITH s, row
CALL (s, row) {
  UNWIND row.probes AS face_id
  MATCH (f:Face {face_id: face_id})
  MERGE (s)-[:PROBE]->(f)
}
"""
    + _PART
)

WRITE_PARTS: Final = (
    """
UNWIND $rows AS row
MATCH (s:Search {search_id: row.search_id}) WHERE s.open AND s.through < row.part.offset
SET s.through = row.part.offset, s.returned = s.returned + size(row.returned),
    s.above = s.above + size([item IN row.returned WHERE item.above])
WITH s, row
"""
    + _PART
)
"""Only a part without results grows; one with results is written once. Reading the same record again writes nothing."""

# A search whose picture has no face is not open; when the record is read again, the graph may have its face.
CLOSE_SEARCHES: Final = """
UNWIND $rows AS row
MATCH (s:Search {search_id: row.search_id}) WHERE s.open
SET s.ended_because = coalesce(s.ended_because, row.because), s.ended_at = coalesce(s.ended_at, $now)
REMOVE s.open
"""
