"""Statements by which link loads its gallery, in pages, when it starts."""

from typing import Final

GALLERY_CASES: Final = """
MATCH (c:Case)
RETURN c.case_id AS case_id, c.district AS district, c.status AS status, c.version AS version
"""

GALLERY_SIZE: Final = """
CALL () { MATCH (m:Media) RETURN count(m) AS media }
CALL () { MATCH (f:Face) RETURN count(f) AS faces }
RETURN media, faces
"""
"""The database's own counts, to allocate memory once."""

# A hidden media stays in memory until it is erased; if a hidden membership was submitted again, the new one counts.
GALLERY_MEDIA: Final = """
MATCH (m:Media) WHERE m.media_id > $after
WITH m ORDER BY m.media_id LIMIT $limit
OPTIONAL MATCH (m)-[r:IN_CASE|HIDDEN_IN_CASE]->(c:Case)
WITH m, r, c ORDER BY type(r)
RETURN m.media_id AS media_id,
       collect([c.case_id, r.scope, r.submitted_at, r.by_search]) AS memberships
ORDER BY media_id
"""

GALLERY_FACES: Final = """
MATCH (m:Media) WHERE $after < m.media_id <= $last
MATCH (m)<-[:SEEN_IN|HIDDEN_SEEN_IN]-(f:Face)
WITH DISTINCT m, f
OPTIONAL MATCH (e:Embedding {model_id: $model_id})-[:OF]->(f)
RETURN m.media_id AS media_id, f.face_id AS face_id, f.label AS label,
       CASE WHEN e.quality IS NULL THEN f.too_poor_because ELSE e.too_poor_because END AS too_poor_because,
       e.vector AS vector, coalesce(e.quality, f.quality) AS quality,
       f.marked_on AS marked_on, f.marked_since AS marked_since,
       COLLECT { MATCH (f)-[:DEPICTS {basis: 'declared'}]->(v:Victim)
                 RETURN v.victim_id ORDER BY v.victim_id LIMIT 1 }[0] AS declared,
       COLLECT { MATCH (f)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim) RETURN v.victim_id LIMIT 1 }[0] AS assigned
ORDER BY m.media_id, f.ordinal, f.face_id
"""
"""All faces of the media of a page, ordered by media and ordinal."""

MEMBERSHIPS: Final = """
UNWIND $rows AS row
MATCH (:Media {media_id: row.media_id})-[r:IN_CASE|HIDDEN_IN_CASE {membership_id: row.membership_id}]->(:Case)
WITH row, r ORDER BY type(r) DESC
WITH row, collect(r)[0] AS r
RETURN row.media_id AS media_id, row.case_id AS case_id, r.scope AS scope, r.purpose AS purpose,
       r.legal_basis AS legal_basis, r.urgency AS urgency, r.submitted_at AS submitted_at, r.ce_id AS ce_id,
       r.exhibits AS exhibits, r.by_search AS by_search, r.captured_at AS captured_at,
       r.captured_told AS captured_told, r.ai_generated AS ai_generated, r.ai_generated_told AS ai_generated_told
"""
"""If a hidden membership was submitted again, the new one."""

MEDIA_AS_STORED: Final = """
UNWIND $media AS media_id
MATCH (m:Media {media_id: media_id})
RETURN media_id, m.detector_id AS detector_id, coalesce(m.former_detectors, []) AS former_detectors,
       coalesce(m.face_erased_at, -1) AS face_erased_at,
       m.width AS width, m.height AS height,
       COLLECT { MATCH (m)<-[:SEEN_IN|HIDDEN_SEEN_IN]-(f:Face)
                 RETURN DISTINCT f {.face_id, .ordinal, .box, .display_crop, page: coalesce(f.page, 1),
                                    seen_as: coalesce(f.seen_as, [])} } AS faces
"""

GALLERY_GROUPS: Final = """
MATCH (g:Group) WHERE g.group_id > $after
WITH g ORDER BY g.group_id LIMIT $limit
RETURN g.group_id AS group_id, g.case_id AS case_id,
       COLLECT { MATCH (g)<-[:IN_GROUP]-(f:Face) RETURN f.face_id } AS faces
ORDER BY group_id
"""

GALLERY_APART: Final = """
MATCH (a:Face)-[r:CANDIDATE]->(b:Face)
USING INDEX r:CANDIDATE(state, link_id)
WHERE r.state = 'dismissed' AND r.link_id > $after
WITH a, r, b ORDER BY r.state, r.link_id LIMIT $limit
RETURN r.link_id AS link_id, a.face_id AS a, b.face_id AS b
ORDER BY link_id
"""

GALLERY_SEARCHES: Final = """
MATCH (s:Search {open: true})
RETURN s {.search_id, .case_id, .within, .limit, .uploaded, .until, .through} AS search,
       COLLECT { MATCH (s)-[:PROBE]->(f:Face) RETURN f.face_id ORDER BY f.face_id } AS faces,
       head(COLLECT { MATCH (s)-[:HAS]->(p:Part) RETURN p {.number, .compared, .too_poor, .no_face, .faces}
                      ORDER BY p.number DESC LIMIT 1 }) AS part
ORDER BY search.search_id
"""

GALLERY_ERASURES: Final = """
MATCH (e:Erasure)
RETURN e.subject AS subject, e.requested_at AS requested_at, e.code AS code, e.face_id AS face_id,
       coalesce(e.districts, []) AS districts
"""
"""Subjects read `media:<id>`, `case:<id>` or `face:<id>`."""
