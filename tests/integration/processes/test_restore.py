"""A graph and a log that do not agree: link notices it, the graph remembers it, and the repair loses nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Producer, TopicPartition

from graph.files import MediaStore
from graph.store.session import Store
from streams import topics
from streams.client.publish import CaseSystem
from streams.link.worker import GAP_S
from streams.records.gallery import MediaEmbedded
from streams.repair import restore
from streams.repair.reconcile import Reconciliation, find
from streams.repair.topic_contents import SourceTopics
from streams.topics import EMBED_GROUP
from tests.integration.processes.test_chaos import CASES, pictures
from tests.support import factories_streams as make
from tests.support.harness import Site, current_notices, until
from tests.support.link_in_process import LinkEnded, LinkInProcess, link_in_process

pytestmark = pytest.mark.anyio
PLACE = "redthread.media.submitted.local.v1/0/7"


def picture(number: int, **facts: Any) -> MediaEmbedded:
    """A picture of one face, at its own place in the submitted topic."""
    vector = make.unit(np.random.default_rng(number))
    return make.embedded(f"picture-{number}", [vector], make.submitted(), make.origin(number, **facts))


def files_of(site: Site) -> MediaStore:
    return MediaStore((site.data / "store").as_uri())


def kafka_of(site: Site) -> SourceTopics:
    return SourceTopics(site.stack.kafka_connection, {"local": ["north", "south"]})


async def reconciled(site: Site) -> Reconciliation:
    return (await find(site.store, kafka_of(site), files_of(site))).report


async def restored(site: Site) -> Reconciliation:
    """The reconciliation after a repair by Ole, while link is started again whenever it ends, as by its supervisor."""
    keeping = asyncio.create_task(site.keep("link", "link-0", []))
    try:
        todo = await restore.examine(site.store, kafka_of(site), files_of(site))
        await restore.repair(site.store, kafka_of(site), todo, actor="ole@operators")
        return await restore.settle(site.store, kafka_of(site), files_of(site), todo, lambda _: None)
    finally:
        keeping.cancel()


@pytest.fixture
async def in_process(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


async def test_another_event_at_a_noticed_place_has_its_own_notice(in_process: LinkInProcess) -> None:
    site = in_process
    first = picture(1, event=PLACE, ce_id="a")
    second = picture(2, event=PLACE, ce_id="b")
    site.write([first])
    await site.linked()

    # The topic was cut after the first event, and the second one took its place.
    site.write([second, first, second])
    await site.linked()

    told = current_notices(site.notices())
    own, other = told.pop(f"event:{PLACE}"), told.popitem()
    assert other[0].startswith(f"event:{PLACE}~") and not told
    assert (own["event"], own["ce_id"], own["media_id"]) == (PLACE, "a", first.media_id)
    assert (other[1]["event"], other[1]["ce_id"], other[1]["media_id"]) == (PLACE, "b", second.media_id)


async def test_link_recognises_a_log_that_was_cut_and_grew_again_and_goes_on_only_after_the_repair(site: Site) -> None:
    records = [picture(number) for number in range(10)]
    site.write(records)
    link = site.start("link")
    await site.linked()
    await site.stop(link)
    stands = await site.cursor()
    assert stands.record is not None

    # As after a power cut: at the cursor's offset lies another record than the graph took from there.
    await site.do("MATCH (c:Cursor) SET c.digest = 'of the record that was lost'")
    link = site.start("link")
    assert await link.ended() == 78
    assert "it is not the same log (`redthread restore` repairs it)" in link.log_tail

    # Nothing that comes later makes it the same again.
    site.write(records[:3])
    await site.do("MATCH (c:Cursor) SET c.digest = $digest", digest=stands.digest)
    link = site.start("link")
    assert await link.ended() == 78
    assert (await site.cursor()).offset == stands.offset

    before = await site.snapshot()
    todo = await restore.examine(site.store, kafka_of(site), files_of(site))
    assert "not the same log" in todo.log_lost
    await restore.repair(site.store, kafka_of(site), todo, actor="ole@operators")
    link = site.start("link")
    await site.linked()
    assert (await site.cursor()).broken is None
    assert await site.snapshot() == before
    await site.stop(link)


async def test_a_running_link_sees_that_its_log_was_cut_when_the_next_record_comes(site: Site) -> None:
    link = site.start("link")
    site.write([picture(1)])
    await site.linked()
    await site.do("MATCH (c:Cursor) SET c.digest = 'of the record that was lost'")

    # Batches that follow each other at once are not compared again.
    await asyncio.sleep(GAP_S + 0.5)
    site.write([picture(2)])

    assert await link.ended() == 78
    assert (await site.cursor()).broken is not None


async def test_a_running_link_ends_where_an_older_dump_was_loaded_under_it(in_process: LinkInProcess) -> None:
    site = in_process
    site.write([picture(number) for number in range(3)])
    await site.linked()
    # Batches that follow each other at once are not compared with the log: the graph itself says it.
    await site.do("MATCH (c:Cursor) SET c.offset = 0, c.ce_id = '', c.digest = ''")
    site.write([picture(3)])

    with pytest.raises(LinkEnded, match="an older dump was loaded meanwhile") as ended:
        await site.linked()
    assert ended.value.code == 78
    await site.restart()
    await site.linked()
    assert (await site.cursor()).offset == 3


async def test_the_mark_of_a_transaction_at_the_end_of_a_topic_is_no_event_that_is_waited_for(site: Site) -> None:
    """Symptom: after one transaction of a case system a reconciliation ended after 30 s with a time-out."""
    producer = Producer({**site.connection, "transactional.id": "cases"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topics.media_submitted("local"), b"{}", b"key")
    producer.commit_transaction(30)

    found = await reconciled(site)

    assert (found.events, found.waiting, found.lost) == (1, 1, [])


async def test_a_cursor_of_an_older_release_knows_its_record_after_a_reconciliation(site: Site) -> None:
    site.write([picture(number) for number in range(3)])
    link = site.start("link")
    await site.linked()
    await site.stop(link)
    stands = await site.cursor()
    await site.do("MATCH (c:Cursor) REMOVE c.digest, c.ce_id")

    link = site.start("link")
    await until(lambda: "holds epoch" in link.log_tail, "link runs")
    assert (await site.cursor()).record == stands.record
    await site.stop(link)

    # One that lacks an event is refused: by numbers alone it would take others for what was lost.
    await site.do("MATCH (c:Cursor) REMOVE c.digest, c.ce_id")
    await lose_an_event(site)
    link = site.start("link")
    assert await link.ended() == 78
    assert "1 submitted events are neither in the graph nor on their way" in link.log_tail


async def lose_an_event(site: Site) -> str:
    """The place of an event that embed has read, by what it committed, and of which nothing is anywhere."""
    cases, places = CaseSystem(site.stack.kafka_connection), list[str]()
    cases.submit({"case_id": "local:n1"}, places.append)
    cases.flush()
    waits = await reconciled(site)
    assert (waits.waiting, waits.lost) == (1, [])
    topic, partition, offset = places[0].split("/")
    await site.set_offsets(EMBED_GROUP, [TopicPartition(topic, int(partition), int(offset) + 1)])
    return places[0]


async def media_and_faces(site: Site) -> set[str]:
    names = await site.snapshot()
    return {name for name in names if name.startswith(("Media ", "Face ")) and " -" not in name}


async def test_a_graph_with_losses_is_restored_whole_and_no_notice_is_doubled(
    site: Site, tmp_path: Path, models: None
) -> None:
    cases, places = CaseSystem(site.stack.kafka_connection), set[str]()
    names = sorted(CASES)
    for number, data in enumerate(pictures()[:12]):
        path = tmp_path / "media" / f"{number}.jpg"
        path.write_bytes(data)
        case = names[number % 3]
        cases.submit(
            {
                "case_id": case,
                "district": CASES[case],
                "url": path.as_uri(),
                "purpose": "identification",
                "legal_basis": "test",
                "scope": "register",
            },
            places.add,
        )
    cases.submit({"case_id": names[0]}, places.add)  # waits in quarantine
    cases.flush()
    site.start("embed")
    link = site.start("link")
    await site.noticed({f"event:{place}" for place in places})
    await site.linked()
    whole = await reconciled(site)
    assert (whole.events, whole.finished, whole.quarantined, whole.differs) == (13, 12, 1, False)
    before, told = await media_and_faces(site), current_notices(site.notices())

    # An older dump: half of the media with all that was told of them, and the link process with it.
    await site.stop(link)
    await site.do(
        "MATCH (m:Media) WITH m ORDER BY m.media_id LIMIT 6 OPTIONAL MATCH (f:Face)-[:SEEN_IN]->(m) "
        "OPTIONAL MATCH (e:Embedding)-[:OF]->(f) DETACH DELETE e, f, m"
    )
    crop = next((site.data / "store").rglob("*.context.jpg"))
    crop.write_bytes(b"")
    assert len((await reconciled(site)).lost) == 6

    found = await restored(site)

    assert (found.lost, found.doubled, found.not_sent, found.unknown, found.files_missing) == ([], [], [], [], [])
    assert crop.stat().st_size > 0
    assert await media_and_faces(site) == before
    assert current_notices(site.notices()).keys() == told.keys()


async def test_a_notice_that_kafka_lost_is_sent_again_as_it_was(site: Site) -> None:
    link = site.start("link")
    site.write([picture(number) for number in range(4)])
    await site.linked()
    told = current_notices(site.notices())
    await site.stop(link)

    # The broker came back without them.
    await site.fresh_topics([topics.notices("local")])
    found = await reconciled(site)
    assert sorted(found.not_sent) == sorted(notice["notice_id"] for notice in told.values())

    assert (await restored(site)).not_sent == []
    assert current_notices(site.notices()) == told


async def test_an_event_that_its_topic_holds_and_nobody_knows_is_lost_and_one_on_its_way_is_not(site: Site) -> None:
    place = await lose_an_event(site)
    lost = await reconciled(site)
    assert (lost.events, lost.waiting, lost.lost, lost.differs) == (1, 0, [place], True)
