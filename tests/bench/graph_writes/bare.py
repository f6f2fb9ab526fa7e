"""The same rows as link's, written by the driver alone: one plain statement for each kind of row, one transaction.

It locks nothing, reads nothing, checks no epoch and takes every row for new.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver

from graph.actions.link.writes import GraphWrites
from graph.domain import audit, ids

Statement = tuple[LiteralString, dict[str, Any]]

_CASES: Final = "UNWIND $rows AS row MERGE (c:Case {case_id: row.case_id}) SET c += row"
_MEDIA: Final = "UNWIND $rows AS row CREATE (m:Media) SET m = row"
_MEMBERSHIPS: Final = """
UNWIND $rows AS row
MATCH (m:Media {media_id: row.media_id})
MATCH (c:Case {case_id: row.case_id})
CREATE (m)-[r:IN_CASE]->(c) SET r = row.facts
"""
_FACES: Final = """
UNWIND $rows AS row
MATCH (m:Media {media_id: row.media_id})
CREATE (f:Face)-[:SEEN_IN]->(m) SET f = row.face
"""
_EMBEDDINGS: Final = """
UNWIND $rows AS row
MATCH (f:Face {face_id: row.face_id})
CREATE (e:Embedding)-[:OF]->(f) SET e = row.facts
"""
_COMPARISONS: Final = """
UNWIND $rows AS row
CREATE (k:Comparison) SET k = row.comparison
WITH k, row
UNWIND row.faces AS face_id
MATCH (f:Face {face_id: face_id})
CREATE (f)-[:COMPARED_IN]->(k)
"""
_CUT: Final = """
UNWIND $rows AS row
MATCH (f:Face {face_id: row.face_id}) SET f.more_similar = row.number
WITH f, row
UNWIND row.faces AS other
MATCH (g:Face {face_id: other})
CREATE (f)-[:AS_SIMILAR]->(g)
"""
_LINKS: Final = """
UNWIND $rows AS row
MATCH (a:Face {face_id: row.a})
MATCH (b:Face {face_id: row.b})
CREATE (a)-[r:CANDIDATE]->(b) SET r = row.facts
"""
_GROUPS: Final = """
UNWIND $rows AS row
MERGE (g:Group {group_id: row.group_id}) SET g.case_id = row.case_id
WITH g, row
UNWIND row.joined AS face_id
MATCH (f:Face {face_id: face_id})
CREATE (f)-[r:IN_GROUP]->(g) SET r.at = $now
"""
_NOTICES: Final = "UNWIND $rows AS row CREATE (n:Notice) SET n = row"
_OUTBOX: Final = "UNWIND $rows AS row CREATE (o:Outbox) SET o = row"
_AUDIT: Final = "UNWIND $rows AS row CREATE (e:AuditEntry) SET e = row"
_CURSOR: Final = "MERGE (c:Cursor {log: 'bench-bare'}) SET c.offset = $last, c.ce_id = $ce_id, c.digest = $digest"

FIRST_SEQ: Final = 1_000_000_000
"""Of the bare rows in audit and outbox: far behind those that the product counts."""


def statements(changes: GraphWrites, acts: Sequence[audit.Act], now: datetime) -> list[Statement]:
    """What writes these changes, with the notices, records to publish and audit entries that link adds to them."""
    at = now.isoformat()
    notices = [
        {
            "notice_id": ids.notice_id(row.subject, 1),
            "subject": row.subject,
            "number": 1,
            "outcome": row.outcome,
            "source": row.source,
            "supersedes": None,
            "at": at,
            "fingerprint": row.event.fingerprint if row.event is not None else None,
        }
        for row in changes.notices
    ]
    outgoing = [
        {
            "seq": FIRST_SEQ + changes.first + number,
            "kind": "notice",
            "key": row.subject,
            "source": row.source,
            "body": json.dumps({**notice, **row.body}, separators=(",", ":")),
        }
        for number, (row, notice) in enumerate(zip(changes.notices, notices, strict=True))
    ]
    entries = audit.chain(acts, FIRST_SEQ + changes.first, audit.GENESIS, salts=iter(lambda: "0" * 32, ""))
    rows: list[tuple[LiteralString, list[Any]]] = [
        (_CASES, changes.cases),
        (_MEDIA, changes.media),
        (_MEMBERSHIPS, [_with_facts(row, "media_id", "case_id") for row in changes.memberships]),
        (_FACES, [{**row, "face": {**row["face"], "face_id": row["face_id"]}} for row in changes.faces]),
        (_EMBEDDINGS, [_with_facts(row, "face_id") for row in changes.embeddings]),
        (_COMPARISONS, [_comparison(row, at) for row in changes.comparisons]),
        (_CUT, [cut for row in changes.comparisons for cut in row["cut"]]),
        (_LINKS, [_link(asdict(row), at) for row in changes.links.values()]),
        (_GROUPS, changes.groups),
        (_NOTICES, notices),
        (_OUTBOX, outgoing),
        (_AUDIT, [asdict(entry) for entry in entries]),
    ]
    written: list[Statement] = [(query, {"rows": found, "now": at}) for query, found in rows if found]
    return [*written, (_CURSOR, {"last": changes.last, "ce_id": "bench", "digest": "0" * 64})]


def _with_facts(row: dict[str, Any], *ends: str) -> dict[str, Any]:
    """The keys of its ends, and its other values as the properties."""
    return {**{key: row[key] for key in ends}, "facts": {key: row[key] for key in row if key not in ends}}


def _comparison(row: dict[str, Any], at: str) -> dict[str, Any]:
    facts = {**row["comparison"], "comparison_id": row["comparison_id"], "at": at}
    return {"comparison": facts, "faces": row["faces"]}


def _link(row: dict[str, Any], at: str) -> dict[str, Any]:
    facts = {key: row[key] for key in row if key not in ("a", "b")}
    placed = {"urgency": 0, "district_low": "north", "district_high": "south"}
    return {
        "a": row["a"],
        "b": row["b"],
        "facts": {**facts, **placed, "version": 0, "proposed_by": "machine", "proposed_at": at},
    }


async def write(driver: AsyncDriver, batch: Sequence[Statement]) -> int:
    """Writes a batch in one transaction; returns how many nodes and relationships it made."""

    async def work(tx: Any) -> int:
        made = 0
        for query, values in batch:
            counters = (await (await tx.run(query, values)).consume()).counters
            made += counters.nodes_created + counters.relationships_created
        return made

    async with driver.session(database="neo4j") as session:
        return await session.execute_write(work)
