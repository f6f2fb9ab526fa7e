"""The audit chain tells every gap, change, swap and cut in its middle."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import count

import pytest

from graph.domain.audit import Act, Entry, chain, content_digest, first_fault

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SALTS = map("{:032x}".format, count())


@pytest.fixture
def entries() -> list[Entry]:
    acts = [Act(AT, "anna@north", "face.seen", f"face:{number}", "a purpose") for number in range(5)]
    first = chain(acts[:2], 0, "0" * 64, salts=SALTS)
    return first + chain(acts[2:], first[-1].seq, first[-1].hash, salts=SALTS)


def test_a_chain_that_was_written_in_parts_is_whole(entries: list[Entry]) -> None:
    assert first_fault(entries) is None
    assert first_fault(entries[2:], 2, entries[1].hash) is None


def test_a_missing_entry_shows(entries: list[Entry]) -> None:
    assert first_fault(entries[:2] + entries[3:]) == "entry 3 is missing: entry 4 follows entry 2"
    assert first_fault(entries[1:]) == "entry 1 is missing: entry 2 follows entry 0"


@pytest.mark.parametrize("part", ["at", "actor", "action", "subject", "purpose", "digest", "salt"])
def test_a_changed_part_of_an_entry_shows(entries: list[Entry], part: str) -> None:
    entries[2] = replace(entries[2], **{part: "another"})

    assert first_fault(entries) == "entry 3 was changed"


def test_a_changed_entry_with_a_recomputed_hash_shows_in_the_next(entries: list[Entry]) -> None:
    (entries[2],) = chain([Act(AT, "ben@south", "face.seen", "face:2", "a purpose")], 2, entries[1].hash, salts=SALTS)

    assert first_fault(entries) == "entry 4 does not follow entry 3: the earlier entry was changed or replaced"


def test_entries_in_another_order_show(entries: list[Entry]) -> None:
    entries[1], entries[2] = entries[2], entries[1]

    assert first_fault(entries) is not None


def test_an_act_without_a_zone_in_its_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        chain([Act(AT.replace(tzinfo=None), "anna", "face.seen", "face:1")], 0, "0" * 64, salts=SALTS)


@pytest.mark.parametrize("action", ["viewed", "collected", "replay refused", "link.decided", ""])
def test_an_act_with_an_action_outside_the_list_is_refused(action: str) -> None:
    with pytest.raises(ValueError, match="AuditAction"):
        Act(AT, "anna", action, "face:1")


def test_times_are_kept_in_utc_so_that_their_text_sorts() -> None:
    (entry,) = chain(
        [Act(AT.astimezone(timezone(timedelta(hours=2))), "anna", "face.seen", "y")], 0, "0" * 64, salts=SALTS
    )

    assert entry.at == "2026-11-20T09:00:00+00:00"


def test_two_entries_of_one_content_have_different_digests() -> None:
    act = Act(AT, "anna", "face.seen", "face")
    first, second = chain([act, act], 0, "0" * 64, salts=SALTS)

    assert first.content != second.content


def test_a_digest_does_not_depend_on_the_order_of_the_keys() -> None:
    assert content_digest({"a": 1, "b": [2]}) == content_digest({"b": [2], "a": 1})
    assert content_digest({"a": 1}) != content_digest({"a": 2})
