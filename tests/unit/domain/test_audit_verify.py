"""An export tells every change, removal, swap and cut, and names the place; with roots, a chain hashed anew."""

import json
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.audit import GENESIS, chain
from graph.domain.audit_export import HEADER_BYTES, ChainPosition, Header, entry_line
from graph.domain.audit_root import Root
from graph.domain.audit_verify import verify
from tests.support.factories_audit import (
    CHAIN,
    ENTRIES,
    LINES,
    PERIOD,
    PERSON,
    ROOTS,
    SALTS,
    N,
    acts,
    export,
    forged,
    roots_of,
)

KINDS = pytest.mark.parametrize("kind", LINES)


def fault(lines: list[bytes], roots: list[Root] | None = None) -> str:
    return verify(lines, roots).fault or "nothing"


@KINDS
def test_a_whole_export_is_whole(kind: str) -> None:
    found = verify(LINES[kind], ROOTS[kind])

    assert found.fault is None
    assert (found.last, len(found.roots)) == (N + 1, 3)
    assert (found.shown, found.left_out) == ((N + 1, 0) if kind == "chain" else (9, 16))


def test_an_export_of_a_period_may_begin_in_the_middle_of_the_chain() -> None:
    entries = ENTRIES["period"]

    found = verify(export(PERIOD, entries, 9), ROOTS["period"])

    assert found.fault is None
    assert [root.date for root in found.earlier] == ["2026-11-18"]
    assert fault(export(PERSON, ENTRIES["person"], 9)).startswith("the beginning is cut: entries 1 to 9 are missing")


def test_what_is_left_out_can_be_neither_read_nor_guessed() -> None:
    act = acts(PERSON)[1]
    for salts in ("a", "b"):
        (entry,) = chain([act], 0, GENESIS, salts=iter([salts]))
        assert set(json.loads(entry_line(entry, shown=False))) == {"seq", "content", "hash"}
    contents = {chain([act], 0, GENESIS, salts=iter([salt]))[0].content for salt in ("a", "b")}
    assert len(contents) == 2


@given(kind=st.sampled_from(sorted(LINES)), data=st.data())
def test_a_removed_line_is_named(kind: str, data: st.DataObject) -> None:
    gone = data.draw(st.integers(1, N + 1))
    lines = LINES[kind][:gone] + LINES[kind][gone + 1 :]

    expected = f"the end is cut: entries {gone} to {gone}" if gone == N + 1 else f"entry {gone} is missing"
    assert fault(lines).startswith(expected)


@given(kind=st.sampled_from(sorted(LINES)), data=st.data())
def test_two_swapped_lines_are_named(kind: str, data: st.DataObject) -> None:
    a = data.draw(st.integers(1, N))
    b = data.draw(st.integers(a + 1, N + 1))
    lines = list(LINES[kind])
    lines[a], lines[b] = lines[b], lines[a]

    assert fault(lines) == f"the order was changed: entry {a} stands behind entry {b}"


@given(kind=st.sampled_from(sorted(LINES)), data=st.data())
def test_a_doubled_line_is_named(kind: str, data: st.DataObject) -> None:
    one, behind = data.draw(st.integers(1, N + 1)), data.draw(st.integers(1, N + 1))
    lines = list(LINES[kind])
    lines.insert(max(one, behind) + 1, lines[one])

    assert fault(lines).startswith(f"entry {one} stands a second time")


@given(kind=st.sampled_from(sorted(LINES)), data=st.data())
def test_a_cut_at_any_byte_is_found(kind: str, data: st.DataObject) -> None:
    whole = b"".join(LINES[kind])
    cut = data.draw(st.integers(0, len(whole) - 1))

    found = fault(whole[:cut].splitlines(keepends=True))

    if cut <= HEADER_BYTES:
        assert found.startswith(("the first line is not the header", "the header was changed"))
    else:
        whole_lines = whole[:cut].count(b"\n")
        assert found.startswith(("the end is cut", f"the file is cut in the middle of line {whole_lines + 1}"))
        assert str(whole_lines) in found


@given(kind=st.sampled_from(sorted(LINES)), first=st.integers(2, N + 1))
def test_a_cut_beginning_is_named(kind: str, first: int) -> None:
    gone = "entry 1 is" if first == 2 else f"entries 1 to {first - 1} are"
    assert fault([LINES[kind][0], *LINES[kind][first:]]) == f"{gone} missing: entry {first} follows entry 0"


@given(kind=st.sampled_from(sorted(LINES)), data=st.data())
def test_any_changed_byte_of_any_line_is_found_and_its_entry_named(kind: str, data: st.DataObject) -> None:
    line = data.draw(st.integers(1, N + 1))
    at = data.draw(st.integers(0, len(LINES[kind][line]) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte not in (LINES[kind][line][at], 10)))
    changed = bytearray(LINES[kind][line])
    changed[at] = other

    found = fault([*LINES[kind][:line], bytes(changed), *LINES[kind][line + 1 :]])

    named = {int(number) for number in re.findall(r"(?:entry|entries|to) (\d+)", found)}
    assert found != "nothing"
    assert line in named, found


@given(kind=st.sampled_from(sorted(LINES)), data=st.data())
def test_any_changed_byte_of_the_header_is_found(kind: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, HEADER_BYTES - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte not in (LINES[kind][0][at], 10)))
    changed = bytearray(LINES[kind][0])
    changed[at] = other

    assert fault([bytes(changed), *LINES[kind][1:]]) != "nothing"


@KINDS
def test_every_part_of_the_header_is_proved_even_where_it_is_written_well(kind: str) -> None:
    entries, asked = ENTRIES[kind], CHAIN if kind == "chain" else PERSON
    start, head = ChainPosition(0, GENESIS), ChainPosition(N + 1, entries[-1].hash)
    shown = N + 1 if kind == "chain" else 9
    true = Header(asked, start, head, N + 1, shown)
    assert fault([true.line, *LINES[kind][1:]]) == "nothing"
    for header in [
        *(
            replace(true, asked=replace(asked, **{name: "2026-01-01T00:00:00+00:00"}))
            for name in ("value", "by", "at", "purpose")
        ),
        replace(true, start=ChainPosition(1, entries[0].hash)),
        replace(true, head=ChainPosition(N, entries[N - 1].hash)),
        replace(true, head=ChainPosition(N + 2, head.hash)),
        replace(true, entries=N),
        replace(true, shown=shown - 1),
    ]:
        assert fault([header.line, *LINES[kind][1:]]) != "nothing"


def test_a_tail_that_is_cut_with_a_fitting_header_lacks_the_record_of_the_export() -> None:
    entries = ENTRIES["chain"][:-4]

    assert fault(export(CHAIN, entries)).startswith(f"entry {N - 3} is not the record of this export")


@given(kind=st.sampled_from(sorted(LINES)), at=st.integers(1, N))
def test_a_recomputed_chain_shows_at_the_next_root_and_only_there(kind: str, at: int) -> None:
    lines = forged(kind, at)

    assert fault(lines) == "nothing"
    root = (at + 7) // 8 * 8
    assert fault(lines, ROOTS[kind]).startswith(f"the chain was forged: entry {root} is not the one that the root of ")
    assert f"an entry from {root - 7} to {root} was changed" in fault(lines, ROOTS[kind])


def test_a_shorter_chain_than_a_root_of_before_shows() -> None:
    asked = CHAIN
    entries = chain([*acts(asked)[: N - 8], acts(asked)[-1]], 0, GENESIS, salts=SALTS)
    roots = roots_of(ENTRIES["chain"])

    assert fault(export(asked, entries)) == "nothing"
    assert fault(export(asked, entries), roots[2:]).startswith("the end is cut: the root of 2026-11-20 names entry 24")


def test_roots_of_days_after_the_export_say_nothing_of_it() -> None:
    later = Root("2026-11-21", 99, "0" * 64, 75)

    found = verify(LINES["chain"], [*ROOTS["chain"], later])

    assert (found.fault, found.later) == (None, [later])


def test_an_anchor_that_names_no_entry_of_the_file_proves_nothing_and_says_so() -> None:
    assert fault(LINES["chain"], [Root("2027-01-01", 99, "0" * 64, 1)]).startswith("no root names an entry")


def test_roots_that_contradict_each_other_are_reported() -> None:
    first, second, third = ROOTS["chain"]
    for roots in ([first, replace(second, seq=7)], [first, replace(second, count=3)], [first, first, third]):
        assert "2026-11-18" in fault(LINES["chain"], roots) or "2026-11-19" in fault(LINES["chain"], roots)


def test_a_day_without_a_root_is_reported() -> None:
    assert verify(LINES["chain"], [ROOTS["chain"][0], ROOTS["chain"][2]]).days_without == ["2026-11-19"]


def long_export(count: int) -> Iterator[bytes]:
    """An export of `count` entries that is never whole in memory; its header is wrong, which shows at the end only."""
    yield Header(CHAIN, ChainPosition(0, GENESIS), ChainPosition(count, GENESIS), count, count).line
    last = GENESIS
    for seq in range(0, count, 100):
        page = chain([acts(CHAIN)[0]] * 100, seq, last, salts=SALTS)
        last = page[-1].hash
        yield from (entry_line(entry, shown=True) for entry in page)


def test_a_long_export_is_read_to_its_end_in_little_memory() -> None:
    tracemalloc.start()
    try:
        found = verify(long_export(4_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found.fault == "entry 4000 is not the one that the header names: the header or the entry was replaced"
    assert peak < 1_000_000
