"""An audit of three days and its exports: what `audit verify` is tested on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from graph.domain.audit import GENESIS, Act, Entry, chain
from graph.domain.audit_actions import AuditAction
from graph.domain.audit_export import ChainPosition, ExportRequest, Header, entry_line
from graph.domain.audit_root import Root

DAY = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
PEOPLE = ("anna@north", "ben@south", "link")
SALTS = map("{:032x}".format, count())
N = 24
"""Entries, eight a day from the 18th on; the export's own is the one behind them."""
PERSON = ExportRequest("person", "anna@north", "audrey", (DAY + timedelta(days=3)).isoformat(), "complaint 7")
CHAIN = replace(PERSON, kind="chain", value="")
PERIOD = replace(PERSON, kind="period", value="2026-11-19T00:00:00+00:00/2026-11-20T00:00:00+00:00")


def acts(asked: ExportRequest) -> list[Act]:
    made = [Act(DAY + timedelta(days=n // 8, minutes=n), PEOPLE[n % 3], "face.seen", f"face{n}", "p") for n in range(N)]
    exported = Act(DAY + timedelta(days=3), "audrey", AuditAction.AUDIT_EXPORTED, "audit", asked.purpose, asked.digest)
    return [*made, exported]


def export(asked: ExportRequest, entries: list[Entry], start: int = 0) -> list[bytes]:
    kept = entries[start:]
    shown = [asked.kind == "chain" or entry.actor == asked.value or entry is kept[-1] for entry in kept]
    before = ChainPosition(start, entries[start - 1].hash if start else GENESIS)
    header = Header(asked, before, ChainPosition(kept[-1].seq, kept[-1].hash), len(kept), sum(shown))
    return [header.line, *(entry_line(entry, shown=one) for entry, one in zip(kept, shown, strict=True))]


def roots_of(entries: list[Entry]) -> list[Root]:
    return [Root(str((DAY + timedelta(days=n)).date()), 8 * n + 8, entries[8 * n + 7].hash, 8) for n in range(3)]


ENTRIES = {asked.kind: chain(acts(asked), 0, GENESIS, salts=SALTS) for asked in (CHAIN, PERSON, PERIOD)}
LINES = {"chain": export(CHAIN, ENTRIES["chain"]), "person": export(PERSON, ENTRIES["person"])}
ROOTS = {kind: roots_of(entries) for kind, entries in ENTRIES.items()}


def forged(kind: str, at: int) -> list[bytes]:
    """An export of a chain in which entry `at` tells something else and everything behind it is hashed anew."""
    asked = CHAIN if kind == "chain" else PERSON
    told = acts(asked)
    told[at - 1] = replace(told[at - 1], subject="another")
    entries = ENTRIES[kind][: at - 1]
    last = entries[-1].hash if entries else GENESIS
    return export(asked, entries + chain(told[at - 1 :], at - 1, last, salts=SALTS))
