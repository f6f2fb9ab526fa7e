"""What people ask: searches as they are stored, and their answers as link wrote them."""

from __future__ import annotations

from typing import Final

DISTRICT_OF_CASE: Final = "MATCH (c:Case {case_id: $case_id}) RETURN c.district AS district"

CREATE_SEARCH: Final = """
CREATE (s:Search) SET s = $search
WITH s UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})
CREATE (s)-[:PROBE]->(f)
"""

SEARCH: Final = """
MATCH (s:Search {search_id: $search_id})
RETURN s {.search_id, .case_id, .purpose, .legal_basis, .requested_by, .within, .limit, .status, .reason, .asked_at,
          .answered_at, .gallery_offset, .gallery_size, .compared, .too_poor} AS search,
       head(COLLECT { MATCH (c:Case {case_id: s.case_id}) RETURN c.district }) AS district,
       COLLECT { MATCH (s)-[:PROBE]->(p:Face) RETURN p.face_id ORDER BY p.face_id } AS probes,
       COLLECT {
           MATCH (s)-[r:RETURNED]->(f:Face)
           RETURN {rank: r.rank, above: r.above, probe_face_id: r.probe_face_id, face_id: f.face_id, box: f.box,
                   media_id: head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN m.media_id }),
                   quality: f.quality,
                   cases: COLLECT { MATCH (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case)
                                    RETURN DISTINCT c {.case_id, .district, .contact} ORDER BY c.case_id }}
           ORDER BY r.rank, r.probe_face_id, f.face_id
       } AS items
"""
