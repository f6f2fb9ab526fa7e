"""The facts that join faces to victims, and the derived victims: a face's confirmed `DEPICTS` names its victim."""

from typing import Final

from graph.store.queries.fragments import DATES as _DATES
from graph.store.queries.fragments import WHOLE_ACTS as _WHOLE_ACTS
from graph.store.queries.fragments import in_one_row

AROUND: Final = """
CALL () {
  UNWIND $faces AS face_id
  MATCH (f:Face {face_id: face_id})
  RETURN f
  UNION
  UNWIND $faces AS face_id
  MATCH (:Face {face_id: face_id})-[:DEPICTS]->(:Victim)<-[:DEPICTS]-(f:Face)
  RETURN f
}
WITH collect(f) AS near
CALL (near) {
  UNWIND near AS f
  RETURN collect(f {.face_id, .start_ms, .end_ms, .quality,
    media: head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN m {.media_id, .repeated_person} }),
    declared: COLLECT { MATCH (f)-[:DEPICTS {basis: 'declared'}]->(v:Victim) RETURN v.victim_id },
    victim_id: head(COLLECT { MATCH (f)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim) RETURN v.victim_id }),
    cases: COLLECT { MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                     RETURN DISTINCT c {.case_id, .source, .district, .contact} }
  }) AS faces
}
CALL (near) {
  UNWIND near AS f
  MATCH (f)-[r:CANDIDATE]-(:Face) WHERE r.state IN ['confirmed', 'approved', 'dismissed']
  WITH DISTINCT r
  RETURN collect(r {.link_id, .state, .confirmed_at, a: startNode(r).face_id, b: endNode(r).face_id,
                    pending: coalesce(r.pending, false)}) AS links
}
CALL (near) {
  UNWIND near AS f
  MATCH (f)-[:DEPICTS]->(v:Victim)
  WITH DISTINCT v WHERE NOT v.victim_id IN $known
  RETURN collect(v {.victim_id,
    faces: COLLECT { MATCH (v)<-[:DEPICTS]-(o:Face) RETURN DISTINCT o.face_id },
    identifications: COLLECT { MATCH (i:Identification)-[:OF]->(v)
                               RETURN i {.identification_id, .person_ref, .state, .face_ids, .by, .basis} }
  }) AS victims
}
RETURN faces, links, victims
"""
"""One step outwards from some faces: these and the other faces of their victims, with people's decisions and their
victims."""

MOVE_FACES: Final = """
UNWIND $rows AS row
MATCH (f:Face {face_id: row.face_id})
OPTIONAL MATCH (f)-[old:DEPICTS {basis: 'confirmed'}]->(:Victim)
WITH f, row, collect(old) AS former
WITH f, row, former, CASE WHEN row.renamed THEN head(former).at ELSE $at END AS at
FOREACH (old IN former | DELETE old)
WITH f, row, at WHERE row.victim_id IS NOT NULL
MERGE (v:Victim {victim_id: row.victim_id})
ON CREATE SET v.registered = false, v.version = 0, v.from_link = row.from_link
CREATE (f)-[:DEPICTS {basis: 'confirmed', at: at}]->(v)
"""

NAME_VICTIMS: Final = """
UNWIND $rows AS row
MERGE (v:Victim {victim_id: row.victim_id})
ON CREATE SET v.registered = false, v.version = 0, v.from_link = row.link_id
"""

LINKS_ACROSS: Final = """
MATCH (v:Victim) WHERE v.victim_id > $after
WITH v ORDER BY v.victim_id LIMIT $limit
RETURN v.victim_id AS victim_id,
       CASE WHEN size(COLLECT {
              MATCH (v)<-[:DEPICTS {basis: 'confirmed'}]-(:Face)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
              RETURN DISTINCT c.district }) > 1
            THEN COLLECT { MATCH (v)<-[:DEPICTS {basis: 'confirmed'}]-(:Face)-[r:CANDIDATE]->(:Face)
                           WHERE r.state IN ['confirmed', 'approved'] RETURN r.link_id }
            ELSE [] END AS links
ORDER BY victim_id
"""
"""The links that join the faces of victims in several districts, in pages."""

SET_PENDING: Final = """
UNWIND $rows AS row
MATCH (:Face)-[r:CANDIDATE {link_id: row.link_id}]->(:Face)
SET r.pending = row.pending
"""

MOVE_IDENTIFICATIONS: Final = """
UNWIND $rows AS row
MATCH (i:Identification {identification_id: row.identification_id})
SET i.state = row.state
WITH i, row
MATCH (i)-[old:OF]->(:Victim)
MATCH (v:Victim {victim_id: row.victim_id})
DELETE old
CREATE (i)-[:OF]->(v)
"""

SET_IDENTITIES: Final = """
UNWIND $rows AS row
MATCH (v:Victim {victim_id: row.victim_id})
SET v.identity = row.identity
"""

# The faces that a name is or was used for; for a formed victim also the two of its link, which may have moved since.
FACES_OF_NAME: Final = """
MATCH (v:Victim {victim_id: $victim_id})
RETURN v.from_link AS from_link,
       COLLECT { MATCH (v)<-[:DEPICTS]-(f:Face) RETURN f.face_id
                 UNION
                 MATCH (a:Face)-[:CANDIDATE {link_id: v.from_link}]->(b:Face) UNWIND [a, b] AS f
                 RETURN f.face_id } AS faces,
       COLLECT { MATCH (a:Face)-[:CANDIDATE {link_id: v.from_link}]->(b:Face) UNWIND [a, b] AS f
                 RETURN f.face_id } AS ends
"""
"""`ends` are the two faces of the link that gave the name."""

DISTRICTS_OF_VICTIMS: Final = in_one_row(
    """
UNWIND $victims AS victim_id
MATCH (v:Victim {victim_id: victim_id})
RETURN v.victim_id AS victim_id, v.identity IS NOT NULL AS identified,
       COLLECT { MATCH (v)<-[:DEPICTS]-(:Face)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                 RETURN DISTINCT c.district } AS districts
""",
    "victim_id identified districts",
)

CREATE_IDENTIFICATION: Final = """
MATCH (v:Victim {victim_id: $victim_id})
CREATE (i:Identification)-[:OF]->(v)
SET i = $identification
"""

LOCK_IDENTIFICATION: Final = """
MATCH (i:Identification {identification_id: $identification_id})-[:OF]->(v:Victim)
RETURN i {.*} AS identification, v.victim_id AS victim_id
"""

DECIDE_IDENTIFICATION: Final = """
MATCH (i:Identification {identification_id: $identification_id})
SET i += $change
"""

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

HISTORIES: Final = in_one_row(
    """
UNWIND $links AS link_id
RETURN link_id, COLLECT { MATCH (v:Verdict {link_id: link_id})<-[:WROTE]-(act:Act)
    """
    + _WHOLE_ACTS
    + "} AS acts\n",
    "link_id acts",
)

PICTURES_OF_FACES: Final = in_one_row(
    """
UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})-[:SEEN_IN]->(m:Media)
RETURN face_id, f.quality_because AS quality_because, f.frame_ms AS frame_ms,
"""
    + _DATES
    + " AS dates\n",
    "face_id quality_because frame_ms dates",
)

IDENTIFICATIONS_BY_ID: Final = in_one_row(
    """
UNWIND $ids AS id
MATCH (i:Identification {identification_id: id})
RETURN i {.*} AS identification
""",
    "identification",
)
