"""No statement reads a whole graph to answer for one thing: the plans that Neo4j makes of all of them say so.

Plans depend on what the database knows of its sizes, so they are asked for on a graph of some thousand faces.
"""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from neo4j import AsyncGraphDatabase, AsyncSession, NotificationMinimumSeverity

import graph.store.queries as queries
from graph.store.session import Store
from tests.bench.review.graph import Sizes, build

pytestmark = pytest.mark.anyio

NO_PLANS = {"fragments", "schema"}
"""Modules of statements on users, constraints and migrations, and of parts of statements."""
ALLOWED = {
    "audit.DECISIONS_IN": "a year's counts, asked month by month",
    "audit.ENTRIES_IN": "a year's counts, asked month by month",
    "audit.ROOTS": "one root a day",
    "audit.SEARCHES_IN": "a year's counts, asked month by month",
    "gallery.GALLERY_CASES": "link's start loads all cases",
    "gallery.GALLERY_ERASURES": "link's start loads all erasures",
    "models.BY_MODEL": "counts for the operator",
    "models.COUNT_LACKING": "counted once before all those faces are embedded",
    "read.SIZES": "few wait in quarantine; the rest is counted by the database itself",
    "read.TOO_POOR": "counts for the operator",
    "read.LINKS_BY_STATE": "counts for the operator",
    "read.STORES_FILES": "asked once at a start; the first face with a crop answers it",
    "reexamine.BEHIND": "one lag a source",
    "reexamine.COUNT": "counted by the database itself, and by an index",
    "reexamine.OF_CODES": "few events wait in quarantine, asked once by an operator",
    "reexamine.QUARANTINED": "few events wait in quarantine, counted for the operator",
    "relay.QUARANTINE_PAGE": "the operator's list of what waits in quarantine",
    "relay.DUE": "few events wait in quarantine for a host",
}
"""What may scan, and why."""
ORDERED = ("queue.WALK",)
"""Statements that may take no more from an index than they show: sorted by it, never after it."""


def statements() -> Iterator[tuple[str, Any]]:
    for found in pkgutil.iter_modules(queries.__path__):
        if found.name not in NO_PLANS:
            module = importlib.import_module(f"{queries.__name__}.{found.name}")
            for name, text in vars(module).items():
                if isinstance(text, str) and name.isupper() and not name.startswith("_"):
                    yield f"{found.name}.{name}", text


STATEMENTS = dict(statements())


@pytest.fixture
async def session(store: Store, stack: Any) -> AsyncIterator[AsyncSession]:
    await build(store, Sizes(3000, 2000, cases=30), None, 1, lambda _: None)
    driver = AsyncGraphDatabase.driver(
        stack.neo4j_uri,
        auth=(stack.neo4j_user, stack.neo4j_password),
        notifications_min_severity=NotificationMinimumSeverity.OFF,
    )
    async with driver, driver.session() as session:
        await (await session.run("CALL db.resampleOutdatedIndexes()")).consume()
        yield session


def operators(plan: dict[str, Any]) -> Iterator[str]:
    """The operators of a plan, each before what it reads from."""
    yield plan["operatorType"].partition("@")[0]
    for child in plan.get("children", []):
        yield from operators(child)


def is_scan(operator: str) -> bool:
    """Whether it reads all nodes or relationships of a kind, or a whole index of them."""
    return "Scan" in operator or operator.startswith("AllRelationships")


async def test_only_the_listed_statements_scan(session: AsyncSession) -> None:
    scans: dict[str, list[str]] = {}
    for name, text in STATEMENTS.items():
        # By force: a plan that was made for the small graph of another test is no answer here.
        plan = (await (await session.run(f"EXPLAIN CYPHER replan=force {text}")).consume()).plan
        assert plan is not None, name
        if found := sorted({operator for operator in operators(plan) if is_scan(operator)}):
            scans[name] = found
        if name in ORDERED:
            assert_reads_no_more_than_it_shows(list(operators(plan)))

    assert {name: found for name, found in scans.items() if name not in ALLOWED} == {}
    assert set(ALLOWED) <= set(STATEMENTS), "an exception for what is gone"


def assert_reads_no_more_than_it_shows(plan: list[str]) -> None:
    """Symptom: a claim took half a second on 2,000 links. Cause: the page was sorted after all links were read."""
    seeks = [number for number, operator in enumerate(plan) if operator == "DirectedRelationshipIndexSeek"]
    assert len(seeks) == 3
    assert [plan[number - 1] for number in seeks] == ["Limit"] * 3
