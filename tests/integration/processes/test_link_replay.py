"""The graph's cursor is the truth: whatever Kafka committed and whatever is read again, nothing changes or lacks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from graph.store.session import Store
from streams import topics
from streams.faces.models import MODEL_ID
from streams.gallery.counts import Coverage
from streams.gallery.load import load_gallery
from streams.records.gallery import SearchAsked
from streams.settings import Addresses
from tests.support import factories_streams as make
from tests.support.graph_contents import empty
from tests.support.harness import Site, current_notices, installation
from tests.support.link_in_process import LinkInProcess, link_in_process
from tests.support.reference_gallery import Reference
from tests.support.register import Register, batch_of

pytestmark = pytest.mark.anyio
LOG = make.drawn_log(7, 100)
SEARCHES = [
    {**record.model_dump(exclude={"faces"}), "status": "asked"} for _, record in LOG if isinstance(record, SearchAsked)
]
EVENTS = {f"event:{record.origin.event}" for _, record in LOG if hasattr(record, "origin")}
ASK = "UNWIND $searches AS facts CREATE (s:Search) SET s = facts"


@pytest.fixture
async def site(stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    async with installation(stack, store, tmp_path) as site:
        await site.do(ASK, searches=SEARCHES)
        yield site


@pytest.fixture
async def in_process(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


def still_open(gallery: Register) -> dict[str, tuple[object, ...]]:
    """The open searches, each with how far its answer has grown."""
    return {name: (search.part, search.tail, search.through) for name, search in gallery.searches.by_id.items()}


def expected() -> Reference:
    reference = Reference()
    for offset, record in LOG:
        reference.apply(offset, record)
    return reference


def in_memory() -> Register:
    """What link has in memory after the log, in batches of 16."""
    gallery = Register()
    rest = list(LOG)
    while rest:
        plan = batch_of(gallery, MODEL_ID, rest[:16])
        gallery.merge(plan.staged)
        rest = rest[plan.applied :]
    return gallery


def counted(gallery: Register) -> dict[object, Coverage]:
    return {key: number for key, number in gallery.counts._counts.items() if number != Coverage()}


async def test_a_replay_of_the_log_onto_its_graph_changes_nothing_and_sends_nothing(site: Site) -> None:
    site.write(record for _, record in LOG)
    link = site.start("link")
    await site.noticed(EVENTS)
    await site.linked()
    await site.stop(link)
    assert link.process.returncode == 0
    before, told = await site.snapshot(), site.notices()
    assert await site.links() == expected().links
    assert set(current_notices(told)) == EVENTS

    # The graph was restored from an older dump: its cursor is behind, Kafka's committed offset is far ahead.
    await site.do("MATCH (c:Cursor) SET c.offset = -1")
    link = site.start("link")
    await site.linked()
    await site.stop(link)

    assert await site.snapshot() == before
    assert site.notices() == told

    # Kafka's committed offset is far behind: the cursor alone says where to go on.
    await site.rewind_link(0)
    site.write([LOG[0][1]])
    link = site.start("link")
    await site.linked()

    assert await site.snapshot() == before
    assert (await site.cursor()).offset == len(LOG)


async def test_an_empty_graph_is_filled_again_from_the_log_with_the_same_contents_and_notices(
    in_process: LinkInProcess,
) -> None:
    site = in_process
    await site.do(ASK, searches=SEARCHES)
    site.write(record for _, record in LOG)
    await site.linked()
    assert set(current_notices(site.notices())) == EVENTS
    await site.stop()
    before, told = await site.snapshot(times=False), current_notices(site.notices())

    # What link has in memory and what it loads after a restart is the same.
    loaded, held = await load_gallery(site.store, MODEL_ID), in_memory()
    assert loaded.media == held.media
    assert loaded.cases == held.cases
    assert loaded.erasures == held.erasures
    assert still_open(loaded) == still_open(held)
    assert counted(loaded) == counted(held)
    assert loaded.faces.keys() == held.faces.keys()
    for face_id, face in held.faces.items():
        other = loaded.faces[face_id]
        assert replace(face, vector=None, poor=None) == replace(other, vector=None, poor=None)
        assert (face.vector is None, face.poor is None) == (other.vector is None, other.poor is None)
        assert face.vector is None or (face.vector == other.vector).all()

    await empty(site.store)
    await site.do(ASK, searches=SEARCHES)
    await site.linked()

    assert await site.snapshot(times=False) == before
    assert current_notices(site.notices()) == told


async def test_a_log_that_is_not_the_one_that_the_graph_was_written_from_stops_link(site: Site) -> None:
    records = [record for _, record in LOG[:20]]
    site.write(records)
    link = site.start("link")
    await site.linked()
    await site.stop(link)
    before, cursor = await site.snapshot(), await site.cursor()

    # A gap: records behind the cursor were deleted before link saw them.
    site.write(records)
    gap = TopicPartition(topics.GALLERY, 0, 30)
    for future in site.admin.delete_records([gap]).values():
        future.result(30)
    link = site.start("link")
    assert await link.ended() == 78
    assert "records are missing" in link.log_tail

    # Another topic of the same name.
    await site.fresh_topics([topics.GALLERY])
    site.write(records * 2)
    link = site.start("link")
    assert await link.ended() == 78
    assert "another one" in link.log_tail

    assert await site.snapshot() == before
    assert await site.cursor() == cursor


async def test_a_record_that_cannot_be_read_stops_link_in_front_of_it(site: Site) -> None:
    site.write(record for _, record in LOG[:5])
    newer = make.search("s-newer", make.NORTH, "register", [make.face_id("picture-0")])
    from confluent_kafka import Producer

    producer = Producer(site.connection)
    producer.produce(topics.GALLERY, newer.model_dump_json().encode(), headers=[("ce_type", b"redthread.gallery.x.v2")])
    producer.flush(30)

    link = site.start("link")

    assert await link.ended() == 78
    assert "record 5 is of an unknown type or a newer version" in link.log_tail
    assert (await site.cursor()).offset < 5
