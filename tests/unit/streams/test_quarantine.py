"""A quarantine record holds the event as it came, byte for byte, and what a person needs to repair and replay it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.actions.link.outbox import OutboxRow
from graph.domain.errors import SourceUnreachable, Unprocessable
from streams.records import quarantine
from streams.records.message import Message, origin
from streams.records.reading import from_base64
from streams.relay.outgoing import outgoing

REASON = Unprocessable("a reason", code="a_code")
names = st.text("abcdefgh-_", min_size=1, max_size=10).filter(lambda name: not name.startswith("redthread-"))
headers = st.lists(st.tuples(names, st.binary(max_size=20)), max_size=5)


NUMBERS = [
    "__connect.errors.partition",
    "__connect.errors.offset",
    quarantine.ATTEMPTS,
    quarantine.SUBMITTED_AT,
    "other",
]
BYTES = st.binary(max_size=20) | st.just(b"9" * 5000)


def came(key: bytes | None, value: bytes | None, told: list[tuple[str, Any]]) -> Message:
    return Message("redthread.media.submitted.local.v1", 2, 9, key, value, told, 1234)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.none() | st.binary(max_size=50), st.none() | st.binary(max_size=200), headers)
def test_an_event_leaves_quarantine_for_a_replay_as_the_bytes_that_came(
    key: bytes | None, value: bytes | None, told: list[tuple[str, bytes]]
) -> None:
    record = quarantine.record(origin(came(key, value, told), "local"), REASON, "embed")
    assert record[0] == key
    assert record[1] == (value or b"")
    row = quarantine.read(*record)
    assert (row["code"], row["reason"], row["stage"], row["source"]) == ("a_code", "a reason", "embed", "local")

    topic, key_again, value_again, headers_again = outgoing(OutboxRow(1, "replay", "", "", ""), row)

    assert (topic, key_again, value_again) == ("redthread.media.submitted.local.v1", key, value)
    assert [item for item in headers_again if item[0] not in quarantine.OWN_HEADERS] == told
    replayed = origin(Message(topic, 5, 77, key_again, value_again, headers_again, 9999), "local")
    assert replayed.event == "redthread.media.submitted.local.v1/2/9"
    assert replayed.submitted_at == 1234
    assert replayed.attempts == 2


def test_people_find_the_header_names_of_kafka_connect() -> None:
    _, _, told = quarantine.record(origin(came(b"k", b"v", []), "local"), REASON, "embed")
    facts = dict(told)

    assert facts["__connect.errors.topic"] == b"redthread.media.submitted.local.v1"
    assert facts["__connect.errors.partition"] == b"2"
    assert facts["__connect.errors.offset"] == b"9"
    assert facts["__connect.errors.exception.message"] == b"a reason"


def test_a_value_that_is_too_large_is_truncated_and_marked_as_such() -> None:
    value = b"x" * (quarantine.VALUE_LIMIT + 1)

    key, kept, told = quarantine.record(origin(came(b"k", value, []), "local"), REASON, "embed")

    assert kept == value[:1000]
    assert dict(told)["redthread-truncated-from"] == str(len(b"k" + value)).encode()
    assert quarantine.read(key, kept, told)["truncated"] is True


def test_a_sender_cannot_forge_our_headers() -> None:
    forged = [
        ("redthread-source", b"other"),
        ("__connect.errors.topic", b"another"),
        ("redthread-code", b"fine"),
        ("redthread-host", b"victim.example"),
        ("redthread-truncated-from", b"1"),
    ]

    row = quarantine.read(*quarantine.record(origin(came(b"k", b"v", list(forged)), "local"), REASON, "embed"))

    assert (row["source"], row["topic"], row["code"]) == ("local", "redthread.media.submitted.local.v1", "a_code")
    assert (row["host"], row["truncated"], row["headers"]) == (None, False, [])


def test_an_unreachable_source_names_its_host() -> None:
    reason = SourceUnreachable("host away", host="media.example:443")

    row = quarantine.read(*quarantine.record(origin(came(b"k", b"v", []), "local"), reason, "embed"))

    assert (row["code"], row["host"]) == ("source_unreachable", "media.example:443")


@pytest.mark.parametrize("text", ["%%%", "a", "ü"])
def test_text_that_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises((Unprocessable, ValueError)):
        from_base64(text)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.none() | st.binary(max_size=20), st.lists(st.tuples(st.sampled_from(NUMBERS), BYTES)))
def test_a_record_of_another_producer_is_read_without_failing(value: Any, told: Any) -> None:
    row = quarantine.read(None, value, told)

    assert all(isinstance(row[name], int) for name in ("partition", "offset", "attempts", "submitted_at"))


def test_a_record_whose_headers_are_too_large_is_still_quarantined_by_its_place() -> None:
    """Only values were cut: headers of many MB could not be sent, and the event was lost with the error."""
    huge = [("x-notes", b"x" * 9_000_000)]

    key, value, told = quarantine.record(origin(came(b"k", b"{}", huge), "local"), REASON, "embed")

    assert (key, value) == (b"k", b"{}")
    assert sum(len(name) + len(data) for name, data in told) < 10_000
    assert quarantine.read(key, value, told)["truncated"] is True
