"""Whether everything that was sent is there exactly once, found out by another way than the product's own.

Reads the topics from their beginnings, the graph and the stored crops, and compares them with what the outside
remembers. A second opinion beside `redthread status --reconcile`: neither takes anything from the other.
"""

import asyncio
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from confluent_kafka import KafkaException, Message

from graph.domain import audit
from graph.domain.errors import RedthreadError
from graph.files import MediaStore
from graph.store.session import Row, Store
from streams import topics
from streams.records import quarantine
from streams.settings import StreamSettings
from tests.support.faults.system import DoesNotRun, System, kafka_connection
from tests.support.faults.truth import Truth, agrees
from tests.support.harness import Reader

INPUTS = (topics.media_submitted("local"), topics.cases_changed("local"), topics.victims_changed("local"))
STORED = ("faces_found", "no_face", "too_poor", "duplicate")
"""Outcomes after which the media is in its case."""
TWINS = 0.9
"""Cosine of two faces that must have been found alike, whatever the thresholds: the later of them has links."""
QUIET_S = 45.0
"""Seconds without any change after which what lacks is lost: above every pause in which the system may retry."""
NAMED, NAME_LIMIT = 3, 200

MEDIA = """
MATCH (m:Media)
RETURN m.media_id AS media_id, COLLECT { MATCH (m)-[:IN_CASE]->(c:Case) RETURN c.case_id } AS cases,
       COLLECT { MATCH (f:Face)-[:SEEN_IN]->(m)
                 RETURN f {.face_id, .too_poor_because, .display_crop, .aligned_crop, .context_view,
                           seen: COUNT { (f)-[:SEEN_IN]->() }, compared: COUNT { (f)-[:COMPARED_IN]->() },
                           links: COUNT { (f)-[:CANDIDATE]-() },
                           vectors: COLLECT { MATCH (e:Embedding)-[:OF]->(f) RETURN e.vector }} } AS faces
"""
LINKS = """
MATCH (a:Face)-[r:CANDIDATE]->(b:Face)
RETURN r.link_id AS link_id, r.state AS state, a.face_id AS a, b.face_id AS b,
       COLLECT { MATCH (v:Verdict {link_id: r.link_id})<-[:WROTE]-(act:Act)
                 RETURN v.decision ORDER BY act.at } AS decisions
"""
WAITING = "RETURN COUNT { MATCH (:Outbox) } AS outbox"
AUDIT = "MATCH (e:AuditEntry) RETURN e {.*} AS entry ORDER BY e.seq"


@dataclass
class Found:
    """What there is (numbers) and what differs (names by kind); nothing differs: `differences` is empty."""

    numbers: dict[str, int] = field(default_factory=dict)
    differences: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __str__(self) -> str:
        there = ", ".join(f"{name} {number}" for name, number in self.numbers.items())
        if not self.differences:
            return f"nothing differs ({there})"
        kinds = (
            f"{len(names)} {kind}: {'; '.join(name[:NAME_LIMIT] for name in names[:NAMED])}"
            for kind, names in sorted(self.differences.items())
        )
        return f"({there})\n    " + "\n    ".join(kinds)


def settled(system: System, truth: Truth, quiet_s: float = QUIET_S) -> Found:
    """The reconcile once nothing differs, or the last one when nothing has changed for `quiet_s`."""
    last, moved = Found(), time.monotonic()
    while True:
        try:
            found = reconcile(system, truth)
        except (DoesNotRun, KafkaException, RedthreadError) as error:
            found = Found(differences={"cannot be read": [str(error)[:300]]})
        if not found.differences:
            return found
        if (found.numbers, found.differences) != (last.numbers, last.differences):
            last, moved = found, time.monotonic()
        if time.monotonic() - moved > quiet_s:
            return found
        time.sleep(1)


def reconcile(system: System, truth: Truth) -> Found:
    """Compares the truth with topics, graph and store as they are now."""
    addresses, found = system.addresses, Found()
    reader = Reader(kafka_connection(addresses))
    try:
        inputs = [message for topic in INPUTS for message in reader.read(topic)]
        notices = [json.loads(message.value() or b"null") for message in reader.read(topics.notices("local"))]
    finally:
        reader.close()
    rows = asyncio.run(_graph(addresses.neo4j_uri, addresses.neo4j_user, addresses.neo4j_password))
    media = {row["media_id"]: row for row in rows["media"]}
    by_place = _notices(notices, truth, found)
    _inputs(inputs, truth, by_place, media, found)
    _media(media, inputs, truth, found)
    _faces(media, MediaStore(StreamSettings(kafka=addresses.kafka, data=system.data).store_url), found)
    _verdicts(rows["links"], notices, truth, found)
    if fault := audit.first_fault([audit.Entry(**row["entry"]) for row in rows["audit"]]):
        found.differences["audit broken"] = [fault]
    found.differences |= {"complaints": list(truth.complaints)} if truth.complaints else {}
    waiting = rows["waiting"][0]["outbox"]
    if waiting:
        found.differences["waiting in the outbox"] = [str(waiting)]
    found.numbers |= {
        "acknowledged": len(truth.acknowledged),
        "events": len(inputs),
        "notices": len(notices),
        "media": len(media),
        "links": len(rows["links"]),
        "verdicts": truth.verdicts_acknowledged(),
    }
    return found


async def _graph(uri: str, user: str, password: str) -> dict[str, list[Row]]:
    async with Store(uri, user, password) as store:
        queries = {"media": MEDIA, "links": LINKS, "waiting": WAITING, "audit": AUDIT}
        return {name: await store.read(lambda tx, text=text: tx.rows(text)) for name, text in queries.items()}


def _notices(notices: list[dict[str, Any]], truth: Truth, found: Found) -> dict[str, list[dict[str, Any]]]:
    """The standing notices of events by the event's first place; what was told once stays told."""
    by_id: dict[str, dict[str, Any]] = {}
    for notice in notices:
        for known in (by_id.setdefault(notice["notice_id"], notice), truth.notices.get(notice["notice_id"], notice)):
            if known != notice:
                found.differences["notices told in two ways"].append(f"{known} and {notice}")
    superseded = {notice["supersedes"] for notice in by_id.values() if "supersedes" in notice}
    by_place: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for notice in by_id.values():
        if notice["notice_id"] not in superseded and notice.get("event"):
            # Of two events that were given one place the later one has a name of its own behind it.
            by_place[notice["event"].partition("~")[0]].append(notice)
    return by_place


def place_of(message: Message) -> str:
    """The first place of an event in Kafka: a replay names it."""
    headers = dict(message.headers() or [])
    own = f"{message.topic()}/{message.partition()}/{message.offset()}"
    return (headers.get(quarantine.EVENT) or own.encode()).decode()


def ce_id_of(message: Message) -> str:
    return (dict(message.headers() or []).get("ce_id") or b"").decode()


def _inputs(
    inputs: list[Message],
    truth: Truth,
    by_place: dict[str, list[dict[str, Any]]],
    media: dict[str, Row],
    found: Found,
) -> None:
    """Every event in Kafka has one standing notice and is where that says; every acknowledged one is in Kafka."""
    in_kafka: defaultdict[str, set[str]] = defaultdict(set)
    for message in inputs:
        ce_id, place = ce_id_of(message), place_of(message)
        in_kafka[ce_id].add(place)
        # A quarantined event's notice may lack the sender's id: its place is all that it says.
        told = [notice for notice in by_place.get(place, []) if (notice.get("ce_id") or ce_id) == ce_id]
        if len(told) != 1:
            kind = "events without a notice" if not told else "events with two standing notices"
            found.differences[kind].append(f"{place} {ce_id}")
            continue
        (notice,) = told
        event = truth.events.get(ce_id)
        broken = event is not None and event.broken
        if (notice["outcome"] == "quarantined") != broken:
            found.differences["outcomes that are wrong"].append(f"{place}: {notice['outcome']} {notice.get('code')}")
        elif notice["outcome"] in STORED:
            row = media.get(notice["media_id"])
            if row is None or notice["case_id"] not in row["cases"]:
                found.differences["noticed and not in the graph"].append(f"{place}: {notice['media_id']}")
    for event in truth.acknowledged:
        if event.place not in in_kafka[event.ce_id]:
            found.differences["acknowledged events that Kafka lost"].append(f"{event.place} {event.ce_id}")


def _media(media: dict[str, Row], inputs: list[Message], truth: Truth, found: Found) -> None:
    """Everything that was sent is in its case once, and nothing else is."""
    wanted = {(event.media_id, event.case_id) for event in truth.acknowledged if not event.broken} | truth.files
    there = Counter((media_id, case_id) for media_id, row in media.items() for case_id in row["cases"])
    sent = {
        (body["sha256"], body["case_id"])
        for body in (json.loads(message.value()) for message in inputs)
        if "sha256" in body
    }
    for kind, names in (
        ("media missing in their case", wanted - there.keys()),
        ("media that nobody sent", there.keys() - wanted - sent),
        ("media doubled in their case", {name for name, number in there.items() if number > 1}),
    ):
        if names:
            found.differences[kind] = [f"{media_id} in {case_id}" for media_id, case_id in sorted(names)]


def _faces(media: dict[str, Row], store: MediaStore, found: Found) -> None:
    """Every face is whole: one media, one vector, its crops, compared unless too poor, linked to what is like it."""
    alone: list[tuple[str, str, Any]] = []
    for media_id, row in media.items():
        for face in row["faces"]:
            name, vectors = face["face_id"], face["vectors"]
            if face["seen"] != 1 or len(vectors) != 1:
                found.differences["faces doubled or without a vector"].append(name)
            elif face["too_poor_because"] is None and not face["compared"]:
                found.differences["faces never compared"].append(name)
            elif face["too_poor_because"] is None and not face["links"]:
                alone.append((name, media_id, np.frombuffer(vectors[0], np.float32)))
            for crop in (face["display_crop"], face["aligned_crop"], face["context_view"]):
                if not _is_stored(store, crop):
                    found.differences["crops missing"].append(f"{name}: {crop}")
    # Of two faces that are alike the later one was given links to the nearest: one of them has some.
    for number, (name, media_id, vector) in enumerate(alone):
        for other, its_media, its_vector in alone[number + 1 :]:
            if media_id != its_media and float(vector @ its_vector) >= TWINS:
                found.differences["pairs never found"].append(f"{name} and {other}")


def _is_stored(store: MediaStore, crop: str | None) -> bool:
    try:
        return bool(crop and store.read_crop(crop))
    except RedthreadError:
        return False


def _verdicts(links: list[Row], notices: list[dict[str, Any]], truth: Truth, found: Found) -> None:
    """Every acknowledged decision stands, in order, and was told as it stands; nothing was decided by nobody."""
    of_links = [notice for notice in notices if notice["subject"].startswith("link:")]
    last = {notice["subject"]: notice for notice in sorted(of_links, key=lambda notice: notice["number"])}
    by_id = {row["link_id"]: row for row in links}
    if len(by_id) != len(links) or len({(row["a"], row["b"]) for row in links}) != len(links):
        found.differences["links doubled"].append(str(len(links) - len(by_id)))
    for link_id, asked in truth.verdicts.items():
        row = by_id.get(link_id)
        stored = row["decisions"] if row else []
        if not agrees(stored, asked):
            found.differences["verdicts lost or changed"].append(f"{link_id}: {stored} instead of {asked}")
        elif row and stored:
            told = last.get(f"link:{link_id}@local", {})
            if row["state"] != stored[-1] or told.get("state") != row["state"]:
                found.differences["verdicts told wrongly"].append(
                    f"{link_id}: {row['state']}, told {told.get('state')}"
                )
    for link_id in by_id.keys() - truth.verdicts.keys():
        if by_id[link_id]["decisions"]:
            found.differences["verdicts of nobody"].append(link_id)


def by_product(system: System) -> str:
    """What `redthread status --reconcile` finds to differ; empty where nothing does."""
    code, said = system.run("status", "--reconcile", "--json")
    return said[-2000:] if code else ""
