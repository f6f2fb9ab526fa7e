"""Whatever a case system sends is an event, or Unprocessable says what is wrong; nothing else is ever raised."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.domain.errors import Unprocessable
from streams.records import quarantine
from streams.records.incoming import CE_CASE, CE_MEDIA, CaseChanged, ErasureRequested, MediaSubmitted, VictimChanged
from streams.records.message import Message, check_source, origin, read
from streams.records.quarantine import VALUE_LIMIT
from streams.records.reading import event_object, from_base64

TOPIC = "redthread.media.submitted.local.v1"
GOOD: dict[str, Any] = {
    "case_id": "local:1",
    "district": "north",
    "url": "file:///a.jpg",
    "purpose": "identification",
    "legal_basis": "a law",
    "scope": "register",
}
HEADERS: dict[str, bytes] = {
    "ce_id": b"1",
    "ce_source": b"/local",
    "ce_specversion": b"1.0",
    "ce_type": CE_MEDIA.encode(),
}
SECRET = "Jane-Doe-4711"


def message(value: bytes | None, headers: dict[str, bytes | None] | None = None, timestamp: int = 1000) -> Message:
    told = HEADERS if headers is None else headers
    return Message(TOPIC, 3, 17, b"key", value, list(told.items()), timestamp)


def body(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in {**GOOD, **changes}.items() if value is not ...}).encode()


def refused(value: bytes | None, headers: dict[str, Any] | None = None) -> Unprocessable:
    with pytest.raises(Unprocessable) as caught:
        read(message(value, headers), MediaSubmitted, CE_MEDIA)
    return caught.value


def test_a_good_event_is_read_and_unknown_fields_are_ignored() -> None:
    event = read(message(body(exhibit="A-1", something_newer=[1])), MediaSubmitted, CE_MEDIA)

    assert (event.case_id, event.scope.value, event.exhibit) == ("local:1", "register", "A-1")


@pytest.mark.parametrize(
    ("value", "code", "says"),
    [
        (None, "empty_record", "empty"),
        (b"", "not_json", "not JSON"),
        (b"\xff\xd8\xff\xe0 a picture", "not_json", "not JSON"),
        (b"{", "not_json", "not JSON"),
        (b"[]", "not_an_event", "not an object"),
        (b"17", "not_an_event", "not an object"),
        (b'"text"', "not_an_event", "not an object"),
        (b"null", "not_an_event", "not an object"),
        (b"[" * 5000, "not_json", "not JSON"),
        (body(scope=...), "invalid_event", "scope is missing"),
        (body(purpose=...), "invalid_event", "purpose is missing"),
        (body(legal_basis=...), "invalid_event", "legal_basis is missing"),
        (body(purpose="  "), "invalid_event", "purpose: string should have at least 1 character"),
        (body(scope="everything"), "invalid_event", "'register', 'case' or 'none'"),
        (body(sha256="abc"), "invalid_event", "sha256"),
        (body(case_id="1"), "invalid_event", "a case id reads <source>:<local id>"),
        (body(district="North Side"), "invalid_event", "lower case letters"),
        (body(captured_at="yesterday"), "invalid_event", "captured_at"),
        (body(victim={"victim_id": "v1"}), "invalid_event", "victim.declared_by"),
        (body(extra=float("nan")), "not_json", "NaN and Infinity"),
        (body(extra=[1, {"a": float("-inf")}]), "not_json", "NaN and Infinity"),
        (body(captured_at=...)[:-1] + b', "captured_at": 1e999}', "invalid_event", "captured_at"),
        (body(extra="x" * VALUE_LIMIT), "record_too_large", "send a reference"),
    ],
)
def test_a_record_that_is_no_event_is_refused_with_a_reason(value: bytes | None, code: str, says: str) -> None:
    reason = refused(value)

    assert reason.code == code
    assert says in reason.message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({name: None for name in HEADERS}, "no_headers"),
        ({"ce_source": None}, "bad_headers"),
        ({"ce_type": None}, "bad_headers"),
        ({"ce_specversion": b"0.3"}, "bad_headers"),
        ({"ce_time": b"yesterday"}, "bad_headers"),
        ({"ce_id": b"\xff\xfe"}, "bad_headers"),
        ({"ce_type": CE_CASE.encode()}, "wrong_type"),
    ],
)
def test_headers_that_are_no_cloudevent_of_this_topic_are_refused(change: dict[str, Any], code: str) -> None:
    assert refused(body(), {**HEADERS, **change}).code == code


def test_a_reason_contains_no_value_of_the_event() -> None:
    for value in (
        body(purpose=[SECRET]),
        body(case_id=SECRET),
        body(scope=SECRET),
        body(sha256=SECRET),
        body(captured_at=SECRET),
        body(victim=SECRET),
        SECRET.encode(),
    ):
        assert SECRET not in refused(value).message


@pytest.mark.parametrize("field", ["version"])
@pytest.mark.parametrize("model", [CaseChanged, VictimChanged])
def test_a_number_that_the_graph_cannot_hold_is_refused_here(model: Any, field: str) -> None:
    """Symptom: link ended with an alarm for ever. Cause: the driver can't pack an integer of more than 64 bits."""
    event = {**GOOD, "status": "open", "victim_id": "v", "label": "l", field: 2**63}

    with pytest.raises(Unprocessable) as caught:
        read(message(json.dumps(event).encode()), model, CE_MEDIA)

    assert caught.value.code == "invalid_event"


@pytest.mark.parametrize("text", [b"9" * 5000, b"-5", b"1e9", "\u0663".encode(), b"", b"\xff"])
def test_a_forged_time_of_submission_is_read_without_failing_and_never_makes_an_event_newer(text: bytes) -> None:
    """Symptom: an event was lost. Cause: Python refuses to read a number of 5,000 digits, outside of every guard."""
    found = origin(message(body(), {**HEADERS, "redthread-submitted-at": text}, timestamp=1000), "local")

    assert found.submitted_at <= 1000


def test_a_replayed_event_keeps_its_place_and_its_time_only_within_its_own_topic() -> None:
    own, foreign = f"{TOPIC}/1/5", "redthread.media.submitted.other.v1/1/5"
    again = {"redthread-submitted-at": b"400", "redthread-attempts": b"2"}

    assert origin(message(body(), {**again, "redthread-event": own.encode()}), "local").event == own
    assert origin(message(body(), {**again, "redthread-event": foreign.encode()}), "local").event == f"{TOPIC}/3/17"
    replayed = origin(message(body(), again), "local")
    assert (replayed.submitted_at, replayed.attempts) == (400, 3)
    assert origin(message(body(), {"redthread-submitted-at": b"5000"}), "local").submitted_at == 1000


def test_a_source_speaks_only_for_its_own_cases_and_districts() -> None:
    event = MediaSubmitted.model_validate(GOOD)

    check_source(event, "local", {"local": ["north"]})
    with pytest.raises(Unprocessable, match="begins with other:"):
        check_source(event, "other", {"other": ["north"]})
    with pytest.raises(Unprocessable, match="may not speak for district north"):
        check_source(event, "local", {"local": ["south"]})


junk = st.one_of(st.binary(max_size=60), st.text(max_size=30).map(str.encode))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
changed = st.dictionaries(st.sampled_from([*GOOD, "victim", "sha256", "captured_at", "subject", "version"]), values)
records = st.one_of(st.none(), junk, changed.map(lambda c: json.dumps({**GOOD, **c}).encode()))
names = st.sampled_from([*HEADERS, *quarantine.OWN_HEADERS, "ce_time", "ce_x", "ce_", "CE_ID", "content-type", "other"])


@settings(max_examples=400, derandomize=True, deadline=None)
@given(records, st.dictionaries(names, st.one_of(st.none(), junk), max_size=6), st.booleans())
def test_no_record_makes_reading_it_raise_anything_else(value: bytes | None, headers: Any, good: bool) -> None:
    came = message(value, {**(HEADERS if good else {}), **headers})

    source = origin(came, "local")
    for model in (MediaSubmitted, CaseChanged, VictimChanged, ErasureRequested):
        try:
            read(came, model, CE_MEDIA)
        except Unprocessable as reason:
            key, kept, told = quarantine.record(source, reason, "embed")
            row = quarantine.read(key, kept, told)
            assert row["event"] == f"{TOPIC}/3/17"
            assert row["code"] == reason.code


STRUCTURED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/local",
    "type": CE_MEDIA,
    "time": "2026-01-31T12:00:00Z",
    "datacontenttype": "application/json",
    "data": GOOD,
}
IN_ONE = {"Content-Type": b"application/cloudevents+json; charset=utf-8"}


def structured(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in {**STRUCTURED, **changes}.items() if value is not ...}).encode()


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_an_event_in_structured_mode_or_with_a_byte_order_mark_is_read(start: bytes) -> None:
    as_base64 = structured(data=..., data_base64=base64.b64encode(start + body()).decode())
    for value in (structured(), as_base64):
        arrived = message(start + value, IN_ONE)
        assert read(arrived, MediaSubmitted, CE_MEDIA).case_id == "local:1"
        assert origin(arrived, "local").ce_id == "e-1"
        assert event_object(arrived.value) == GOOD
        # As a replay publishes it.
        kept = origin(arrived, "local")
        again = [(name, from_base64(text)) for name, text in kept.headers]
        assert read(replace(arrived, value=from_base64(kept.value), headers=again), MediaSubmitted, CE_MEDIA)
    assert read(message(start + body()), MediaSubmitted, CE_MEDIA).case_id == "local:1"


@pytest.mark.parametrize(
    ("value", "code", "says"),
    [
        (structured(source=...), "bad_headers", "no CloudEvent"),
        (structured(type=7), "bad_headers", "no CloudEvent"),
        (structured(type="other"), "wrong_type", CE_MEDIA),
        (structured(time="2026-01-31T12:00:00"), "bad_headers", "no time zone"),
        (structured(data=...), "not_json", "not JSON"),
        (structured(data="text"), "not_an_event", "not an object"),
        (structured(data=..., data_base64="!"), "not_json", "not JSON"),
        (structured(extension=float("nan")), "not_json", "NaN and Infinity"),
        (structured(data={**GOOD, "case_id": "1"}), "invalid_event", "a case id reads"),
        (b"[]", "not_json", "not an object"),
        (b"[" * 5000, "not_json", "not JSON"),
    ],
)
def test_a_faulty_event_in_structured_mode_is_refused_with_a_reason(value: bytes, code: str, says: str) -> None:
    reason = refused(value, IN_ONE)

    assert (reason.code, says in reason.message) == (code, True), reason.message


def test_a_time_without_a_zone_is_refused_with_that_word() -> None:
    assert "no time zone" in refused(body(), {**HEADERS, "ce_time": b"2026-01-31T12:00:00"}).message


def test_a_long_content_type_is_cut_off_and_not_refused() -> None:
    event = read(message(body(content_type="application/" + "x" * 1000)), MediaSubmitted, CE_MEDIA)

    assert event.content_type is not None and len(event.content_type) == 255
