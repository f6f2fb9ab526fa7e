"""The audit chain and the outbox: every deciding transaction begins with LOCK_HEAD."""

from typing import Final

LOCK_HEAD: Final = """
MATCH (h:AuditHead {name: 'head'})
SET h.locked = h.locked + 1
RETURN h.seq AS seq, h.hash AS hash, h.outbox AS outbox
"""

APPEND: Final = """
MATCH (h:AuditHead {name: 'head'})
SET h.seq = $seq, h.hash = $hash, h.outbox = $outbox
FOREACH (row IN $entries | CREATE (e:AuditEntry) SET e = row)
FOREACH (row IN $rows | CREATE (o:Outbox) SET o = row)
"""
"""Writes audit entries and records to publish, and advances the head."""

_COLUMNS: Final = """
RETURN e.seq AS seq, e.at AS at, e.actor AS actor, e.action AS action, e.subject AS subject, e.purpose AS purpose,
       e.digest AS digest, e.salt AS salt, e.previous_hash AS previous_hash, e.hash AS hash
"""
_ENTRY: Final = _COLUMNS + "ORDER BY seq LIMIT $limit"

ENTRIES: Final = "MATCH (e:AuditEntry) WHERE e.seq > $after" + _ENTRY

ENTRIES_UNTIL: Final = "MATCH (e:AuditEntry) WHERE e.seq > $after AND e.seq <= $last" + _ENTRY

HEAD: Final = "MATCH (h:AuditHead {name: 'head'}) RETURN h.seq AS seq, h.hash AS hash"

SPAN: Final = """
MATCH (e:AuditEntry) WHERE e.at >= $start AND e.at < $end
RETURN min(e.seq) AS first, max(e.seq) AS last
"""
"""The first and last entry of a period; `at` is text that sorts by time, and its index includes `seq`."""

OF_VICTIM: Final = """
MATCH (v:Victim {victim_id: $victim_id})
WITH COLLECT { MATCH (f:Face)-[:DEPICTS]->(v) RETURN DISTINCT f } AS faces,
     COLLECT { MATCH (i:Identification)-[:OF]->(v) RETURN i.identification_id } AS identifications
WITH identifications, [f IN faces | f.face_id] AS face_ids,
     COLLECT { UNWIND faces AS f MATCH (f)-[:SEEN_IN]->(m:Media) RETURN DISTINCT m.media_id } AS media,
     COLLECT { UNWIND faces AS f MATCH (f)-[r:CANDIDATE]-(:Face) RETURN DISTINCT r.link_id } AS links,
     COLLECT { UNWIND faces AS f MATCH (s:Search)-[:PROBE|RETURNED]->(f) RETURN DISTINCT s.search_id } AS searches
RETURN identifications, face_ids AS faces, media, links, searches,
       COLLECT { UNWIND links AS link_id MATCH (d:Verdict {link_id: link_id})<-[:WROTE]-(act:Act)
                 RETURN DISTINCT act.act_id } AS acts
"""

SEARCHES_IN: Final = """
MATCH (s:Search) WHERE s.asked_at >= $start AND s.asked_at < $end
WITH s, coalesce(s.above, COUNT { MATCH (s)-[r:RETURNED]->() WHERE r.above }) AS above,
     coalesce(s.returned, COUNT { (s)-[:RETURNED]->() }) AS returned
RETURN s.purpose AS purpose,
       CASE WHEN s.status <> 'answered' THEN s.status WHEN above > 0 THEN 'similar'
            WHEN returned > 0 THEN 'nothing_similar_enough' ELSE 'nothing_similar' END AS outcome,
       count(*) AS number
ORDER BY purpose, outcome
"""

DECISIONS_IN: Final = """
MATCH (act:Act) WHERE act.at >= $start AND act.at < $end
MATCH (act)-[:WROTE]->(v:Verdict)
RETURN coalesce(act.kind, 'verdict') AS kind, v.decision AS decision, count(*) AS number
ORDER BY kind, decision
"""

ENTRIES_IN: Final = """
MATCH (e:AuditEntry) WHERE e.at >= $start AND e.at < $end
RETURN e.action AS action, e.purpose AS purpose, count(*) AS number
ORDER BY action, purpose
"""

_WANTED: Final = (
    """
WHERE e.seq > $after AND e.seq <= $last
  AND ($actor IS NULL OR e.actor = $actor) AND ($actions IS NULL OR e.action IN $actions)
  AND ($subject IS NULL OR e.subject = $subject)
  AND ($start IS NULL OR e.at >= $start) AND ($end IS NULL OR e.at < $end)
"""
    + _COLUMNS
)

PAGE: Final = "MATCH (e:AuditEntry)" + _WANTED + "ORDER BY seq LIMIT $limit"

# Ordered by the properties of their index, so that the planner stops at the limit instead of sorting all entries.
PAGE_OF_ACTOR: Final = "MATCH (e:AuditEntry {actor: $actor})" + _WANTED + "ORDER BY e.actor, e.seq LIMIT $limit"

PAGE_OF_SUBJECT: Final = "MATCH (e:AuditEntry {subject: $subject})" + _WANTED + "ORDER BY e.subject, e.seq LIMIT $limit"

ROOTS: Final = """
MATCH (r:AuditRoot) WHERE r.seq > $after AND r.seq <= $last
RETURN r.date AS date, r.seq AS seq, r.hash AS hash, r.count AS count
ORDER BY date
"""

LAST_ROOT: Final = """
MATCH (r:AuditRoot) WHERE r.date > ''
RETURN r.date AS date, r.seq AS seq, r.hash AS hash
ORDER BY date DESC LIMIT 1
"""

CREATE_ROOT: Final = "CREATE (r:AuditRoot) SET r = $root"
