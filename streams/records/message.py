"""An incoming Kafka record: its source, the time of its first submission, and the CloudEvent in it.

Headers are as untrusted as the rest: their effects are limited here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat

from graph.domain import ids
from graph.domain.errors import Unprocessable
from streams import topics
from streams.records.gallery import SourceEvent
from streams.records.incoming import InCase
from streams.records.quarantine import ATTEMPTS, CE_ID_LIMIT, EVENT, OWN_HEADERS, SUBMITTED_AT, VALUE_LIMIT
from streams.records.reading import Event, read_event, to_base64

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
        ce_id=message.header("ce_id")[:CE_ID_LIMIT],
        key=to_base64(message.key),
        value=to_base64(message.value),
        headers=[(name, to_base64(value)) for name, value in message.headers if name not in OWN_HEADERS],
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
    event = read_event(model, message.value)
    _check_envelope(message, ce_type)
    return event


def check_source(event: InCase, source: str, sources: Mapping[str, Sequence[str]]) -> None:
    """Raises Unprocessable for an event about another source's case or district."""
    if ids.source_of(event.case_id) != source:
        raise Unprocessable(f"a case id of this source begins with {source}:", code="other_source")
    if event.district not in sources.get(source, ()):
        raise Unprocessable(f"source {source} may not speak for district {event.district}", code="other_district")


def _check_envelope(message: Message, ce_type: str) -> None:
    # Only these: the header of a tracing tool may hold any bytes.
    headers = {name: value for name, value in message.headers if value is not None and name.lower().startswith("ce_")}
    if not headers:
        raise Unprocessable(
            "no CloudEvents headers: an event has at least ce_id, ce_source, ce_specversion and ce_type",
            code="no_headers",
        )
    try:
        # Only the attributes are checked here; the value has its own model.
        event = from_binary(KafkaMessage(headers, None, b"{}"), JSONFormat())
    except (CloudEventValidationError, ValueError) as error:
        raise Unprocessable(
            "the headers are no CloudEvent 1.0: ce_id, ce_source, ce_specversion and ce_type are needed, ce_time in "
            "RFC 3339 if given",
            code="bad_headers",
        ) from error
    if event.get_specversion() != "1.0":
        raise Unprocessable("ce_specversion must be 1.0", code="bad_headers")
    if event.get_type() != ce_type:
        raise Unprocessable(f"ce_type must be {ce_type} in this topic", code="wrong_type")


def sources_by_topic(sources: Iterable[str]) -> dict[str, str]:
    """The source of each input topic."""
    kinds = (topics.media_submitted, topics.cases_changed, topics.victims_changed, topics.erasures_requested)
    return {kind(source): source for source in sources for kind in kinds}
