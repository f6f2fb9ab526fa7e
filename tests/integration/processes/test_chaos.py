"""Real pictures through real processes that are killed at the worst moments, then read again from the beginning."""

import io
import signal
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from PIL import Image

from streams import topics
from streams.client.publish import CaseSystem
from streams.topics import EMBED_GROUP
from tests.support.factories_pictures import astronaut, encoded, group_photograph
from tests.support.harness import Site, Worker, current_notices

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("models")]
CASES = {"local:n1": "north", "local:n2": "north", "local:s1": "south"}


def pictures() -> list[bytes]:
    """Twenty-four distinct pictures of seven people: parts of two photographs in several sizes and qualities."""
    group = Image.open(io.BytesIO(group_photograph())).convert("RGB")
    width, height = group.size
    parts = [group.crop((width * n // 6, 0, width * (n + 2) // 6, height)) for n in range(5)] + [astronaut()]
    made: list[bytes] = []
    for part in parts:
        for side, quality in ((300, 95), (340, 80), (380, 60), (420, 90)):
            made.append(encoded(part.resize((side, side * part.height // part.width)), "JPEG", quality=quality))
    return made


def event_of(case: str, path: Path, **more: str) -> dict[str, str]:
    terms = {"purpose": "identification", "legal_basis": "test", "scope": "register"}
    return {"case_id": case, "district": CASES[case], "url": path.as_uri(), **terms, **more}


def publish(site: Site, folder: Path, numbers: range) -> set[str]:
    """Each of these pictures in one case, some in a second one too, one twice; the subjects of all events."""
    cases, places, made = CaseSystem(site.stack.kafka_connection), set[str](), pictures()
    names = sorted(CASES)
    for number in numbers:
        path = folder / f"{number}.jpg"
        path.write_bytes(made[number])
        for case in {names[number % 3], names[number // 8]} if number % 2 else {names[number % 3]}:
            for _ in range(2 if number == 5 else 1):
                cases.submit(event_of(case, path, exhibit=f"e{number}"), places.add)
    cases.flush()
    return {f"event:{place}" for place in places}


def publish_others(site: Site, folder: Path) -> set[str]:
    """A file that is no picture, and a change of a case; the subjects of both events."""
    cases, places, case = CaseSystem(site.stack.kafka_connection), set[str](), min(CASES)
    (folder / "bad.jpg").write_bytes(b"no picture")
    cases.submit(event_of(case, folder / "bad.jpg"), places.add)
    cases.change_case({"case_id": case, "district": CASES[case], "status": "open", "version": 3}, places.add)
    cases.flush()
    return {f"event:{place}" for place in places}


async def killed(worker: Worker) -> None:
    assert await worker.ended() == -signal.SIGKILL, worker.log_tail


async def test_kill_9_of_both_workers_in_the_middle_and_a_replay_of_everything_lose_and_double_nothing(
    site: Site, tmp_path: Path
) -> None:
    subjects = publish(site, tmp_path / "media", range(12))

    def armed(point: str) -> str:
        return f"{point}@{tmp_path / point}"

    await killed(site.start("embed", REDTHREAD_CRASH_AT=armed("embed-before-send")))
    embed, link = site.start("embed"), site.start("link", REDTHREAD_CRASH_AT=armed("link-after-commit"))
    await killed(link)
    # Now embed stands somewhere in its partitions: killed there, and once more behind its next record.
    embed.send(signal.SIGKILL)
    await embed.ended()
    # What is published only now is still before the next one, however far the killed one came.
    subjects |= publish(site, tmp_path / "media", range(12, 24)) | publish_others(site, tmp_path / "media")
    await killed(site.start("embed", REDTHREAD_CRASH_AT=armed("embed-after-send")))
    embed, link = site.start("embed"), site.start("link", REDTHREAD_CRASH_AT=armed("link-before-commit"))
    await killed(link)
    link = site.start("link")
    await site.noticed(subjects)
    await site.linked()

    notices = current_notices(site.notices())
    assert set(notices) == subjects
    (row,) = await site.rows(
        "RETURN COUNT { MATCH (:Media) } AS media, COUNT { MATCH ()-[:IN_CASE]->() } AS members, "
        "COUNT { MATCH (f:Face) WHERE COUNT { (f)-[:SEEN_IN]->() } <> 1 OR COUNT { (f)<-[:OF]-() } <> 1 } AS odd"
    )
    others = {"case_changed", "duplicate", "quarantined"}
    members = {(n["media_id"], n["case_id"]) for n in notices.values() if n["outcome"] not in others - {"duplicate"}}
    assert row == {"media": 24, "members": len(members), "odd": 0}
    assert [n["code"] for n in notices.values() if n["outcome"] == "quarantined"] == ["not_an_image"]
    # Picture 5 was submitted twice in each of its two cases.
    assert [n["outcome"] for n in notices.values()].count("duplicate") == 2
    assert {n["outcome"] for n in notices.values()} - others <= {"faces_found", "too_poor"}
    links = await site.links()
    assert len(links) > 20
    await site.stop(embed, link)
    before, told = await site.snapshot(), site.end_of(topics.notices("local"))

    # Replay: embed and link read every input topic again from its beginning.
    inputs = [topics.media_submitted("local"), topics.cases_changed("local")]
    partitions = [
        TopicPartition(topic, partition, 0)
        for topic in inputs
        for partition in site.admin.list_topics(topic, timeout=30).topics[topic].partitions
    ]
    await site.set_offsets(EMBED_GROUP, partitions)
    written, refused = site.end_of(topics.GALLERY), site.end_of(topics.QUARANTINE)
    embed, link = site.start("embed"), site.start("link")
    await site.wait_until(
        lambda: (
            site.end_of(topics.GALLERY) == written + len(subjects) - 1 and site.end_of(topics.QUARANTINE) == refused + 1
        ),
        "everything was embedded again",
    )
    await site.linked()
    await site.stop(link)

    assert await site.snapshot() == before
    assert site.end_of(topics.notices("local")) == told
