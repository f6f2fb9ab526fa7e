"""Quarantine records: an event that could not be processed, with the reason, as it is written and read.

Header names follow Kafka Connect's dead letter queues, so that common tools read them.
"""

from collections.abc import Sequence
from typing import Final

from graph.domain.errors import OtherModel, RedthreadError, SourceUnreachable
from graph.domain.ids import is_case_id
from streams.records.gallery import SourceEvent
from streams.records.reading import event_object, from_base64, to_base64

Headers = list[tuple[str, bytes]]

VALUE_LIMIT: Final = 1_000_000
"""Bytes up to which a record is stored whole; of a larger one the value's first 1,000 and its place are stored."""
REASON_LIMIT: Final = 1000
REFERENCE_LIMIT: Final = 300
ATTEMPTS: Final = "redthread-attempts"
EVENT: Final = "redthread-event"
SUBMITTED_AT: Final = "redthread-submitted-at"
CE_ID: Final = "redthread-ce-id"
CE_ID_LIMIT: Final = 200
"""Characters stored of a sender's id for an event."""
OWN_HEADERS: Final = frozenset({ATTEMPTS, EVENT, SUBMITTED_AT})
_ERRORS: Final = "__connect.errors."


def record(origin: SourceEvent, error: RedthreadError, stage: str) -> tuple[bytes | None, bytes, Headers]:
    """Key, value and headers of the quarantine record of an event: its original bytes, and the reason."""
    key, value = from_base64(origin.key), from_base64(origin.value) or b""
    headers: Headers = [(name, from_base64(text) or b"") for name, text in origin.headers if not _is_ours(name)]
    around = len(key or b"") + sum(len(name.encode()) + len(data) for name, data in headers)
    facts = {
        f"{_ERRORS}topic": origin.topic,
        f"{_ERRORS}partition": str(origin.partition),
        f"{_ERRORS}offset": str(origin.offset),
        f"{_ERRORS}stage": stage,
        f"{_ERRORS}class.name": type(error).__name__,
        f"{_ERRORS}exception.message": error.message[:REASON_LIMIT],
        "redthread-code": error.code,
        "redthread-source": origin.source,
        EVENT: origin.event,
        ATTEMPTS: str(origin.attempts),
        SUBMITTED_AT: str(origin.submitted_at),
        CE_ID: origin.ce_id,
    }
    if isinstance(error, SourceUnreachable | OtherModel):
        facts["redthread-host"] = error.host
    if origin.value is None:
        facts["redthread-null-value"] = "true"
    if len(value) + around > VALUE_LIMIT:
        facts["redthread-truncated-from"] = str(len(value) + around)
        value = value[:1000]
    if around > VALUE_LIMIT:
        key, headers = key and key[:1000], []
    return key, value, headers + [(name, text.encode()) for name, text in facts.items()]


def read(key: bytes | None, value: bytes | None, headers: Headers) -> dict[str, object]:
    """The row of a quarantine record, for `graph.actions.operate.quarantine.index`."""
    facts = {name: (data or b"").decode("utf-8", "replace") for name, data in headers if _is_ours(name)}
    kept = [(name, to_base64(data)) for name, data in headers if not _is_ours(name)]
    return {
        "event": facts.get(EVENT, "")[:300],
        "topic": facts.get(f"{_ERRORS}topic", ""),
        "partition": _number(facts.get(f"{_ERRORS}partition", ""), -1),
        "offset": _number(facts.get(f"{_ERRORS}offset", ""), -1),
        "stage": facts.get(f"{_ERRORS}stage", ""),
        "reason": facts.get(f"{_ERRORS}exception.message", "")[:REASON_LIMIT],
        "code": facts.get("redthread-code", ""),
        "source": facts.get("redthread-source", ""),
        "host": facts.get("redthread-host"),
        "ce_id": ce_id_of(headers),
        "attempts": _number(facts.get(ATTEMPTS, ""), 1),
        "submitted_at": _number(facts.get(SUBMITTED_AT, ""), 0),
        "truncated": "redthread-truncated-from" in facts,
        "key": to_base64(key),
        "value": None if "redthread-null-value" in facts else to_base64(value),
        "headers": kept,
        **_facts_of(value),
    }


def ce_id_of(headers: Sequence[tuple[str, bytes | None]]) -> str:
    """The sender's id of the event; in a record of an older release, that of its own header."""
    named = {name: data for name, data in headers if data}
    return (named.get(CE_ID) or named.get("ce_id") or b"").decode("utf-8", "ignore")[:CE_ID_LIMIT]


def _facts_of(value: bytes | None) -> dict[str, str | None]:
    """The case and the sender's reference in an event, as far as it can be read."""
    known = event_object(value)
    case_id, source_ref = known.get("case_id"), known.get("source_ref")
    return {
        "case_id": case_id if isinstance(case_id, str) and is_case_id(case_id) else None,
        "source_ref": source_ref[:REFERENCE_LIMIT] if isinstance(source_ref, str) else None,
    }


def _number(text: str, otherwise: int) -> int:
    """The number, or `otherwise`: a record of another producer must not stop the indexing of ours."""
    return int(text) if text.isdecimal() and len(text) <= 18 else otherwise


def _is_ours(name: str) -> bool:
    return name.startswith((_ERRORS, "redthread-"))
