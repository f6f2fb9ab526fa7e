"""What the real graph holds, as tests read it."""

from collections import Counter
from typing import Any

from graph.actions.link.cursor import Cursor, read_cursor
from graph.store.migrate import migrations
from graph.store.session import Row, Store

BOOKKEEPING = frozenset(
    {"Backlog", "Cursor", "AuditHead", "AuditEntry", "AuditRoot", "Outbox", "Withheld", "Published", "Migration"}
)
"""Labels of nodes that may differ after a replay: positions, the audit, records not yet published."""
CLOCK_PROPERTIES = frozenset({"at", "proposed_at", "answered_at", "first_at", "at_ms", "next_try", "ended_at"})
"""Properties that hold the time of the run that wrote them."""
KEYS = {
    "Case": "case_id",
    "Media": "media_id",
    "Face": "face_id",
    "Embedding": "embedding_id",
    "Victim": "victim_id",
    "Search": "search_id",
    "Comparison": "comparison_id",
    "Notice": "notice_id",
    "Erasure": "subject",
    "Quarantined": "quarantine_id",
    "Act": "act_id",
    "Verdict": "verdict_id",
    "Group": "group_id",
    "Part": "part_id",
    "Visit": "actor",
}
"""The property that identifies the nodes of each label."""
WAITING = "SHOW TRANSACTIONS YIELD status WHERE status STARTS WITH 'Blocked' RETURN count(*) AS number"


async def has_waiting(store: Store) -> bool:
    """Whether a transaction waits for a lock that another one holds."""
    row = await store.read(lambda tx: tx.one(WAITING))
    return row is not None and row["number"] > 0


async def empty(store: Store) -> None:
    """Deletes everything in the graph except its schema, and restores what migrations create: audit head and cursor."""
    await store.statement("MATCH (n) WHERE NOT n:Migration CALL (n) { DETACH DELETE n } IN TRANSACTIONS")
    for _, _, text in migrations():
        for statement in filter(lambda part: part.startswith("MERGE"), (part.strip() for part in text.split(";"))):
            await store.statement(statement)  # type: ignore[arg-type]


class GraphContents:
    """Queries of tests to the graph of `store`."""

    store: Store

    async def rows(self, query: str, **values: Any) -> list[Row]:
        return await self.store.read(lambda tx: tx.rows(query, **values))  # type: ignore[arg-type]

    async def do(self, query: str, **values: Any) -> None:
        await self.store.write(lambda tx: tx.do(query, **values))  # type: ignore[arg-type]

    async def cursor(self) -> Cursor:
        return await read_cursor(self.store)

    async def snapshot(self, *, times: bool = True) -> dict[str, Any]:
        """Every node and relationship except bookkeeping; `times=False` omits the properties that hold a clock."""
        nodes = await self.rows("MATCH (n) RETURN elementId(n) AS id, labels(n)[0] AS label, properties(n) AS facts")
        edges = await self.rows(
            "MATCH (a)-[r]->(b) RETURN elementId(a) AS a, type(r) AS kind, properties(r) AS facts, elementId(b) AS b"
        )
        names = {row["id"]: f"{row['label']} {row['facts'].get(KEYS.get(row['label'], ''))}" for row in nodes}
        # An outbox node that is deleted while it is read has neither label nor properties.
        compared = [row for row in nodes if row["label"] not in BOOKKEEPING and (row["label"] or row["facts"])]
        found: dict[str, Any] = {names[row["id"]]: _facts(row["facts"], times) for row in compared}
        assert len(found) == len(compared), Counter(names.values()).most_common(3)
        for row in edges:
            edge = f"{names[row['a']]} -{row['kind']}-> {names[row['b']]}"
            found.setdefault(edge, []).append(_facts(row["facts"], times))
        return found

    async def links(self) -> dict[tuple[str, str], tuple[str, float, str, float]]:
        """State, score, band and threshold of each link, by its pair of faces."""
        found = await self.rows(
            "MATCH (a:Face)-[r:CANDIDATE]->(b:Face) "
            "RETURN a.face_id AS a, b.face_id AS b, r.state AS state, r.score AS score, r.band AS band, "
            "r.threshold AS threshold"
        )
        assert len({(row["a"], row["b"]) for row in found}) == len(found), "a pair has two links"
        return {(r["a"], r["b"]): (r["state"], r["score"], r["band"], r["threshold"]) for r in found}


def _facts(facts: dict[str, Any], times: bool) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items() if times or k not in CLOCK_PROPERTIES}
