"""A victim's faces, and what became of an id that no face has any more."""

from __future__ import annotations

from typing import Final

VICTIM: Final = """
MATCH (v:Victim {victim_id: $victim_id})
RETURN v {.victim_id, .label, .identity, registered: coalesce(v.registered, v.from_link IS NULL)} AS victim
"""

# The faces that the id stands for: of a formed one the two of its link as well, which may have moved on since.
FACES_OF_VICTIM: Final = """
MATCH (v:Victim {victim_id: $victim_id})
CALL (v) {
  MATCH (v)<-[:DEPICTS]-(f:Face) RETURN f
  UNION
  MATCH (a:Face)-[:CANDIDATE {link_id: v.from_link}]->(b:Face) UNWIND [a, b] AS f RETURN f
}
RETURN f {.face_id, .box, .quality, .too_poor_because, .label, stub: coalesce(f.stub, false)} AS face,
       coalesce(head(COLLECT { MATCH (f)-[:DEPICTS {basis: 'confirmed'}]->(o:Victim) RETURN o.victim_id }),
                head(COLLECT { MATCH (f)-[:DEPICTS {basis: 'declared'}]->(o:Victim)
                               RETURN o.victim_id ORDER BY o.victim_id LIMIT 1 })) AS victim_id,
       COLLECT { MATCH (f)-[d:DEPICTS {basis: 'declared'}]->(o:Victim)
                 RETURN {victim_id: o.victim_id, declared_by: d.declared_by, at: d.at}
                 ORDER BY o.victim_id } AS declared,
       head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN m.media_id }) AS media_id,
       COLLECT { MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                 WITH c {case_id: CASE WHEN f.stub THEN null ELSE c.case_id END, .district, .contact} AS place
                 RETURN DISTINCT place ORDER BY place.case_id, place.district } AS cases
ORDER BY face.face_id
"""

LINKS_AMONG: Final = """
MATCH (a:Face)-[r:CANDIDATE]->(b:Face)
WHERE a.face_id IN $faces AND b.face_id IN $faces AND r.state IN ['confirmed', 'approved']
RETURN r.link_id AS link_id, r.state AS state, a.face_id AS a, b.face_id AS b
ORDER BY link_id
"""
