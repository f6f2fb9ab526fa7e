"""A victim and its faces."""

from typing import Final

VICTIM: Final = "MATCH (v:Victim {victim_id: $victim_id}) RETURN v.label AS label"

FACES_OF_VICTIM: Final = """
UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})
RETURN f {.face_id, .box, .quality, .too_poor_because, .label, stub: coalesce(f.stub, false)} AS face,
       COLLECT { MATCH (f)-[d:DEPICTS {basis: 'declared'}]->(o:Victim)
                 RETURN {victim_id: o.victim_id, declared_by: d.declared_by, at: d.at}
                 ORDER BY o.victim_id } AS declared,
       head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN m.media_id }) AS media_id,
       COLLECT { MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                 WITH c {case_id: CASE WHEN f.stub THEN null ELSE c.case_id END, .district, .contact} AS place
                 RETURN DISTINCT place ORDER BY place.case_id, place.district } AS cases
ORDER BY face.face_id
"""
