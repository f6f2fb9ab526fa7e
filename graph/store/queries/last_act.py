"""What a person decided last, by index: at most the acts of their district since a time are walked, latest first."""

from typing import Final

LAST_ACT: Final = """
UNWIND [$kind, 'reopening'] AS kind
CALL (kind) {
  MATCH (act:Act) USING INDEX SEEK act:Act(kind, district, at)
  WHERE act.kind = kind AND act.district = $district AND act.at >= $since AND act.by = $actor
    AND (kind = $kind OR EXISTS { (:Act {act_id: act.undoes, kind: $kind}) })
  RETURN act ORDER BY act.at DESC LIMIT 1
}
WITH act ORDER BY act.at DESC LIMIT 1
RETURN act.at AS at, act.act_id AS act_id, act.kind = 'reopening' AS is_undone,
       COLLECT { MATCH (act)-[:WROTE]->(v:Verdict) RETURN DISTINCT v.decision } AS decisions,
       COLLECT { MATCH (act)-[:WROTE]->(v:Verdict) RETURN v.link_id ORDER BY v.link_id } AS links
"""

LAST_IDENTIFIED: Final = """
MATCH (i:Identification) WHERE i.decided_by = $actor AND i.decided_at >= $since
RETURN i.decided_at AS at, i.state AS decision, i.identification_id AS id, i.version AS version
ORDER BY i.decided_by DESC, i.decided_at DESC LIMIT 1
"""
