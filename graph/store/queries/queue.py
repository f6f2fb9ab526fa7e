"""Links that wait for people, and claims on them. Every statement reads a bounded number of links with any filter.

The queue of a district is a walk along the indexes `link_low` and `link_high` (see `ingest._PLACE`): `$stretches`
says which parts of it are left. Filters that would make most of the walk useless (a small case, one victim) begin at
the case or the victim instead.
"""

from typing import Final

from graph.store.queries.fragments import in_one_row

_NEXT_PAGE: Final = """
WITH n, r ORDER BY n, r.link_id LIMIT $limit
RETURN collect({link_id: r.link_id}) AS rows
"""

WAITING_LINKS: Final = in_one_row(
    """
UNWIND $links AS link_id
MATCH (a:Face)-[r:CANDIDATE {link_id: link_id}]->(b:Face)
WITH r, [f IN [a, b] | f {.face_id, .label, .stub, .quality,
       victims: [(f)-[d:DEPICTS]->(v:Victim) | [d.basis, v.victim_id]],
       groups: [(f)-[:IN_GROUP]->(g:Group) | [g.group_id, g.case_id]],
       submitted: [(f)-[:SEEN_IN]->(m:Media) | m.first_submitted_at],
       cases: [(f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) | [c.case_id, c.district]]}] AS sides
RETURN r.link_id AS link_id, r.state AS state, r.version AS version, r.urgency AS urgency,
       coalesce(r.claimed_until, '') AS claimed_until, sides[0] AS a, sides[1] AS b
""",
    "link_id state version urgency claimed_until a b",
)
"""The links of a walk or item with the subjects that they join; a statement of its own, so that it is planned once."""

# A link lies in the districts `district_low` and `district_high`, or, with `*`, in more than two: each is a seek.
# Ordered by the index's own properties, or the planner would read and sort the whole range; with hints, or its
# statistics of small graphs would make it scan another index.
_SEEK_LOW: Final = """
  MATCH ()-[r:CANDIDATE]->() USING INDEX SEEK r:CANDIDATE(state, district_low, urgency, link_id)
  WHERE r.state = state AND r.district_low = $district AND r.urgency = part.urgency
    AND r.link_id > part.after AND r.link_id <= part.until
  WITH r ORDER BY r.state, r.district_low, r.urgency, r.link_id LIMIT $limit
  RETURN r
"""

WALK: Final = (
    """
UNWIND range(0, size($stretches) - 1) AS n
WITH n, $stretches[n] AS part
UNWIND $states AS state
CALL (part, state) {"""
    + _SEEK_LOW
    + "  UNION ALL"
    + _SEEK_LOW.replace("district_low", "district_high")
    + "  UNION ALL"
    + _SEEK_LOW.replace("$district", "'*'")
    + "}"
    + _NEXT_PAGE
)

SIZE: Final = """
OPTIONAL MATCH (c:Case {case_id: $case_id}) WHERE c.district = $district
RETURN COUNT { (c)<-[:IN_CASE]-() } AS media
"""

_ON_THE_WALK: Final = """
WITH DISTINCT r WHERE r.state IN $states
UNWIND range(0, size($stretches) - 1) AS n
WITH n, r, $stretches[n] AS part
WHERE r.urgency = part.urgency AND r.link_id > part.after AND r.link_id <= part.until
"""

WALK_CASE: Final = (
    "MATCH (c:Case {case_id: $case_id}) WHERE c.district = $district\n"
    "MATCH (c)<-[:IN_CASE]-(:Media)<-[:SEEN_IN]-(:Face)-[r:CANDIDATE]-(:Face)" + _ON_THE_WALK + _NEXT_PAGE
)

WALK_FACES: Final = (
    "UNWIND $faces AS face_id MATCH (:Face {face_id: face_id})-[r:CANDIDATE]-(:Face)" + _ON_THE_WALK + _NEXT_PAGE
)

# A subject gains a face when one joins its victim or its group; that the subject's own face joins one counts too. A
# face that both people and a case system assigned to a victim joined it with the people's decision.
GAINED: Final = """
UNWIND $links AS link_id
MATCH (a:Face)-[r:CANDIDATE {link_id: link_id}]->(b:Face)
CALL (r) {
  MATCH (:Verdict {link_id: r.link_id})<-[:WROTE]-(act:Act)
  RETURN max(act.at) AS since
}
WITH r, since, [a, b] AS sides
WHERE EXISTS {
        UNWIND sides AS f
        MATCH (f)-[:DEPICTS]->(:Victim)<-[d:DEPICTS]-(g:Face)
        WHERE d.at > since AND g <> f AND (d.basis = 'confirmed' OR NOT (g)-[:DEPICTS {basis: 'confirmed'}]->())
        RETURN d
      }
   OR EXISTS {
        UNWIND sides AS f
        MATCH (f)-[own:DEPICTS]->(v:Victim)<-[:DEPICTS]-(g:Face)
        WHERE own.at > since AND g <> f AND (own.basis = 'confirmed' OR NOT (f)-[:DEPICTS {basis: 'confirmed'}]->())
        RETURN v
      }
   OR EXISTS {
        UNWIND sides AS f
        MATCH (f)-[:IN_GROUP]->(:Group)<-[i:IN_GROUP]-(g:Face)-[:COMPARED_IN]->(k:Comparison)
        WHERE coalesce(i.at, k.at) > since
        RETURN k
      }
RETURN r.link_id AS link_id
"""

TAKEN_BACK: Final = """
UNWIND $links AS link_id
CALL (link_id) {
  MATCH (v:Verdict {link_id: link_id})<-[:WROTE]-(act:Act)
  RETURN v, act ORDER BY v.version DESC LIMIT 1
}
WITH link_id, v, act WHERE v.decision = 'reopened' AND act.at > $since
MATCH (u:Verdict {verdict_id: v.undoes})<-[:WROTE]-(former:Act)
WHERE toLower(act.by) = toLower($by) AND toLower(former.by) = toLower($by) AND u.opened
RETURN link_id
"""
"""Links whose last act is a reopening by a person of a decision that had shown them score and reasons."""

TAKEN: Final = """
UNWIND $items AS item
MATCH (k:Claim {item: item})
WHERE k.until > $now OR (k.by = $by AND k.skipped_until > $now)
RETURN DISTINCT item
"""

# From the faces of the smaller subject to the larger one; `domain.queue` decides on the subject of a face that has two
# declared victims.
LINKS_OF_ITEMS: Final = in_one_row(
    """
UNWIND $items AS item
CALL (item) {
  WITH item WHERE item.kind = 'face'
  MATCH (f:Face {face_id: item.id})
  RETURN f
  UNION ALL
  WITH item WHERE item.kind = 'group'
  MATCH (:Group {group_id: item.id})<-[:IN_GROUP]-(f:Face)
  RETURN f LIMIT 500
  UNION ALL
  WITH item WHERE item.kind = 'victim'
  MATCH (:Victim {victim_id: item.id})<-[:DEPICTS]-(f:Face)
  RETURN DISTINCT f LIMIT 500
}
MATCH (f)-[r:CANDIDATE]-(o:Face)
WHERE r.state IN $states
  AND CASE item.other_kind
        WHEN 'face' THEN o.face_id = item.other_id
        WHEN 'group' THEN EXISTS { (o)-[:IN_GROUP]->(:Group {group_id: item.other_id}) }
        ELSE EXISTS { (o)-[:DEPICTS]->(:Victim {victim_id: item.other_id}) }
      END
RETURN DISTINCT r.link_id AS link_id
""",
    "link_id",
)

# A face with groups in two cases has the smallest id as its group, as in `domain.queue`; one that people assigned to a
# victim has that victim.
GROUP_FACES: Final = """
UNWIND $groups AS group_id
CALL (group_id) {
  MATCH (g:Group {group_id: group_id})<-[:IN_GROUP]-(f:Face)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case)
  WHERE c.case_id = g.case_id AND NOT EXISTS { (f)-[:DEPICTS]->(:Victim) }
    AND NOT EXISTS { MATCH (f)-[:IN_GROUP]->(o:Group) WHERE o.group_id < group_id }
  RETURN f ORDER BY f.quality, f.face_id LIMIT $limit
}
RETURN group_id, collect(f.face_id) AS faces
"""
"""The undecided faces of groups, the poorest picture first."""

# Runs under the lock of the audit head: it reads the current state, so no item and no link has two claims.
TAKE: Final = """
UNWIND $rows AS row
WITH row WHERE NOT EXISTS { MATCH (k:Claim {item: row.item}) WHERE k.until > $now }
CALL (row) {
  UNWIND range(0, size(row.links) - 1) AS n
  MATCH (:Face)-[r:CANDIDATE {link_id: row.links[n]}]->(:Face)
  WHERE r.version = row.versions[n] AND coalesce(r.claimed_until, '') <= $now
  RETURN collect(r) AS free
}
WITH row, free WHERE size(free) = size(row.links)
WITH row, free ORDER BY row.place LIMIT $wanted
CREATE (:Claim {claim_id: row.claim_id, item: row.item, links: row.links, versions: row.versions, by: $by,
                role: $role, district: $district, seed: $seed, at: $now, until: $until})
FOREACH (r IN free | SET r.claimed_by = $by, r.claimed_until = $until)
RETURN row.claim_id AS claim_id
"""

# Open links are those not decided since; a link inside one victim is settled by another link of its sheet.
_CLAIM: Final = """
RETURN k {.claim_id, .item, .links, .seed, .at, .until, .by} AS claim,
       coalesce(k.skipped_until, '') > $now AS skipped,
       k.until > $now AS lasts,
       COLLECT { UNWIND range(0, size(k.links) - 1) AS n
                 MATCH (a:Face)-[r:CANDIDATE {link_id: k.links[n]}]->(b:Face)
                 WHERE r.version = k.versions[n] AND NOT EXISTS { (a)-[:DEPICTS]->(:Victim)<-[:DEPICTS]-(b) }
                 RETURN k.links[n] } AS open
ORDER BY claim.at, claim.claim_id
"""

CLAIMS_OF: Final = "MATCH (k:Claim {by: $by})" + _CLAIM

CLAIM: Final = "MATCH (k:Claim {claim_id: $claim_id})" + _CLAIM

_FREE_LINKS: Final = """
CALL (k) {
  UNWIND k.links AS link_id
  MATCH (:Face)-[r:CANDIDATE {link_id: link_id}]->(:Face)
  WHERE r.claimed_by = k.by AND r.claimed_until = k.until
  SET r.claimed_until = null, r.claimed_by = null
}
"""

DELETE_CLAIMS: Final = (
    """
UNWIND $claims AS claim_id
MATCH (k:Claim {claim_id: claim_id})
"""
    + _FREE_LINKS
    + "DELETE k"
)

SKIP: Final = (
    "MATCH (k:Claim {claim_id: $claim_id})"
    + _FREE_LINKS
    + "SET k.until = $now, k.skipped_until = $skipped_until, k.links = [], k.versions = []"
)

RENEW: Final = """
MATCH (k:Claim {claim_id: $claim_id})
CALL (k) {
  UNWIND k.links AS link_id
  MATCH (:Face)-[r:CANDIDATE {link_id: link_id}]->(:Face)
  SET r.claimed_until = $until, r.claimed_by = k.by
}
SET k.until = $until
"""

RETURNS: Final = """
UNWIND $links AS link_id
CALL (link_id) {
  MATCH (v:Verdict {link_id: link_id})<-[:WROTE]-(act:Act) WHERE v.decision = 'confirmed'
  RETURN act.by AS confirmed_by ORDER BY v.version DESC LIMIT 1
}
WITH link_id, confirmed_by WHERE confirmed_by = $by
CALL (link_id) {
  MATCH (v:Verdict {link_id: link_id})<-[:WROTE]-(act:Act) WHERE v.decision = 'returned'
  RETURN act {actor: act.by, .role, .district} AS returned_by, act.at AS returned_at, v.text AS reason
  ORDER BY v.version DESC LIMIT 1
}
RETURN link_id, returned_by, returned_at, reason
"""
