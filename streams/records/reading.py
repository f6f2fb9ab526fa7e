"""Reads the values of records; messages about a faulty one contain none of its values."""

import base64
import binascii
import codecs
import json
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from graph.domain.errors import Unprocessable
from streams.records import incoming
from streams.records.gallery import TYPES

Event = TypeVar("Event", bound=BaseModel)

_MODELS = (
    incoming.SearchProbe,
    incoming.MarkSubmitted,
    incoming.CaseChanged,
    incoming.VictimChanged,
    incoming.ErasureRequested,
    incoming.DeclaredVictim,
    *TYPES.values(),
)
FIELDS = frozenset(name for model in _MODELS for name in model.model_fields)
"""Names of our own fields, which a message may repeat."""


def complaint(error: ValidationError) -> str:
    """The faults and their places in words, without any of the event's values."""
    parts: list[str] = []
    for item in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        # A place can contain the sender's own keys, which may be anything: only names of our fields are repeated.
        where = ".".join(str(step) for step in item["loc"] if isinstance(step, int) or step in FIELDS) or "the event"
        missing = item["type"] == "missing"
        wrong = "is missing, and the event must say it" if missing else f"{item['msg'][0].lower()}{item['msg'][1:]}"
        parts.append(f"{where} {wrong}" if missing else f"{where}: {wrong}")
    return "; ".join(parts)


def to_base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")


def from_base64(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Unprocessable("a field that should be base64 is not", code="unreadable_record") from error


def read_event(model: type[Event], value: bytes | None) -> Event:
    """The event in a record's value. Raises Unprocessable, with the fault."""
    if value is None:
        raise Unprocessable("the record is empty: an event is a JSON object", code="empty_record")
    value = value.removeprefix(codecs.BOM_UTF8)
    check_finite(value)
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]["type"]
        if first == "json_invalid":
            raise Unprocessable("the record is not JSON", code="not_json") from None
        if first in ("model_type", "model_attributes_type"):
            raise Unprocessable("the record is JSON, but not an object", code="not_an_event") from None
        raise Unprocessable(complaint(error), code="invalid_event") from None


def check_finite(value: bytes) -> None:
    """Raises Unprocessable for JSON with NaN or Infinity, which Python's readers accept and JSON does not know."""
    if b"NaN" not in value and b"Infinity" not in value:
        return
    try:
        from_json(value, allow_inf_nan=False)
    except ValueError:
        raise Unprocessable(
            "the record is not JSON: NaN and Infinity are no numbers of JSON", code="not_json"
        ) from None


def event_object(value: bytes | None) -> dict[str, Any]:
    """The event in a record of any mode, unchecked; empty where there is none, since a topic may hold any bytes."""
    known = _object((value or b"").removeprefix(codecs.BOM_UTF8))
    if "specversion" in known:
        data = known.get("data")
        return cast(dict[str, Any], data) if isinstance(data, dict) else _object(event_data(known))
    return known


def event_data(envelope: dict[str, Any]) -> bytes:
    """The bytes of the event in a CloudEvent in structured mode; empty where there is none."""
    if (text := envelope.get("data_base64")) is not None:
        try:
            return base64.b64decode(text, validate=True)
        except (ValueError, TypeError):
            return b""
    return json.dumps(envelope["data"]).encode() if "data" in envelope else b""


def _object(value: bytes) -> dict[str, Any]:
    try:
        found: Any = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}
