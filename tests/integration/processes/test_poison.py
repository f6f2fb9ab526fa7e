"""Bad input between good events: the good ones are processed, each bad one ends with a reason, none is lost."""

import functools
import http.server
import json
import socket
import struct
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from PIL import Image

from graph.actions.operate import quarantine
from graph.domain import ids
from graph.store.session import Store
from streams import topics
from streams.client.publish import CaseSystem
from streams.records.incoming import CE_CASE, CE_MEDIA
from streams.settings import Addresses
from tests.support.factories_pictures import astronaut, encoded, quarters
from tests.support.harness import Site, current_notices, installation, until

UNRESOLVED = "MATCH (q:Quarantined) WHERE q.status <> 'resolved' RETURN q.event AS event, q.code AS code"
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("models")]
HEADERS = [("ce_id", b"by-hand"), ("ce_source", b"/local"), ("ce_specversion", b"1.0"), ("ce_type", CE_MEDIA.encode())]
GOOD: dict[str, Any] = {
    "district": "north",
    "purpose": "victim identification",
    "legal_basis": "test",
    "scope": "register",
}
PERSON = {"faces_found"}


@pytest.fixture
def port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "media").mkdir()
    return tmp_path / "media"


@pytest.fixture
async def site(stack: Addresses, store: Store, tmp_path: Path, folder: Path, port: int) -> AsyncIterator[Site]:
    roots = json.dumps([folder.as_uri() + "/", f"http://127.0.0.1:{port}/"])
    settings = {"MEDIA_ROOTS": roots, "UNREACHABLE_PATIENCE_S": "1", "UNREACHABLE_BACKOFF_S": "1"}
    env = {f"REDTHREAD_{name}": value for name, value in settings.items()}
    async with installation(stack, store, tmp_path, **env) as site:
        yield site


def picture_of_900_megapixels() -> bytes:
    """A real PNG of 30,000 x 30,000 pixels, one bit each, in about 100 kB."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer, rows = zlib.compressobj(1), b"\x00" * (1 + 30_000 // 8) * 1000
    data = b"".join(packer.compress(rows) for _ in range(30)) + packer.flush()
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def animated(picture: Image.Image) -> bytes:
    return encoded(picture, "GIF", save_all=True, append_images=[quarters(*picture.size)] * 2, duration=100)


def with_16_bits(picture: Image.Image) -> bytes:
    pixels = np.asarray(picture)[:, :, ::-1].astype(np.uint16) * 257
    return cv2.imencode(".png", pixels)[1].tobytes()


@dataclass
class Sent:
    """What was sent under a name, and what must become of it: outcomes, or the code in quarantine and words of it."""

    outcomes: set[str]
    code: str = ""
    says: str = ""
    place: str = ""

    def delivered(self, place: str) -> None:
        self.place = place


class Sender:
    """Publishes good and bad input, a good event after each bad one."""

    def __init__(self, cases: CaseSystem, folder: Path) -> None:
        self.cases = cases
        self.folder = folder
        self.sent: dict[str, Sent] = {}

    def good(self, name: str) -> None:
        picture = astronaut().crop((100, 0, 400, 300)).resize((300 + len(self.sent), 300))
        self.file(name, encoded(picture, "JPEG", quality=90), Sent(PERSON))

    def file(self, name: str, data: bytes, sent: Sent, **event: Any) -> None:
        (self.folder / name).write_bytes(data)
        self.event(name, sent, **event)

    def event(self, name: str, sent: Sent, **event: Any) -> None:
        """An event for the file of this name; a field given as None is left out."""
        self.sent[name] = sent
        told = {"case_id": "local:c1", "url": (self.folder / name).as_uri(), "source_ref": name, **GOOD, **event}
        self.cases.submit({k: v for k, v in told.items() if v is not None}, sent.delivered)

    def raw(self, name: str, value: bytes | None, sent: Sent, headers: Any = HEADERS) -> None:
        self.sent[name] = sent
        self.cases.send_raw(topics.media_submitted("local"), b"key", value, list(headers), sent.delivered)


def quarantined(code: str, says: str) -> Sent:
    return Sent({"quarantined"}, code, says)


def send_everything(sender: Sender, tmp_path: Path, port: int) -> None:
    face = astronaut().crop((100, 0, 400, 300))
    jpeg = encoded(face, "JPEG")
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(jpeg)
    (sender.folder / "link-out.jpg").symlink_to(outside)
    legal: list[tuple[str, bytes]] = [
        ("cmyk.jpg", encoded(face.convert("CMYK"), "JPEG")),
        ("animated.gif", animated(face)),
        ("16-bit.png", with_16_bits(face)),
        ("cut.jpg", jpeg[: len(jpeg) * 9 // 10]),
    ]
    bad_files: list[tuple[str, bytes, str, str]] = [
        ("text.jpg", b"this is no picture", "not_an_image", "convert it"),
        ("truncated.jpg", jpeg[: jpeg.index(b"\xff\xda")], "truncated", "cut off"),
        ("empty.jpg", b"", "empty_file", "0 bytes"),
        ("huge.png", picture_of_900_megapixels(), "too_many_pixels", "million pixels"),
        ("film.mp4", b"\x00\x00\x00\x18ftypisom" + bytes(500), "video_not_supported_yet", "video: not supported yet"),
    ]
    bad_events: list[tuple[str, dict[str, Any], str, str]] = [
        ("wrong-sha.jpg", {"sha256": "0" * 64}, "wrong_sha256", "SHA-256"),
        ("missing.jpg", {}, "missing_file", "no file"),
        ("outside.jpg", {"url": outside.as_uri()}, "url_not_allowed", "not under a place"),
        ("climbing.jpg", {"url": sender.folder.as_uri() + "/../outside.jpg"}, "url_not_allowed", "not under a place"),
        ("link-out.jpg", {}, "url_not_allowed", "following links"),
        ("elsewhere.jpg", {"url": "https://192.0.2.1/a.jpg"}, "url_not_allowed", "not under a place"),
        ("broken.jpg", {"url": "http://[::1/a.jpg"}, "invalid_url", "cannot be read"),
        ("longest.jpg", {"url": sender.folder.as_uri() + "/" + "x" * 1500}, "missing_file", "no file"),
        ("null-byte.jpg", {"url": sender.folder.as_uri() + "/a%00b.jpg"}, "invalid_url", "absolute path"),
        ("no-scope.jpg", {"scope": None}, "invalid_event", "scope is missing"),
        ("no-purpose.jpg", {"purpose": None}, "invalid_event", "purpose is missing"),
        ("other-source.jpg", {"case_id": "prison:1"}, "other_source", "begins with local:"),
        ("other-district.jpg", {"district": "west"}, "other_district", "district west"),
        ("two-districts.jpg", {"district": "south"}, "two_districts", "belongs to district north"),
    ]
    sender.good("good-first.jpg")
    sender.cases.flush()
    for name, data in legal:
        sender.file(name, data, Sent(PERSON))
    for name, data, code, says in bad_files:
        sender.file(name, data, quarantined(code, says))
        sender.good(f"good-after-{name}.jpg")
    for name, changes, code, says in bad_events:
        if name in ("wrong-sha.jpg", "other-district.jpg", "two-districts.jpg"):
            (sender.folder / name).write_bytes(jpeg + name.encode())
        sender.event(name, quarantined(code, says), **changes)
    event = json.dumps({"case_id": "local:c1", "url": outside.as_uri(), **GOOD}).encode()
    sender.raw("not-json", b"\xff\xd8\xff\xe0 bytes of a picture", quarantined("not_json", "not JSON"))
    sender.raw("a-list", b"[1, 2]", quarantined("not_an_event", "not an object"))
    sender.raw("no-headers", event, quarantined("no_headers", "ce_id"), [])
    sender.raw("odd-header", event, quarantined("url_not_allowed", "not under"), [*HEADERS, ("x", b"\xff\x00")])
    sender.raw("null", None, quarantined("empty_record", "empty"))
    large = json.dumps({"case_id": "local:c1", "url": "file:///x", "bytes": "x" * 1_200_000, **GOOD}).encode()
    sender.raw("over-1-MB", large, quarantined("record_too_large", "send a reference"))
    sender.raw(
        "forged-time",
        event,
        quarantined("url_not_allowed", "not under"),
        [*HEADERS, ("redthread-submitted-at", b"9" * 5000)],
    )
    for number in range(3):
        sender.event(
            f"away-{number}.jpg",
            quarantined("source_unreachable", "when it "),
            url=f"http://127.0.0.1:{port}/away-{number}.jpg",
        )
    sender.good("good-last.jpg")


@contextmanager
def serving(folder: Path, port: int) -> Iterator[None]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


async def test_bad_input_ends_in_quarantine_with_a_reason_and_good_input_beside_it_is_processed(
    site: Site, folder: Path, tmp_path: Path, port: int
) -> None:
    cases = CaseSystem(site.stack.kafka_connection, message_max_bytes=2_000_000)
    sender = Sender(cases, folder)
    send_everything(sender, tmp_path, port)
    change = Sent({"quarantined"}, "invalid_event", "version")
    sender.sent["case-version"] = change
    event = {"case_id": "local:c1", "district": "north", "status": "open", "version": 2**70}
    cases.send(topics.cases_changed("local"), CE_CASE, "local:c1", event, change.delivered)
    cases.flush()
    by_subject = {f"event:{sent.place}": name for name, sent in sender.sent.items()}
    site.start("embed")
    site.start("link")

    await site.noticed(by_subject)
    told = {by_subject[subject]: notice for subject, notice in current_notices(site.notices()).items()}

    # Events = notices, each what it should be.
    assert told.keys() == sender.sent.keys()
    assert {name: n["outcome"] for name, n in told.items() if n["outcome"] not in sender.sent[name].outcomes} == {}
    expected = {name: (sent.code, True) for name, sent in sender.sent.items() if sent.code}
    found = {name: (told[name]["code"], sender.sent[name].says in told[name]["reason"]) for name in expected}
    assert found == expected
    for name in expected:
        reason = told[name]["reason"]
        assert len(reason.split()) >= 4
        assert [word for word in ("Error", "Exception", "Traceback", "None", str(folder)) if word in reason] == [], (
            reason
        )

    # Nobody was stopped: no worker ended, nothing in quarantine that is not indexed in the graph.
    assert [worker.process.poll() for worker in site.workers] == [None, None]
    listed = {row["event"]: row["code"] for row in await site.rows(UNRESOLVED)}
    assert (
        listed.items()
        >= {sender.sent[name].place: sender.sent[name].code for name in expected if not name.startswith("away")}.items()
    )

    await check_bytes_are_kept(site, sender)
    await check_replay_after_repair(site, sender, folder)
    await check_silent_host_answers(site, sender, folder, port)


async def check_bytes_are_kept(site: Site, sender: Sender) -> None:
    """Key, value and headers in quarantine are those that came, byte for byte; a large one is cut and says so."""
    kept: dict[str, Any] = {}
    for message in site.read(topics.QUARANTINE):
        facts = dict(message.headers() or [])
        kept[(facts["redthread-event"] or b"").decode()] = (message.key(), message.value(), facts)
    for message in site.read(topics.media_submitted("local")):
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        if place not in kept:
            continue
        key, value, facts = kept[place]
        assert key == message.key()
        came = message.value() or b""
        assert value == (came if len(came) <= 1_000_000 else came[:1000])
        theirs = {name: data for name, data in message.headers() or [] if not name.startswith("redthread-")}
        assert theirs.items() <= facts.items()


async def settled(site: Site, sender: Sender, name: str) -> dict[str, Any]:
    """The standing notice of an event once it is no longer `quarantined`."""
    subject = f"event:{sender.sent[name].place}"
    await site.wait_until(
        lambda: current_notices(site.notices())[subject]["outcome"] != "quarantined", f"{name} is resolved"
    )
    return current_notices(site.notices())[subject]


async def check_replay_after_repair(site: Site, sender: Sender, folder: Path) -> None:
    place = sender.sent["missing.jpg"].place
    (folder / "missing.jpg").write_bytes(encoded(astronaut().crop((90, 0, 400, 310)), "JPEG"))
    await quarantine.replay(site.store, ids.quarantine_id(place), actor="operator", now=datetime.now(UTC))

    notice = await settled(site, sender, "missing.jpg")

    assert notice["outcome"] == "faces_found"
    assert notice["number"] == 2
    assert notice["supersedes"] == ids.notice_id(f"event:{place}", 1)
    (row,) = await site.rows("MATCH (q:Quarantined {event: $event}) RETURN q.status AS status", event=place)
    assert row["status"] == "resolved"


async def check_silent_host_answers(site: Site, sender: Sender, folder: Path, port: int) -> None:
    names = [f"away-{number}.jpg" for number in range(3)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(encoded(astronaut().crop((80 + number, 0, 400, 320)), "JPEG"))

    with serving(folder, port):
        notices = [await settled(site, sender, name) for name in names]

    assert [notice["outcome"] for notice in notices] == ["faces_found"] * 3

    async def resolved() -> bool:
        rows = await site.rows(UNRESOLVED)
        return not any(row["code"] == "source_unreachable" for row in rows)

    wait: Callable[[], Any] = resolved
    await until(wait, "nothing waits for the host")


class AnyBytes(str):
    """A header's name as a client in another language may send it: no text."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"\xff\xfe-name"


async def test_a_header_whose_name_is_no_text_stops_nobody(site: Site, folder: Path) -> None:
    """aiokafka ended every worker over it, one after the other, and again after each restart."""
    picture = encoded(astronaut().crop((100, 0, 400, 300)), "JPEG", quality=90)
    security = site.security
    producer = AIOKafkaProducer(
        bootstrap_servers=site.stack.kafka,
        security_protocol=security.get("security.protocol", "PLAINTEXT"),
        sasl_mechanism=security.get("sasl.mechanism", "PLAIN"),
        sasl_plain_username=security.get("sasl.username"),
        sasl_plain_password=security.get("sasl.password"),
    )
    await producer.start()
    places: list[str] = []
    try:
        for number in range(3):
            (folder / f"{number}.jpg").write_bytes(picture + bytes(number))
            told = {"case_id": "local:c1", "url": (folder / f"{number}.jpg").as_uri(), **GOOD}
            batch: Any = producer.create_batch()
            batch._builder = _DefaultRecordBatchBuilderPy(2, 0, False, -1, -1, 0, 1 << 16)
            odd = [(AnyBytes("odd"), b"any")] if number == 1 else []
            batch.append(key=b"key", value=json.dumps(told).encode(), timestamp=None, headers=[*HEADERS, *odd])
            batch.close()
            sent = await (await producer.send_batch(batch, topics.media_submitted("local"), partition=0))
            places.append(f"{sent.topic}/{sent.partition}/{sent.offset}")
    finally:
        await producer.stop()
    site.start("embed")
    site.start("link")

    await site.noticed(f"event:{place}" for place in places)

    assert {n["outcome"] for n in current_notices(site.notices()).values()} == PERSON
    assert [worker.process.poll() for worker in site.workers] == [None, None]
