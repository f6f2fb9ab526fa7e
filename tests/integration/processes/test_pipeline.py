"""Topics as the table says, and a person's questions with real pictures, from the asking to the answer."""

import http.server
import io
import json
import queue
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from PIL import Image

from graph.actions.read import search
from graph.actions.read.search import Picture, Question
from graph.domain.people import Person, Role
from graph.files import MediaStore
from graph.store.session import Row, Store
from streams import topics
from streams.client.publish import CaseSystem
from streams.kafka.admin import TopicsDiffer, check_topics, ensure_topics
from streams.settings import Addresses
from tests.support.access import access_of
from tests.support.factories_pictures import astronaut, encoded, group_photograph, quarters
from tests.support.harness import Site, current_notices, installation, until

pytestmark = pytest.mark.anyio
ANNA = Person("anna@north", frozenset({Role.INVESTIGATOR}), "north")


async def test_topics_are_created_as_the_table_says_and_a_changed_one_is_reported(site: Site) -> None:
    def ensure() -> list[str]:
        return ensure_topics(site.stack.kafka_connection, ["local", "second"])

    made = ensure()
    assert set(made) == {topic.name for topic in topics.table(["second"])} - {t.name for t in topics.table([])}
    assert ensure() == []
    # Vectors don't stay: link may delete what it has read, and the erasures outlive every backup.
    retention = {topic.name: topic.retention_ms // topics.DAY_MS for topic in topics.table(["second"])}
    assert retention[topics.erasures_requested("second")] > retention[topics.media_submitted("second")]

    def change(setting: str, value: str) -> None:
        entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topics.notices("second"), incremental_configs=[entry])
        for future in site.admin.incremental_alter_configs([resource]).values():
            future.result(30)

    def differs() -> bool:
        return bool(check_topics(site.admin, topics.table(["second"])))

    # Without a setting of its own each topic is durable by the broker's; one that a power cut can shorten is named.
    change("flush.messages", "1000")
    await until(differs, "the broker knows the change")
    with pytest.raises(
        TopicsDiffer, match=r"^a power cut can take .* in redthread\.notices\.second\.v1: .*flush\.messages=1"
    ):
        ensure()
    change("flush.messages", "1")
    await until(lambda: not differs(), "the broker knows the change")

    change("retention.ms", "1000")
    await until(differs, "the broker knows the change")
    with pytest.raises(TopicsDiffer, match=r"redthread\.notices\.second\.v1 has retention\.ms=1000, not 1209600000"):
        ensure()
    site.admin.delete_topics([topics.notices("second")])[topics.notices("second")].result(30)


class Held(http.server.BaseHTTPRequestHandler):
    """Says what it is asked for, and answers nothing until it is let go."""

    asked: queue.Queue[str]
    let_go: threading.Event

    def do_GET(self) -> None:
        self.asked.put(self.path)
        self.let_go.wait()
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.usefixtures("models")
async def test_a_search_overtakes_pictures_that_embed_works_on_and_those_that_wait_behind_them(
    stack: Addresses, store: Store, tmp_path: Path
) -> None:
    """Every thread of the only embed worker is held in a picture, and more pictures wait, when a person asks."""
    Held.asked, Held.let_go = queue.Queue(), threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Held)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}/"
    terms = {"district": "north", "purpose": "identification", "legal_basis": "test", "scope": "register"}
    env = {"REDTHREAD_MEDIA_ROOTS": json.dumps([host]), "REDTHREAD_THREADS": "1"}
    try:
        async with installation(stack, store, tmp_path, **env) as site:
            cases, places = CaseSystem(site.stack.kafka_connection), set[str]()
            cases.change_case({"case_id": "local:n1", "district": "north", "status": "open", "version": 1})
            cases.flush()
            site.start("embed")
            site.start("link")

            async def case_known() -> bool:
                return bool(await site.rows("MATCH (c:Case) RETURN c"))

            await site.wait_until(case_known, "the case is known")
            for number in range(40):
                cases.submit({"case_id": "local:n1", "url": f"{host}{number}.jpg", **terms}, places.add)
            cases.flush()
            # It has two threads for pictures.
            await site.wait_until(lambda: Held.asked.qsize() == 2, "every thread of embed is held in a picture")
            files, now = MediaStore((tmp_path / "store").as_uri()), datetime.now(UTC)
            question = Question("local:n1", "identification", "test", "register")
            picture = Picture(encoded(astronaut(), "JPEG"), "image/jpeg")
            asked = await search.ask_with_picture(access_of(site.store, ANNA, now), files, question, picture)

            async def answered() -> bool:
                query = "MATCH (s:Search {search_id: $id, status: 'answered'}) RETURN s"
                return bool(await site.rows(query, id=asked))

            await site.wait_until(answered, "the search is answered")
            assert not Held.let_go.is_set()
            assert {notice["subject"] for notice in site.notices()}.isdisjoint(f"event:{place}" for place in places)
            Held.let_go.set()
    finally:
        Held.let_go.set()
        server.shutdown()


@pytest.mark.usefixtures("models")
async def test_a_person_asks_with_a_picture_or_a_known_face_and_is_answered(site: Site, tmp_path: Path) -> None:
    person = astronaut().crop((100, 0, 400, 300))
    group = Image.open(io.BytesIO(group_photograph())).convert("RGB")
    pictures = {
        "local:n1": encoded(person, "JPEG", quality=95),
        "local:s1": encoded(person.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG", quality=90),
        "local:s2": encoded(group, "JPEG", quality=90),
    }
    cases, places = CaseSystem(site.stack.kafka_connection), set[str]()
    for number, (case, data) in enumerate(pictures.items()):
        path = tmp_path / "media" / f"{number}.jpg"
        path.write_bytes(data)
        cases.submit(
            {
                "case_id": case,
                "district": "north",
                "url": path.as_uri(),
                "purpose": "identification",
                "legal_basis": "test",
                "scope": "register",
            },
            places.add,
        )
    cases.flush()
    site.start("embed")
    site.start("link")
    await site.noticed(f"event:{place}" for place in places)
    notices = {notice["case_id"]: notice for notice in current_notices(site.notices()).values()}
    assert notices["local:s2"]["faces"] >= 6

    files, now = MediaStore((tmp_path / "store").as_uri()), datetime.now(UTC)

    async def with_picture(image: Image.Image, within: str) -> str:
        picture = Picture(encoded(image, "PNG"), "image/png")
        question = Question("local:n1", "identification", "test", within)
        return await search.ask_with_picture(access_of(site.store, ANNA, now), files, question, picture)

    asked = {
        "register": await with_picture(person, "register"),
        "one case": await with_picture(person, "case:local:s1"),
        "other case": await with_picture(person, "case:local:s2"),
        "no face": await with_picture(quarters(300, 300), "register"),
    }
    film = Picture(b"\x00\x00\x00\x18ftypisom" + bytes(500), "video/mp4")
    question = Question("local:n1", "identification", "test", "register")
    asked["film"] = await search.ask_with_picture(access_of(site.store, ANNA, now), files, question, film)
    known = await site.rows(
        "MATCH (f:Face)-[:SEEN_IN]->(m:Media {media_id: $id}) RETURN f.face_id AS id",
        id=notices["local:n1"]["media_id"],
    )
    asked["known face"] = await search.ask_with_faces(
        access_of(site.store, ANNA, now), question, [row["id"] for row in known]
    )

    async def answers() -> dict[str, Row]:
        rows = await site.rows(
            "MATCH (s:Search) RETURN s.search_id AS id, s.status AS status, s.reason AS reason, "
            "COLLECT { MATCH (s)-[:RETURNED {above: true}]->(:Face)-[:SEEN_IN]->(m:Media) RETURN m.media_id } AS media"
        )
        by_id = {row["id"]: row for row in rows}
        return {name: by_id[search_id] for name, search_id in asked.items()}

    async def all_answered() -> bool:
        return all(row["status"] != "asked" for row in (await answers()).values())

    await site.wait_until(all_answered, "every search is answered")
    found = await answers()
    n1, s1 = notices["local:n1"]["media_id"], notices["local:s1"]["media_id"]
    assert {name: row["status"] for name, row in found.items()} == {
        "register": "answered",
        "one case": "answered",
        "other case": "answered",
        "no face": "no_face",
        "film": "quarantined",
        "known face": "answered",
    }
    assert set(found["register"]["media"]) == {n1, s1}
    assert found["one case"]["media"] == [s1]
    assert found["other case"]["media"] == []
    assert found["known face"]["media"] == [s1]
    assert "video" in found["film"]["reason"]
    # The uploads are stored out of scope: nothing was proposed with them, and no case system is told of them.
    assert {
        m
        for row in await site.rows("MATCH (:Face)-[:CANDIDATE]->(:Face)-[:SEEN_IN]->(m) RETURN m.media_id AS m")
        for m in [row["m"]]
    } <= {n1, s1}
    assert site.end_of(topics.notices("local")) == len(places)
