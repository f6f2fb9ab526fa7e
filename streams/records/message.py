"""An incoming Kafka record: its source, the time of its first submission, and the CloudEvent in it.

Headers are as untrusted as the rest: their effects are limited here.
"""

import codecs
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat

from graph.domain import ids
from graph.domain.errors import Unprocessable
from streams import topics
from streams.records.gallery import SourceEvent
from streams.records.incoming import InCase
from streams.records.quarantine import ATTEMPTS, CE_ID_LIMIT, EVENT, OWN_HEADERS, SUBMITTED_AT, VALUE_LIMIT
from streams.records.reading import Event, check_finite, event_data, read_event, to_base64

_STRUCTURED: Final = b"application/cloudevents+json"
_PLACE: Final = re.compile(r"(redthread\.[a-z0-9.-]{1,200})/(\d{1,9})/(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka record; `timestamp` is the broker's append time in milliseconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp: int

    def header(self, name: str) -> str:
        """The last header of that name as text; empty where there is none, without bytes that are not UTF-8."""
        found = [value for key, value in self.headers if key == name and value]
        return found[-1].decode("utf-8", "ignore") if found else ""

    def attribute(self, name: str) -> str:
        """An attribute of the CloudEvent as text, such as `id`; empty where there is none."""
        envelope = self.envelope()
        if envelope is None:
            return self.header(f"ce_{name}")
        found = envelope.get(name)
        return found if isinstance(found, str) else ""

    def envelope(self) -> dict[str, Any] | None:
        """The object that holds attributes and event, in structured mode; None in binary mode.

        Raises nothing: what cannot be read is an empty object.
        """
        kinds = [value for key, value in self.headers if key.lower() == "content-type" and value]
        if not any(kind.lstrip().lower().startswith(_STRUCTURED) for kind in kinds):
            return None
        try:
            found: Any = json.loads((self.value or b"").removeprefix(codecs.BOM_UTF8))
        except (ValueError, RecursionError):
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def origin(message: Message, source: str) -> SourceEvent:
    """The source event of a record, with the place and time of its first submission.

    `submitted_at` is the smaller of the append time and the header that a replay sets: a forged header can only make
    an event older, so that an erasure covers it. A forged place is accepted only within the sender's own topics.
    """
    event = f"{message.topic}/{message.partition}/{message.offset}"
    place = _PLACE.fullmatch(message.header(EVENT))
    if place and place[1] == message.topic:
        event = place[0]
    submitted = message.header(SUBMITTED_AT)
    attempts = message.header(ATTEMPTS)
    return SourceEvent(
        event=event,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        submitted_at=min(message.timestamp, _number(submitted, 18, message.timestamp)),
        attempts=_number(attempts, 5, 0) + 1,
        source=source,
        ce_id=message.attribute("id").encode("utf-8", "ignore").decode()[:CE_ID_LIMIT],
        key=to_base64(message.key),
        value=to_base64(message.value),
        headers=[(name, to_base64(value)) for name, value in message.headers if name not in OWN_HEADERS],
        checks_case_id=True,
    )


def _number(text: str, digits: int, otherwise: int) -> int:
    """The number in a header, or `otherwise`; Python raises for thousands of digits."""
    return int(text) if text.isdecimal() and len(text) <= digits else otherwise


def read(message: Message, model: type[Event], ce_type: str) -> Event:
    """The event of a record. Raises Unprocessable, with the fault."""
    if message.value is not None and len(message.value) > VALUE_LIMIT:
        raise Unprocessable(
            f"the record has {len(message.value)} bytes, at most {VALUE_LIMIT} are read: "
            "send a reference to the media, not its bytes",
            code="record_too_large",
        )
    envelope = message.envelope()
    if envelope is None:
        event = read_event(model, message.value)
        # Only these: the header of a tracing tool may hold any bytes.
        named = {name.lower(): value for name, value in message.headers if value is not None}
        _check_attributes({name: value for name, value in named.items() if name.startswith("ce_")}, ce_type)
        return event
    check_finite(message.value or b"")
    if not envelope:
        raise Unprocessable("the record is not JSON, or not an object", code="not_json")
    attributes = {f"ce_{name}": value for name, value in envelope.items() if name not in ("data", "data_base64")}
    event = read_event(model, event_data(envelope))
    encoded = {name: value.encode("utf-8", "replace") for name, value in attributes.items() if isinstance(value, str)}
    _check_attributes(encoded, ce_type)
    return event


def check_source(event: InCase, source: str, sources: Mapping[str, Sequence[str]]) -> None:
    """Raises Unprocessable for an event about another source's case or district."""
    if ids.source_of(event.case_id) != source:
        raise Unprocessable(f"a case id of this source begins with {source}:", code="other_source")
    if event.district not in sources.get(source, ()):
        raise Unprocessable(f"source {source} may not speak for district {event.district}", code="other_district")


def _check_attributes(attributes: dict[str, bytes], ce_type: str) -> None:
    """Raises Unprocessable where the attributes, each with `ce_` before its name, are no CloudEvent of this type."""
    if not attributes:
        raise Unprocessable(
            "no CloudEvents headers: an event has at least ce_id, ce_source, ce_specversion and ce_type",
            code="no_headers",
        )
    try:
        # Only the attributes are checked here; the value has its own model.
        event = from_binary(KafkaMessage(attributes, None, b"{}"), JSONFormat())
    except (CloudEventValidationError, ValueError) as error:
        if _lacks_zone(attributes.get("ce_time", b"")):
            raise Unprocessable(
                "ce_time has no time zone: RFC 3339 needs one, as in 2026-01-31T12:00:00Z", code="bad_headers"
            ) from error
        raise Unprocessable(
            "the headers are no CloudEvent 1.0: ce_id, ce_source, ce_specversion and ce_type are needed, ce_time in "
            "RFC 3339 if given",
            code="bad_headers",
        ) from error
    if event.get_specversion() != "1.0":
        raise Unprocessable("ce_specversion must be 1.0", code="bad_headers")
    if event.get_type() != ce_type:
        raise Unprocessable(f"ce_type must be {ce_type} in this topic", code="wrong_type")


def _lacks_zone(time: bytes) -> bool:
    try:
        return datetime.fromisoformat(time.decode()).tzinfo is None
    except ValueError:
        return False


def sources_by_topic(sources: Iterable[str]) -> dict[str, str]:
    """The source of each input topic."""
    kinds = (topics.media_submitted, topics.cases_changed, topics.victims_changed, topics.erasures_requested)
    return {kind(source): source for source in sources for kind in kinds}
