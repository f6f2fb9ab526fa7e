"""A question in one case goes on until that case is closed or its asker ends it, and is re-opened as it was seen."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from graph.actions.read import answers, search
from graph.actions.read.answers import Answer
from graph.actions.read.search import Question
from graph.actions.read.searches import Filters, read_searches
from graph.domain.errors import Conflict
from graph.store.session import Store
from streams.records.gallery import GalleryRecord
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.factories import ANNA
from tests.support.link_in_process import LinkInProcess, link_in_process

pytestmark = pytest.mark.anyio
RNG = np.random.default_rng(5)
CHILD = make.unit(RNG)
ASKING, NAMED = "local:n1", "local:n2"


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


class Log:
    """Writes records one after the other and knows each one's offset."""

    def __init__(self, site: LinkInProcess) -> None:
        self._site = site
        self._places = 0

    async def write(self, record: GalleryRecord) -> int:
        """The offset of the record, once link has committed it."""
        self._site.write([record])
        await self._site.linked()
        return (await self._site.cursor()).offset

    async def picture(
        self,
        name: str,
        case: str = NAMED,
        scope: str = "register",
        *,
        alike: bool = True,
        poor: bool = False,
        faces: int = 1,
    ) -> int:
        vectors = [make.near(RNG, CHILD, 0.9) if alike else make.unit(RNG) for _ in range(faces)]
        event = make.submitted(case, scope, make.CASES[case])
        return await self.write(make.embedded(name, vectors, event, self.origin(), poor=[0] if poor else []))

    async def status(self, case: str, status: str, version: int) -> int:
        source = self.origin("cases.changed")
        return await self.write(make.case_changed(case, status, version, source, make.CASES[case]))

    def origin(self, kind: str = "media.submitted") -> make.SourceEvent:
        self._places += 1
        return make.origin(self._places, kind=kind)


async def ask(site: LinkInProcess, within: str, *names: str, keep_asking: bool = False) -> str:
    """The id of ANNA's search for the faces of these pictures, once link has answered it."""
    question = Question(ASKING, "identification", "test", within, keep_asking=keep_asking)
    faces = [make.face_id(name) for name in names]
    search_id = await search.ask_with_faces(access_of(site.store, ANNA, datetime.now(UTC)), question, faces)
    await site.linked()
    rows = await site.rows("MATCH (s:Search {search_id: $id}) RETURN s.status AS status", id=search_id)
    assert rows[0]["status"] != "asked"
    return search_id


async def read(site: LinkInProcess, search_id: str) -> Answer:
    return await answers.read_search(access_of(site.store, ANNA, datetime.now(UTC), "review"), search_id)


def parts(answer: Answer) -> list[tuple[int, int, int, int | None]]:
    return [(part.offset, part.compared, part.too_poor, part.no_face) for part in answer.parts]


def found(answer: Answer) -> list[tuple[int, str]]:
    """The offset of the part and the face of each item."""
    return [(item.offset, item.face_id) for item in answer.items]


async def test_later_media_of_a_case_are_added_to_the_answer_with_their_offset_and_survive_a_restart(
    site: LinkInProcess,
) -> None:
    log = Log(site)
    await log.picture("asked", ASKING)
    await log.picture("known")
    asked = await ask(site, f"case:{NAMED}", "asked")
    first = (await site.cursor()).offset
    assert parts(await read(site, asked)) == [(first, 1, 0, 0)]

    added = await log.picture("later")
    await log.picture("hidden", scope="none")
    await log.picture("elsewhere", "local:n1")
    await log.picture("blurred", poor=True)
    await site.restart()
    grown = await log.picture("landscape", faces=0)

    answer = await read(site, asked)
    assert parts(answer) == [(first, 1, 0, 0), (added, 1, 0, 0), (grown, 0, 1, 1)]
    assert found(answer) == [(first, make.face_id("known")), (added, make.face_id("later"))]
    assert (answer.compared, answer.too_poor, answer.no_face) == (2, 1, 1)
    assert answer.headline.startswith("leads to ")
    assert answer.open
    reader = access_of(site.store, ANNA, datetime.now(UTC), "review")
    [line] = (await read_searches(reader, Filters(), after="", limit=9)).items
    assert (line.found, line.added, line.added_at) == (2, 1, answer.parts[1].at)

    # What an erasure takes is told as taken, at the place that it had.
    await log.write(make.erasure("media_id", make.media_id("known"), log.origin("erasures")))
    answer = await read(site, asked)
    assert found(answer)[0] == (first, make.face_id("known"))
    assert [item.erased for item in answer.items] == [True, False]
    assert (answer.items[0].media_id, answer.items[0].box, answer.items[0].case_ids) == (None, None, ())

    # The case's end is the search's; what it was answered stays.
    await log.status(NAMED, "closed", 1)
    await log.status(NAMED, "open", 2)
    await log.picture("too-late")
    closed = await read(site, asked)
    assert (closed.open, closed.ended_because) == (False, "case_closed")
    assert found(closed) == found(answer)


async def test_a_standing_search_in_the_register_notifies_until_it_is_ended(site: LinkInProcess) -> None:
    log = Log(site)
    await log.picture("asked", ASKING)
    await log.picture("case-only", "local:s1", "case")
    once = await ask(site, "register", "asked")
    standing = await ask(site, "register", "asked", keep_asking=True)
    assert [(await read(site, each)).open for each in (once, standing)] == [False, True]

    widened = await log.picture("case-only", "local:s1", "register")
    await log.status("local:s2", "closed", 1)
    await log.picture("of-closed", "local:s2")
    reopened = await log.status("local:s2", "open", 2)
    answer = await read(site, standing)
    assert found(answer) == [(widened, make.face_id("case-only")), (reopened, make.face_id("of-closed"))]
    # Another district's case: the face, its district and who to call.
    assert [(item.media_id, item.district) for item in answer.items] == [(None, "south")] * 2
    assert found(await read(site, once)) == []

    now = datetime.now(UTC)
    await search.do_end(access_of(site.store, ANNA, now), standing)
    with pytest.raises(Conflict) as refused:
        await search.do_end(access_of(site.store, ANNA, now), standing)
    assert refused.value.code == "not_open"
    await site.linked()
    await log.picture("too-late", "local:s1")
    ended = await read(site, standing)
    assert (ended.open, ended.ended_because) == (False, "asker")
    assert found(ended) == found(answer)


async def test_a_searchs_own_picture_is_never_returned_and_each_of_its_faces_can_be_searched_for(
    site: LinkInProcess,
) -> None:
    log = Log(site)
    await log.picture("known")
    node = {
        "search_id": "with-picture",
        "case_id": ASKING,
        "within": "register",
        "limit": 20,
        "purpose": "p",
        "legal_basis": "l",
        "requested_by": ANNA.actor,
        "district": "north",
        "status": "asked",
        "asked_at": "2026-11-20",
        "uploaded": True,
        "picture": make.media_id("uploaded"),
    }
    await site.do("CREATE (s:Search) SET s = $node", node=node)
    vectors = [make.near(RNG, CHILD, 0.9), make.unit(RNG)]
    await log.write(make.probe("uploaded", vectors, "with-picture", ASKING, "register", log.origin("probes")))
    await log.picture("later", ASKING)

    answer = await read(site, "with-picture")
    assert [(probe.face_id, probe.box) for probe in answer.faces] == [
        (make.face_id("uploaded"), (0, 20, 60, 80)),
        (make.face_id("uploaded", 1), (10, 20, 60, 80)),
    ]
    assert [face for _, face in found(answer)] == [make.face_id("known")]
    links = await site.links()
    assert not {make.face_id("uploaded"), make.face_id("uploaded", 1)} & {face for pair in links for face in pair}
    for within in ("register", f"case:{ASKING}"):
        other = await ask(site, within, "known")
        assert make.face_id("uploaded") not in [face for _, face in found(await read(site, other))]

    question = Question(ASKING, "identification", "test", "register")
    chosen = await search.ask_with_faces(
        access_of(site.store, ANNA, datetime.now(UTC)), question, [make.face_id("uploaded", 1)]
    )
    await site.linked()
    [row] = await site.rows("MATCH (s:Search {search_id: $id}) RETURN s.status AS status", id=chosen)
    assert row["status"] == "answered"
    assert found(await read(site, chosen)) == []
