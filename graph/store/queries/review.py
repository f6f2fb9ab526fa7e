"""What people say about links. Every statement here runs after LOCK_HEAD, in the same transaction.

`+ 0` takes the edge's lock before its version is read; see `queries.ingest`.
"""

from __future__ import annotations

from typing import Final

LOCK_LINK: Final = """
MATCH (a:Face)-[r:CANDIDATE {link_id: $link_id}]->(b:Face)
SET r.version = r.version + 0
RETURN r.state AS state, r.version AS version, r.score AS score,
       EXISTS { MATCH (a)-[:SEEN_IN]->(:Media)<-[:SEEN_IN]-(b) } AS one_frame,
       COLLECT { MATCH (a)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case) RETURN DISTINCT c.district }
       + COLLECT { MATCH (b)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case) RETURN DISTINCT c.district } AS districts
"""

LAST_VERDICT: Final = """
MATCH (v:Verdict {link_id: $link_id})<-[:WROTE]-(act:Act)
RETURN v.verdict_id AS verdict_id, v.decision AS decision, act.by AS by, act.at AS at
ORDER BY v.version DESC LIMIT 1
"""

WRITE_VERDICT: Final = """
MATCH (:Face)-[r:CANDIDATE {link_id: $link_id}]->(:Face)
SET r.state = $state, r.version = $version
CREATE (act:Act {act_id: $act_id, kind: 'verdict', by: $by, at: $at})
CREATE (act)-[:WROTE]->(:Verdict {verdict_id: $verdict_id, link_id: $link_id, decision: $decision, reasons: $reasons,
    text: $text, score_then: r.score, state_then: $state_then, version: $version, supersedes: $supersedes})
"""
