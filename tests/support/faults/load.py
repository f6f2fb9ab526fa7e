"""Work for the system while it is hurt: a case system that publishes, an `ingest`, and a person who decides links.

Each remembers in `Truth` what it was told, and goes on by itself once the system answers again.
"""

import json
import random
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from graph.domain.ids import media_id
from streams import topics
from streams.records.incoming import CE_MEDIA
from tests.support.faults.pictures import Pictures
from tests.support.faults.system import DoesNotRun, System, kafka_connection
from tests.support.faults.truth import Event, Truth, Verdict

CASES = {"local:faults-1": "north", "local:faults-2": "north", "local:faults-3": "south"}
TERMS = {"purpose": "victim identification", "legal_basis": "test", "scope": "register"}
KINDS = {"drawn": 74, "person": 14, "again": 5, "other case": 4, "broken": 3}
"""Of a hundred events: a new picture without or with a face, a known one in its case or another, no picture at all."""
DECIDES_EVERY_S = 0.5
ASK_S = 10.0
LINKS_PAGE = 200
INGEST_S = 400.0
"""Above the two minutes for which `ingest` waits for a sign of progress, three times over."""


class Load:
    """Everything outside the system that wants something of it."""

    def __init__(self, system: System, truth: Truth, pictures: Pictures, rng: random.Random) -> None:
        self._system, self._truth, self._pictures, self._rng = system, truth, pictures, rng
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._producer: Producer | None = None
        self._refused: list[Event] = []

    # --- threads ---

    @contextmanager
    def running(self, *works: Callable[[], None]) -> Iterator[None]:
        """The works go on, each in a thread of its own, until the block is left."""
        self._stop.clear()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self.follow_notices, *works)]
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self.halt()

    def halt(self) -> None:
        """Everybody has stopped; what was not acknowledged by now may never be."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        self._threads = []

    # --- the case system ---

    def publish(self, events: int, per_s: float, kinds: Mapping[str, int] = KINDS) -> None:
        """Publishes so many new events; what an earlier producer did not get through comes first."""
        try:
            self._publish(events, per_s, kinds)
        except _Stopped:
            pass
        finally:
            self._leave()

    def _publish(self, events: int, per_s: float, kinds: Mapping[str, int]) -> None:
        known, self._refused = list(self._truth.events.values()), []
        for event in [event for event in known if not event.place]:
            self._send(event)
        started = time.monotonic()
        for number in range(events):
            if self._stop.wait(max(0.0, started + number / per_s - time.monotonic())):
                return
            event = self._new_event(known, kinds)
            known.append(event)
            self._truth.events[event.ce_id] = event
            self._send(event)
            self._producer_now().poll(0)
            self._send_refused()
        while not self._stop.is_set() and any(not event.place for event in known):
            self._producer_now().poll(0.1)
            self._send_refused()

    def _new_event(self, known: list[Event], kinds: Mapping[str, int]) -> Event:
        (kind,) = self._rng.choices(list(kinds), list(kinds.values()))
        pictures = [event for event in known if not event.broken]
        if kind in ("again", "other case") and pictures:
            before = pictures[self._rng.randrange(len(pictures))]
            case_id = before.case_id if kind == "again" else self._rng.choice(list(CASES))
            return _event(case_id, before.media_id, before.body["url"], broken=False)
        make = {"person": self._pictures.person, "broken": self._pictures.broken}.get(kind, self._pictures.drawn)
        data = make()
        path = self._system.media / media_id(data)
        path.write_bytes(data)
        return _event(self._rng.choice(list(CASES)), path.name, path.as_uri(), broken=kind == "broken")

    def _send(self, event: Event) -> None:
        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                event.place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            else:
                self._refused.append(event)

        headers = [("ce_specversion", "1.0"), ("ce_id", event.ce_id), ("ce_source", "/local"), ("ce_type", CE_MEDIA)]
        topic = topics.media_submitted("local")
        value = json.dumps(event.body).encode()
        with suppress(BufferError):
            self._producer_now().produce(topic, value, event.media_id.encode(), headers=headers, on_delivery=delivered)
            return
        self._refused.append(event)

    def _send_refused(self) -> None:
        """What Kafka refused is sent by a new producer, as by a case system that was started again."""
        if self._refused:
            self._leave()
            again, self._refused = self._refused, []
            for event in again:
                self._send(event)

    def _producer_now(self) -> Producer:
        """The producer; while nobody knows where Kafka is it is waited for."""
        while self._producer is None:
            try:
                connection = kafka_connection(self._system.addresses)
            except DoesNotRun:
                if self._stop.wait(0.5):
                    raise _Stopped from None
                continue
            self._producer = Producer(
                {
                    **connection,
                    "enable.idempotence": True,
                    "acks": "all",
                    "linger.ms": 5,
                    "log_level": 0,
                    "partitioner": "murmur2_random",
                    "message.timeout.ms": 0,
                    "reconnect.backoff.max.ms": 1000,
                }
            )
        return self._producer

    def _leave(self) -> None:
        """The producer is gone, with what it has not got through."""
        if self._producer is not None:
            self._producer.poll(0)
            self._producer.purge()
            self._producer.poll(0)
            self._producer = None

    # --- notices ---

    def follow_notices(self) -> None:
        """Reads notices as they come, from the first one on, and keeps them by their id."""
        while not self._stop.is_set():
            with suppress(KafkaException, DoesNotRun):
                self._follow(kafka_connection(self._system.addresses))
            self._stop.wait(0.5)

    def _follow(self, connection: dict[str, Any]) -> None:
        consumer = Consumer(
            {
                **connection,
                "group.id": str(uuid.uuid4()),
                "enable.auto.commit": False,
                "log_level": 0,
                "auto.offset.reset": "earliest",
            }
        )
        try:
            consumer.assign([TopicPartition(topics.notices("local"), 0, 0)])
            while not self._stop.is_set():
                for message in consumer.consume(500, 0.2):
                    if message.error() is None:
                        self._keep(json.loads(message.value() or b"null"))
        finally:
            consumer.close()

    def _keep(self, notice: dict[str, Any]) -> None:
        known = self._truth.notices.setdefault(notice["notice_id"], notice)
        if known != notice:
            self._truth.complaints.append(f"notice {notice['notice_id']} was told in two ways: {known} and {notice}")

    # --- the person ---

    def decide(self) -> None:
        """Confirms and dismisses candidates one after the other."""
        while not self._stop.is_set():
            with suppress(httpx.HTTPError, DoesNotRun):
                self._decide()
            self._stop.wait(1)

    def _decide(self) -> None:
        headers = {
            "Authorization": f"Bearer {self._system.token('investigator')}",
            "Redthread-Purpose": "victim identification",
        }
        with httpx.Client(base_url=self._system.api_url, headers=headers, trust_env=False, timeout=ASK_S) as api:
            while not self._stop.wait(DECIDES_EVERY_S):
                found = api.get("/links", params={"limit": LINKS_PAGE}).raise_for_status().json()["items"]
                for item in self._rng.sample(found, min(5, len(found))):
                    if not self._stop.is_set():
                        self._judge(api, item)

    def _judge(self, api: httpx.Client, item: dict[str, Any]) -> None:
        decision = self._rng.choice(("confirmed", "dismissed", "unsure"))
        said = Verdict(decision, acknowledged=False)
        # Written down before it is asked: whatever happens now, it may have taken place.
        self._truth.verdicts.setdefault(item["link_id"], []).append(said)
        shown = api.get(f"/links/{item['link_id']}").raise_for_status().json()
        answer = api.post(
            f"/links/{item['link_id']}/verdicts",
            json={
                "decision": decision,
                "reasons": ["ears"] if decision == "confirmed" else [],
                "faces": shown["face_ids"],
            },
            headers={"If-Match": f'"{item["version"]}"'},
        )
        if answer.status_code == 201:
            said.acknowledged = True
        elif answer.is_client_error:
            # Refused, a contradiction for example: it did not take place.
            self._truth.verdicts[item["link_id"]].pop()

    # --- ingest ---

    def folder(self, path: Path, files: int) -> Path:
        """A folder of new pictures for `ingest`."""
        path.mkdir(parents=True)
        for number in range(files):
            data = self._pictures.person() if number % 7 == 0 else self._pictures.drawn()
            (path / f"{number}.jpg").write_bytes(data)
        return path

    def start_ingest(self, folder: Path, case_id: str) -> Any:
        terms = [word for name, value in TERMS.items() for word in (f"--{name.replace('_', '-')}", value)]
        return self._system.start("ingest", folder, "--case", case_id, "--district", CASES[case_id], *terms)

    def finish_ingest(self, folder: Path, case_id: str) -> None:
        """Runs `ingest` to its end; every file counts as sent from then on."""
        process = self.start_ingest(folder, case_id)
        try:
            code: object = process.wait(INGEST_S)
        except subprocess.TimeoutExpired as late:
            process.kill()
            code = late
        if code != 0:
            self._truth.complaints.append(f"`ingest` ended with {code}: {self._system.log_tail()}")
        for path in folder.iterdir():
            self._truth.files.add((media_id(path.read_bytes()), case_id))
        shutil.rmtree(folder)


class _Stopped(Exception):
    """The test is over before Kafka came back."""


def _event(case_id: str, media: str, url: str, *, broken: bool) -> Event:
    ce_id = str(uuid.uuid4())
    body = {**TERMS, "case_id": case_id, "district": CASES[case_id], "url": url, "source_ref": ce_id}
    if not broken:
        body["sha256"] = media
    return Event(ce_id, case_id, media, broken, body)
