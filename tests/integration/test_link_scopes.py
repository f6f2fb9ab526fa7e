"""What people decided and what the law allows holds on the real graph, whatever link reads, in whatever order."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.actions.link import commit
from graph.actions.link.cursor import raise_epoch
from graph.actions.link.stored_pairs import stored_pairs
from graph.actions.link.writes import GraphWrites, ProposedLink
from graph.domain import ids
from graph.domain.errors import NotFound
from graph.files import MediaStore
from graph.store import log
from graph.store.session import Store, Tx
from streams import topics
from streams.faces.models import MODEL_ID
from streams.records.gallery import GalleryRecord
from tests.support import factories_streams as make
from tests.support.harness import current_notices
from tests.support.link_in_process import LinkInProcess, link_in_process

pytestmark = pytest.mark.anyio
RNG = np.random.default_rng(3)
CHILD = make.unit(RNG)
DECIDE = "MATCH ()-[r:CANDIDATE {link_id: $link}]->() SET r.state = $state, r.version = r.version + 1"


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


class Log:
    """Builds a log of pictures that all show one child, and knows which pairs must stand."""

    def __init__(self) -> None:
        self.records: list[GalleryRecord] = []
        self.vectors: dict[str, make.Vector] = {}

    def picture(self, name: str, case: str, scope: str = "register", *, at: int | None = None) -> None:
        vector = self.vectors.setdefault(name, make.near(RNG, CHILD, 0.9))
        event = make.submitted(case, scope, make.CASES[case])
        self.records.append(make.embedded(name, [vector], event, make.origin(len(self.records), at=at)))

    def change(self, case: str, status: str, version: int) -> None:
        source = make.origin(len(self.records), kind="cases.changed")
        self.records.append(make.case_changed(case, status, version, source, make.CASES[case]))

    def erase(self, name: str, *, at: int) -> None:
        source = make.origin(len(self.records), at=at, kind="erasures.requested")
        self.records.append(make.erasure("media_id", make.media_id(name), source))

    def erase_case(self, case: str, *, at: int) -> None:
        source = make.origin(len(self.records), at=at, kind="erasures.requested")
        self.records.append(make.erasure("case_id", case, source))

    def written(self) -> list[GalleryRecord]:
        new, self.records_sent = self.records[getattr(self, "records_sent", 0) :], len(self.records)
        return new


def pairs(*names: str) -> set[tuple[str, str]]:
    """The pairs of faces of these pictures, named `one+other`."""
    return {ids.ordered(*(make.face_id(name) for name in pair.split("+"))) for pair in names}


async def test_scopes_decisions_closures_and_erasures_hold_on_the_graph(site: LinkInProcess, tmp_path: Path) -> None:
    told = Log()
    told.picture("both", "local:n1", "register")
    told.picture("both", "local:s1", "case")
    told.picture("north", "local:n2", "register")
    told.picture("south", "local:s1", "case")
    told.picture("hidden", "local:n2", "none")
    site.write(told.written())
    await site.linked()
    # The same bytes in two cases: each membership reaches as far as its own scope.
    assert set(await site.links()) == pairs("both+north", "both+south")

    # A dismissed and a confirmed link stand, whatever the machine reads or embeds again.
    decided = {"both+north": "dismissed", "both+south": "confirmed"}
    for pair, state in decided.items():
        ((a, b),) = pairs(pair)
        await site.do(DECIDE, link=ids.link_id(a, b), state=state)
    told.vectors["both"] = make.near(RNG, CHILD, 0.7)
    told.picture("both", "local:n1", "case", at=20)
    told.picture("both", "local:n1", "register", at=30)
    told.change("local:s1", "closed", 1)
    told.change("local:s1", "open", 2)
    site.write(told.written())
    await site.linked()
    states = {pair: state for pair, (state, *_) in (await site.links()).items()}
    assert states == {next(iter(pairs(pair))): state for pair, state in decided.items()}

    # A scope that widens is compared at that record; one that narrows takes the undecided links back.
    told.picture("hidden", "local:n2", "register", at=40)
    site.write(told.written())
    await site.linked()
    assert set(await site.links()) == pairs("both+north", "both+south", "hidden+both", "hidden+north")
    told.change("local:n2", "closed", 1)
    site.write(told.written())
    await site.linked()
    assert set(await site.links()) == pairs("both+north", "both+south")
    told.change("local:n2", "open", 2)
    site.write(told.written())
    await site.linked()
    assert set(await site.links()) == pairs("both+north", "both+south", "hidden+both", "hidden+north")

    # What is erased stays erased for every older event; submitting it again later is a new event.
    files = MediaStore((tmp_path / "store").as_uri())
    crops = {name: files.put_crop(make.media_id(name), make.face_id(name), "display", b"x") for name in told.vectors}
    told.erase("north", at=100)
    told.picture("north", "local:n2", "register", at=99)
    told.picture("north", "local:s2", "register", at=100)
    site.write(told.written())
    await site.linked()
    assert await site.rows("MATCH (m:Media {media_id: $id}) RETURN m", id=make.media_id("north")) == []
    with pytest.raises(NotFound):
        files.read_crop(crops["north"])
    assert files.read_crop(crops["both"]) == b"x"
    # Of a face that a person judged a stub is left, and the dismissed pair with it.
    (stub,) = await site.rows("MATCH (f:Face {face_id: $id}) RETURN properties(f) AS facts", id=make.face_id("north"))
    assert stub["facts"] == {"face_id": make.face_id("north"), "stub": True}
    assert set(await site.links()) == pairs("both+north", "both+south", "hidden+both")
    outcomes = {s: n["outcome"] for s, n in current_notices(site.notices()).items()}
    assert [outcomes[f"event:{record.origin.event}"] for record in told.records[-3:]] == ["erased"] * 3  # type: ignore[union-attr]

    told.picture("north", "local:n2", "register", at=101)
    site.write(told.written())
    await site.linked()
    links = await site.links()
    assert set(links) == pairs("both+north", "both+south", "hidden+both", "hidden+north")
    ((a, b),) = pairs("both+north")
    assert links[a, b][0] == "dismissed"


async def test_what_comes_back_after_an_erasure_is_embedded_again_only_where_its_crops_are_gone(
    site: LinkInProcess, tmp_path: Path
) -> None:
    """Every later media of a case that was once erased went through embed twice."""
    files = MediaStore((tmp_path / "store").as_uri())

    def store_crops(name: str, ordinal: int = 0) -> None:
        for kind in ("display", "aligned", "context"):
            files.put_crop(make.media_id(name), make.face_id(name, ordinal), kind, b"x")  # type: ignore[arg-type]

    told = Log()
    told.picture("there", "local:n1")
    told.erase_case("local:n1", at=10)
    told.erase("there", at=10)
    for name in ("there", "stored", "gone"):
        told.picture(name, "local:n1", at=20)
    store_crops("stored")
    site.write(told.written()[:3])
    await site.linked()
    assert site.read(topics.media_submitted("local")) == []

    store_crops("there")
    site.write(told.records[3:])
    await site.linked()

    again = [dict(message.headers) for message in site.read(topics.media_submitted("local"))]
    assert [headers["redthread-event"] for headers in again] == [told.records[-1].origin.event.encode()]  # type: ignore[union-attr]
    assert len(await site.rows("MATCH (m:Media) RETURN m")) == 3


async def test_a_search_in_a_case_never_returns_a_face_outside_it(site: LinkInProcess) -> None:
    dice = random.Random(5)
    told = Log()
    names = [f"p{number}" for number in range(25)]
    scopes: dict[tuple[str, str], str] = {}
    for name in names:
        for case in dice.sample(sorted(make.CASES), dice.choice([1, 1, 2, 3])):
            scopes[name, case] = dice.choice(["register", "case", "none"])
            told.picture(name, case, scopes[name, case])
    closed = "local:s3"
    told.change(closed, "closed", 1)
    asked: dict[str, tuple[str, str, str]] = {}
    for number in range(40):
        asking, within = dice.choice(sorted(make.CASES)), dice.choice(["register", *(f"case:{c}" for c in make.CASES)])
        asked[f"s{number}"] = (dice.choice(names), asking, within)
    searches = [make.search(s, case, within, [make.face_id(n)], 100) for s, (n, case, within) in asked.items()]
    facts = [{**search.model_dump(exclude={"faces"}), "status": "asked"} for search in searches]
    await site.do("UNWIND $searches AS facts CREATE (s:Search) SET s = facts", searches=facts)
    site.write([*told.records, *searches])
    await site.linked()

    found = await site.rows(
        "MATCH (s:Search) RETURN s.search_id AS id, s.status AS status, s.compared AS compared, "
        "COLLECT { MATCH (s)-[:RETURNED]->(f:Face) RETURN f.face_id } AS faces"
    )
    assert {row["id"] for row in found} == asked.keys()
    for row in found:
        probe, asking, within = asked[row["id"]]
        if within == "register":
            allowed = {
                name
                for (name, case), scope in scopes.items()
                if case != closed and (scope == "register" or (case == asking and scope == "case"))
            }
        else:
            case = within.removeprefix("case:")
            allowed = {name for (name, other), scope in scopes.items() if other == case and scope != "none"}
        expected = {make.face_id(name) for name in allowed - {probe}}
        assert row["status"] == "answered"
        # The register's answer lists a few faces of each person, one case's answer all.
        assert set(row["faces"]) <= expected, (row["id"], asked[row["id"]])
        assert bool(row["faces"]) == bool(expected)
        assert within == "register" or len(row["faces"]) == len(expected)


async def test_no_refresh_by_the_machine_overwrites_a_verdict_that_is_given_at_the_same_moment(store: Store) -> None:
    """Forty rounds: link's whole commit and a verdict's transaction start together, in either order."""
    faces = [make.face_id(f"race-{number}") for number in range(41)]
    await store.write(lambda tx: tx.do("UNWIND $ids AS id CREATE (:Face {face_id: id})", ids=faces))
    epoch = (await raise_epoch(store, "race", MODEL_ID)).epoch
    now = datetime.now(UTC)

    def refreshed(offset: int, score: float) -> GraphWrites:
        changes = GraphWrites(first=offset, last=offset)
        for other in faces[1:]:
            a, b = ids.ordered(faces[0], other)
            link = ids.link_id(a, b)
            changes.links[link] = ProposedLink(
                link, a, b, "candidate", score, "moderate support", MODEL_ID, 0.4, False, ""
            )
        return changes

    async def verdict(link: str, state: str) -> None:
        async def work(tx: Tx) -> None:
            head = await log.lock_head(tx)
            await tx.do(DECIDE, link=link, state=state)
            await log.append(tx, head, [])

        await store.write(work)

    await commit.commit(store, epoch, refreshed(0, 0.5), now=now)
    given: dict[str, str] = {}
    for turn, other in enumerate(faces[1:], 1):
        link = ids.link_id(faces[0], other)
        given[link] = "dismissed" if turn % 2 else "confirmed"
        machine: Any = commit.commit(store, epoch, refreshed(turn, 0.5 + turn / 1000), now=now)
        both = [machine, verdict(link, given[link])]
        await asyncio.gather(*(both if turn % 3 else reversed(both)))

    query = "MATCH ()-[r:CANDIDATE]->() RETURN r.link_id AS link, r.state AS state, r.version AS version"
    rows = await store.read(lambda tx: tx.rows(query))
    assert {row["link"]: (row["state"], row["version"]) for row in rows} == {k: (v, 1) for k, v in given.items()}


async def test_a_link_that_is_decided_after_link_read_the_pairs_to_remove_is_not_removed(store: Store) -> None:
    media_id, (one, *others) = make.media_id("read"), [make.face_id(f"read-{number}") for number in range(3)]
    create = (
        "CREATE (m:Media {media_id: $media}) WITH m UNWIND $faces AS id CREATE (:Face {face_id: id})-[:SEEN_IN]->(m)"
    )
    await store.write(lambda tx: tx.do(create, media=media_id, faces=[one, *others]))
    epoch = (await raise_epoch(store, "read", MODEL_ID)).epoch
    now = datetime.now(UTC)
    proposed = GraphWrites(first=0, last=0)
    for a, b in (ids.ordered(one, other) for other in others):
        link = ids.link_id(a, b)
        proposed.links[link] = ProposedLink(link, a, b, "candidate", 0.5, "", MODEL_ID, 0.4, False, "")
    await commit.commit(store, epoch, proposed, now=now)
    decided, undecided = proposed.links

    pairs = await stored_pairs(store, [media_id])
    assert pairs.links == {link: (row.a, row.b) for link, row in proposed.links.items()}
    await store.write(lambda tx: tx.do(DECIDE, link=decided, state="confirmed"))
    await commit.commit(store, epoch, GraphWrites(first=1, last=1, removed_links=[*pairs.links]), now=now)

    rows = await store.read(lambda tx: tx.rows("MATCH ()-[r:CANDIDATE]->() RETURN r.link_id AS link"))
    assert [row["link"] for row in rows] == [decided], f"not {undecided}"
