"""Figures of decisions and of the time that they take, over the newest or over samples: their cost is bounded."""

from typing import Final

VERDICTS: Final = """
MATCH (act:Act) USING INDEX SEEK act:Act(kind, district, at)
WHERE act.kind = 'verdict' AND act.district = $district AND act.at > $since
WITH act ORDER BY act.kind DESC, act.district DESC, act.at DESC LIMIT $limit
MATCH (act)-[:WROTE]->(v:Verdict)
WITH act, v LIMIT $limit
MATCH ()-[r:CANDIDATE {link_id: v.link_id}]->()
CALL (v) {
  OPTIONAL MATCH (w:Verdict {link_id: v.link_id}) WHERE w.supersedes = v.verdict_id
  RETURN w ORDER BY w.version DESC LIMIT 1
}
RETURN left(act.at, 7) AS month, split(coalesce(r.band, ''), ';')[0] AS band, v.decision AS decision,
       w.decision AS answer, w.answers IS NOT NULL AS by_another, count(*) AS number,
       collect(DISTINCT toLower(act.by)) AS people
"""
"""The newest verdicts of a district's people, each with the act that answered it, counted by month and band."""

# Quantiles of seconds: half of the sample took no longer than `half`, 95 of 100 no longer than `most`.
_SUBMITTED: Final = """COLLECT {
  UNWIND faces AS f
  MATCH (f)-[:SEEN_IN]->(:Media)-[i:IN_CASE]->(:Case) WHERE i.submitted_at <= then
  RETURN i.submitted_at
} AS events
UNWIND events AS event
"""

# A batch compares and proposes at one time. Only the first comparison of a face follows an event.
PROPOSED: Final = (
    """
UNWIND $slots AS slot
CALL (slot) {
  MATCH (k:Comparison) WHERE k.at >= slot.start AND k.at < slot.end
  WITH k ORDER BY k.at LIMIT $limit
  RETURN k
}
WITH slot.day AS day, k, datetime(k.at).epochMillis AS then,
     COLLECT { MATCH (f:Face)-[:COMPARED_IN]->(k) RETURN f LIMIT 1 } AS faces
WHERE NOT EXISTS { UNWIND faces AS f MATCH (f)-[:COMPARED_IN]->(e:Comparison) WHERE e.at < k.at RETURN e }
WITH day, k, then, """
    + _SUBMITTED
    + """WITH day, k, then, max(event) AS event
WITH day, k, (then - event) / 1000.0 AS seconds
RETURN day, count(k) AS number, percentileCont(seconds, 0.5) AS half, percentileCont(seconds, 0.95) AS most
ORDER BY day
"""
)
"""Samples of a day: from a media's latest event to its comparison, which proposes its candidates."""

JUDGED: Final = (
    """
UNWIND $slots AS slot
CALL (slot) {
  MATCH (act:Act) USING INDEX SEEK act:Act(kind, at)
  WHERE act.kind = 'verdict' AND act.at >= slot.start AND act.at < slot.end
  WITH act ORDER BY act.kind, act.at LIMIT $limit
  RETURN act
}
CALL (act) {
  MATCH (act)-[:WROTE]->(v:Verdict) WHERE v.version = 1
  RETURN v LIMIT 1
}
MATCH (a:Face)-[r:CANDIDATE {link_id: v.link_id}]->(b:Face) WHERE r.proposed_by = 'machine'
WITH slot.day AS day, act, [a, b] AS faces, datetime(r.proposed_at).epochMillis AS then,
     datetime(act.at).epochMillis AS judged
WITH day, act, then, judged, """
    + _SUBMITTED
    + """WITH day, act, then, judged, max(event) AS event
WITH day, act, (judged - then) / 1000.0 AS waited, (judged - event) / 1000.0 AS seconds
RETURN day, count(act) AS number,
       percentileCont(waited, 0.5) AS waited_half, percentileCont(waited, 0.95) AS waited_most,
       percentileCont(seconds, 0.5) AS half, percentileCont(seconds, 0.95) AS most
ORDER BY day
"""
)
"""Samples of a day's first verdicts: from the candidate to the verdict (`waited`), and from the later event to it."""

FIRST_SINCE: Final = """
MATCH (e:AuditEntry) USING INDEX e:AuditEntry(at, seq) WHERE e.at >= $since AND e.seq >= 0
WITH e ORDER BY e.at, e.seq LIMIT 1
RETURN e.seq AS seq
"""

SUBJECTS_OF_ACTOR: Final = """
MATCH (e:AuditEntry) WHERE e.actor = $actor AND e.seq > $after AND e.at >= $since AND e.action IN $actions
RETURN count(DISTINCT e.subject) AS number
"""
