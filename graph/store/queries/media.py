"""One case, its media in pages, one media and its faces; each row has its districts.

An erasure that was asked for hides what it will take by renaming IN_CASE and SEEN_IN: what lies in no case is seen by
nobody, whichever statement asks.
"""

from typing import Final

from graph.store.queries.fragments import DATES as _DATES

CASE: Final = """
MATCH (c:Case {case_id: $case_id})
WHERE c.erased IS NULL OR EXISTS { (:Media)-[:IN_CASE]->(c) }
RETURN c {.case_id, .source, .district, .status, .version, .contact, .review_by} AS case,
       COUNT { (:Media)-[:IN_CASE]->(c) } AS media,
       COUNT { (:Face)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c) } AS faces,
       COUNT { MATCH (f:Face)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c) WHERE f.too_poor_because IS NOT NULL } AS too_poor
"""

LINKS_OF_CASE_BY_STATE: Final = """
MATCH (:Case {case_id: $case_id})<-[:IN_CASE]-(:Media)<-[:SEEN_IN]-(:Face)-[r:CANDIDATE]-(:Face)
WITH DISTINCT r
RETURN r.state AS state, count(*) AS number ORDER BY state
"""

_COUNTS: Final = """
       COUNT { (:Face)-[:SEEN_IN]->(m) } AS faces,
       COUNT { MATCH (f:Face)-[:SEEN_IN]->(m) WHERE f.too_poor_because IS NOT NULL } AS too_poor
"""

MEDIA_OF_CASE: Final = (
    """
MATCH (m:Media)-[i:IN_CASE]->(:Case {case_id: $case_id}) WHERE m.media_id > $after
WITH m, i ORDER BY m.media_id LIMIT $limit
RETURN m {.media_id, .kind, .content_type, .width, .height, .partial_percent, frames: coalesce(m.frames, 1),
          frames_examined: coalesce(m.frames_examined, 1)} AS media,
       i {.scope, .exhibits, .urgency, .submitted_at} AS membership,
       COLLECT { MATCH (m)-[:IN_CASE]->(o:Case) WHERE o.case_id <> $case_id
                 RETURN o {.case_id, .district, .contact} ORDER BY o.case_id } AS others,
"""
    + _COUNTS
    + ","
    + _DATES
    + " AS dates ORDER BY media.media_id"
)

MEDIA: Final = (
    """
MATCH (m:Media {media_id: $media_id})
RETURN m {.media_id, .kind, .content_type, .width, .height, .partial_percent, frames: coalesce(m.frames, 1),
          frames_examined: coalesce(m.frames_examined, 1), .duration_ms, .first_submitted_at,
          .repeated_person} AS media,
       COLLECT { MATCH (f:Face)-[:SEEN_IN]->(m) WITH collect('face:' + f.face_id) + ('media:' + m.media_id) AS subjects
                 UNWIND subjects AS subject
                 MATCH (e:Erasure {subject: subject})
                 RETURN e {.subject, .requested_at, .code, districts: coalesce(e.districts, [])}
                 ORDER BY e.requested_at, e.subject } AS erased_before,
       COLLECT { MATCH (m)-[i:IN_CASE]->(c:Case)
                 RETURN i {.scope, .purpose, .legal_basis, .exhibits, .urgency, .submitted_at,
                           case_id: c.case_id, district: c.district, contact: c.contact}
                 ORDER BY c.case_id } AS memberships,
"""
    + _COUNTS
    + ","
    + _DATES
    + " AS dates"
)

CREATE_UPLOAD: Final = """
CREATE (:Upload {ce_id: $ce_id, media_id: $media_id, case_id: $case_id, status: 'submitted'})
"""
"""An uploaded picture that is being processed; link deletes the node when the event has finished."""

UPLOADS: Final = """
MATCH (u:Upload {media_id: $media_id})
MATCH (c:Case {case_id: u.case_id}) WHERE c.erased IS NULL OR EXISTS { (:Media)-[:IN_CASE]->(c) }
RETURN u.status AS status, c.district AS district
"""

FACES_OF_MEDIA: Final = """
MATCH (f:Face)-[:SEEN_IN]->(m:Media {media_id: $media_id})
RETURN f {.face_id, .ordinal, .box, page: coalesce(f.page, 1), .quality, .quality_because, .too_poor_because, .label,
          .start_ms, .end_ms, .frame_ms,
          label_version: coalesce(f.label_version, 0), landmarks_seen: f.landmarks IS NOT NULL} AS face,
       head(COLLECT { MATCH (act:Act)-[:MARKED]->(f) RETURN act {.by, .role, .district, .at} }) AS mark,
       coalesce(head(COLLECT { MATCH (f)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim) RETURN v.victim_id }),
                head(COLLECT { MATCH (f)-[:DEPICTS {basis: 'declared'}]->(v:Victim)
                               RETURN v.victim_id ORDER BY v.victim_id LIMIT 1 })) AS victim_id
ORDER BY face.ordinal, face.face_id
"""

DISTRICTS_OF_MEDIA: Final = """
MATCH (:Media {media_id: $media_id})-[:IN_CASE]->(c:Case)
RETURN DISTINCT c.district AS district
"""
