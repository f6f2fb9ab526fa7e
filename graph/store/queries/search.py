"""People's searches, and their answers as link wrote them, in parts."""

from typing import Final

from graph.store.queries.fragments import DATES as _DATES

DISTRICT_OF_CASE: Final = "MATCH (c:Case {case_id: $case_id}) RETURN c.district AS district"

CREATE_SEARCH: Final = """
CREATE (s:Search) SET s = $search
WITH s UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})
CREATE (s)-[:PROBE]->(f)
"""

# The victim of a face: by confirmed links first, else by case systems.
_VICTIM_ID: Final = """
coalesce(head(COLLECT { MATCH (f)-[:DEPICTS {basis: 'confirmed'}]->(o:Victim) RETURN o.victim_id }),
         head(COLLECT { MATCH (f)-[:DEPICTS {basis: 'declared'}]->(o:Victim)
                        RETURN o.victim_id ORDER BY o.victim_id LIMIT 1 }))
"""

# A group belongs to one case; one of another district is not disclosed, and its faces count alone.
_GROUP_ID: Final = """
head(COLLECT { MATCH (f)-[:IN_GROUP]->(g:Group) MATCH (c:Case {case_id: g.case_id}) WHERE c.district = $district
               RETURN g.group_id ORDER BY g.group_id })
"""

BEST_FIRST: Final = """
MATCH (f:Face) WHERE f.face_id IN $faces AND f.stub IS NULL
  AND EXISTS { (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(:Case) }
RETURN f.face_id AS face_id
ORDER BY f.too_poor_because IS NOT NULL, f.quality DESC, f.face_id
"""
"""The best faces represent a victim that has very many."""

MEDIA_OF_FACES: Final = """
MATCH (f:Face)-[:SEEN_IN]->(m:Media) WHERE f.face_id IN $faces AND m.repeated_person IS NULL
  AND EXISTS { MATCH (m)-[:IN_CASE]->(c:Case) WHERE c.district = $district }
RETURN f.face_id AS face_id, m.media_id AS media_id
"""
"""Without pictures that show one person more than once.

For faces in another district it is not disclosed which of them are in one picture.
"""

_FACTS: Final = """
s {.search_id, .case_id, .purpose, .legal_basis, .requested_by, .district, .within, .limit, .status, .reason,
   .asked_at, .answered_at, .gallery_offset, .gallery_size, .victim_id, .picture, .until, .ended_at, .ended_because,
   turn: coalesce(s.turn, 0),
   keep_asking: coalesce(s.keep_asking, false), open: coalesce(s.open, false) AND s.ended_at IS NULL} AS search
"""

SEARCH: Final = (
    "MATCH (s:Search {search_id: $search_id})\nRETURN "
    + _FACTS
    + """,
       COLLECT { MATCH (s)-[:PROBE]->(f:Face)
                 RETURN {face_id: f.face_id, stub: f.stub, box: f.box, quality: f.quality,
                         too_poor_because: f.too_poor_because,
                         media_id: head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN m.media_id }),
                         dates: head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN """
    + _DATES
    + """}),
                         cases: COLLECT { MATCH (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case)
                                          RETURN DISTINCT c {.case_id, .district, .contact} ORDER BY c.case_id }}
                 ORDER BY f.ordinal, f.face_id } AS probes,
       COLLECT { MATCH (s)-[:HAS]->(p:Part)
                 RETURN p {.number, .offset, .at, .compared, .too_poor, .no_face, .above, returned: size(p.faces)}
                 ORDER BY p.number } AS parts
"""
)

# A face erased since is shown as erased: the part still has its id, and nothing else of it.
ITEMS: Final = (
    """
MATCH (s:Search {search_id: $search_id})-[:HAS]->(p:Part) WHERE p.number >= $part
UNWIND range(0, size(p.faces) - 1) AS place
WITH s, p, place WHERE p.number > $part OR place >= $rank
WITH s, p, place ORDER BY p.number, place LIMIT $limit
CALL (s, p, place) {
  OPTIONAL MATCH (s)-[r:RETURNED {part: p.number}]->(f:Face {face_id: p.faces[place]}) WHERE f.stub IS NULL
  RETURN r, f LIMIT 1
}
RETURN p.number AS part, p.offset AS offset, place + 1 AS rank, place < p.above AS above, p.faces[place] AS face_id,
       f IS NULL AS stub, r.probe_face_id AS probe_face_id, f.box AS box, f.quality AS quality,
       head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN m.media_id }) AS media_id,
       head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN """
    + _DATES
    + """}) AS dates,
       COLLECT { MATCH (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case)
                 RETURN DISTINCT c {.case_id, .district, .contact} ORDER BY c.case_id } AS cases,
       """
    + _GROUP_ID
    + """ AS group_id,
       """
    + _VICTIM_ID
    + """ AS victim_id
ORDER BY part, rank
"""
)

SIMILAR_PEOPLE: Final = (
    """
MATCH (s:Search {search_id: $search_id})-[r:RETURNED]->(f:Face) WHERE r.above AND f.stub IS NULL
WITH DISTINCT f WHERE EXISTS { (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(:Case) }
WITH f, """
    + _VICTIM_ID
    + """ AS victim_id, """
    + _GROUP_ID
    + """ AS group_id
RETURN f.face_id AS face_id, victim_id, group_id
"""
)
"""The similar faces with their victims and groups."""

COMING: Final = """
RETURN COUNT { MATCH (u:Upload) WHERE u.status = 'submitted' AND u.case_id = $case_id } AS uploads,
       COUNT { MATCH (q:Quarantined) WHERE q.status = 'waiting' AND q.case_id = $case_id } AS quarantined,
       COUNT { MATCH (q:Quarantined) WHERE q.status = 'replayed' AND q.case_id = $case_id } AS replayed,
       COLLECT { MATCH (b:Backlog) WHERE b.source >= $first_source AND b.source <= $last_source
                 RETURN b {.events, .seconds, .at} } AS backlogs
"""

# Scopes as in UNJUDGED_IN_CASE and UNJUDGED_IN_REGISTER.
SHOWS_PAIR: Final = """
MATCH (s:Search {search_id: $search_id})-[:PROBE]->(:Face {face_id: $probe})
MATCH (f:Face {face_id: $face_id})
WHERE EXISTS { (s)-[:RETURNED]->(f) }
   OR (f.too_poor_because IS NOT NULL AND NOT coalesce(f.label, '') IN $hidden
       AND EXISTS { MATCH (f)-[:SEEN_IN]->(:Media)-[i:IN_CASE]->(c:Case)
                    WHERE CASE s.within
                      WHEN 'register' THEN c.status = 'open' AND c.district IN $districts
                        AND (i.scope = 'register' OR (i.scope = 'case' AND c.case_id = s.case_id))
                      ELSE s.within = 'case:' + c.case_id AND i.scope <> 'none'
                    END })
RETURN f.face_id AS face_id
"""
"""The second face, if a search's answer or the sheet of what it could not compare shows it beside a probe."""

STATE: Final = "MATCH (s:Search {search_id: $search_id}) SET s.locked = 0 RETURN " + _FACTS

END: Final = """
MATCH (s:Search {search_id: $search_id})
SET s.ended_at = $at, s.ended_because = 'asker', s.ended_by = $by
"""

_PAGE: Final = (
    """
  AND NOT (s.asked_at = $asked_at AND s.search_id >= $search_id)
  AND ($case_id IS NULL OR s.case_id = $case_id) AND ($within IS NULL OR s.within = $within)
  AND ($status IS NULL OR s.status = $status)
  AND ($open IS NULL OR $open = (coalesce(s.open, false) AND s.ended_at IS NULL
                                 AND (s.until IS NULL OR s.until > $now)))
WITH s ORDER BY s.asked_at DESC, s.search_id DESC LIMIT $limit
CALL (s) {
  OPTIONAL MATCH (s)-[:HAS]->(p:Part) WHERE p.number > 0 AND size(p.faces) > 0
  RETURN coalesce(sum(size(p.faces)), 0) AS added, max(p.at) AS added_at
}
RETURN """
    + _FACTS
    + """, coalesce(s.returned, 0) AS returned, coalesce(s.above, 0) AS above, added, added_at
ORDER BY search.asked_at DESC, search.search_id DESC
"""
)
OWN_SEARCHES: Final = "MATCH (s:Search) WHERE s.requested_by = $by AND s.asked_at <= $asked_at" + _PAGE
SEARCHES_OF_DISTRICT: Final = "MATCH (s:Search) WHERE s.district IN $districts AND s.asked_at <= $asked_at" + _PAGE

# A page examines at most so many media and returns the last one, because few of them may match. It examines media of
# the asker's district only, because that last id is disclosed.
_UNJUDGED: Final = """
RETURN m.media_id AS media_id, coalesce(m.frames, 1) AS frames, coalesce(m.frames_examined, 1) AS frames_examined,
       m.partial_percent AS partial_percent,
       COLLECT { MATCH (f:Face)-[:SEEN_IN]->(m) WHERE f.too_poor_because IS NOT NULL
                   AND NOT coalesce(f.label, '') IN $hidden
                 RETURN f {.face_id, .box, page: coalesce(f.page, 1), .quality, .too_poor_because}
                 ORDER BY f.ordinal, f.face_id } AS faces,
       EXISTS { (:Face)-[:SEEN_IN]->(m) } AS has_faces,
       COLLECT { MATCH (m)-[:IN_CASE]->(c:Case)
                 RETURN DISTINCT c {.case_id, .district, .contact} ORDER BY c.case_id } AS cases,
       reached
ORDER BY media_id
"""

UNJUDGED_IN_CASE: Final = (
    """
MATCH (m:Media)-[i:IN_CASE]->(:Case {case_id: $case_id}) WHERE m.media_id > $after
WITH m, i ORDER BY m.media_id LIMIT $walk
WITH m, i.scope <> 'none' AS reached
"""
    + _UNJUDGED
)
UNJUDGED_IN_REGISTER: Final = (
    """
MATCH (m:Media) WHERE m.media_id > $after
  AND EXISTS { MATCH (m)-[:IN_CASE]->(c:Case) WHERE c.district IN $districts }
WITH m ORDER BY m.media_id LIMIT $walk
WITH m, EXISTS { MATCH (m)-[i:IN_CASE]->(c:Case) WHERE c.status = 'open' AND c.district IN $districts
                   AND (i.scope = 'register' OR (i.scope = 'case' AND c.case_id = $case_id)) } AS reached
"""
    + _UNJUDGED
)
