"""Verifies an export of the audit line by line in bounded memory. Pure: lines in, a finding out."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from graph.domain.audit import GENESIS, Entry, canonical, entry_hash
from graph.domain.audit_actions import AuditAction
from graph.domain.audit_export import ChainPosition, ExportRequest, Header
from graph.domain.audit_root import GRACE, Root, contradiction, missing_days


@dataclass(slots=True)
class Finding:
    """What was found in a file; `fault` names the first thing that is wrong, None where nothing is."""

    fault: str | None = None
    header: Header | None = None
    last: int = 0
    shown: int = 0
    left_out: int = 0
    roots: list[Root] = field(default_factory=list[Root])
    """The roots that were compared and agree."""
    later: list[Root] = field(default_factory=list[Root])
    """Roots of days after the export, which say nothing of it."""
    earlier: list[Root] = field(default_factory=list[Root])
    """Roots of what lies before the file's first entry."""
    days_without: list[str] = field(default_factory=list[str])


class _Broken(Exception):
    """The first fault, in a sentence."""


class _Anchors:
    """Compares the entries that roots name, as they pass."""

    def __init__(self, found: Finding, roots: Sequence[Root] | None) -> None:
        assert found.header is not None
        self._found = found
        self._given = roots is not None
        self._due: dict[int, list[Root]] = {}
        self._fits = found.header.start.seq
        if wrong := contradiction(roots or ()):
            raise _Broken(wrong)
        found.days_without = missing_days(roots or ())
        made = str((datetime.fromisoformat(found.header.asked.at) - GRACE).date())
        for root in sorted(roots or (), key=lambda root: root.date):
            if root.seq < found.header.start.seq or root.seq == 0:
                found.earlier.append(root)
            elif root.seq <= found.header.head.seq:
                self._due.setdefault(root.seq, []).append(root)
            elif root.date >= made:
                found.later.append(root)
            else:
                raise _Broken(
                    f"the end is cut: the root of {root.date} names entry {root.seq}, the file of {made} ends at entry "
                    f"{found.header.head.seq}"
                )

    def passed(self, seq: int, entry_hash: str) -> None:
        for root in self._due.pop(seq, ()):
            if root.hash != entry_hash:
                raise _Broken(
                    f"the chain was forged: entry {seq} is not the one that the root of {root.date} names, so an entry "
                    f"from {min(self._fits + 1, seq)} to {seq} was changed and all behind it hashed anew"
                )
            self._found.roots.append(root)
            self._fits = seq

    def finish(self) -> None:
        if self._given and not self._found.roots:
            raise _Broken("no root names an entry of this file: the anchor proves nothing of it")


def verify(lines: Iterable[bytes], roots: Sequence[Root] | None = None) -> Finding:
    """What an export proves, read line by line in bounded memory; with `roots` also that they name its entries.

    Finds any entry that is missing, changed, doubled or in another place, a cut at either end, a changed header,
    and, through the roots, a chain that was hashed anew.
    """
    found = Finding()
    try:
        rest = iter(lines)
        found.header = _header(next(rest, b""))
        anchors = _Anchors(found, roots)
        _chain(found, found.header, rest, anchors)
        anchors.finish()
    except _Broken as broken:
        found.fault = str(broken)
    return found


def _header(line: bytes) -> Header:
    try:
        body = json.loads(line)
        head = Header(
            ExportRequest(**body["asked"]),
            ChainPosition(**body["from"]),
            ChainPosition(**body["head"]),
            body["entries"],
            body["shown"],
        )
        numbers = (head.start.seq, head.head.seq, head.entries, head.shown)
        aware = datetime.fromisoformat(head.asked.at).tzinfo is not None
        whole = head.line == line and aware and all(type(number) is int for number in numbers)
    except (ValueError, TypeError, KeyError):
        raise _Broken("the first line is not the header of an export") from None
    if not whole:
        raise _Broken("the header was changed: it is not as an export writes it")
    if (head.start.seq == 0) != (head.start.hash == GENESIS):
        raise _Broken("the header was changed: only the chain's first entry follows no other")
    if head.asked.kind != "period" and head.start.seq != 0:
        raise _Broken(f"the beginning is cut: entries 1 to {head.start.seq} are missing, only a period may begin later")
    return head


def _chain(found: Finding, header: Header, lines: Iterator[bytes], anchors: _Anchors) -> None:
    found.last, previous = header.start.seq, header.start.hash
    anchors.passed(found.last, previous)
    own: Entry | None = None
    for number, line in enumerate(lines, 2):
        item = _item(line, number, found.last)
        seq: int = item["seq"]
        if seq <= found.last:
            raise _Broken(f"entry {seq} stands a second time, or out of its place, behind entry {found.last}")
        if seq > found.last + 1:
            raise _Broken(_not_here(found.last + 1, seq, lines))
        if seq > header.head.seq:
            raise _Broken(f"entry {seq} stands behind entry {header.head.seq}, with which the header ends the file")
        own = None
        if "content" in item:
            found.left_out += 1
            previous = _left_out(item, previous)
            if header.asked.kind == "chain":
                raise _Broken(f"entry {seq} is left out of an export of the whole chain")
        else:
            found.shown += 1
            own = _entry(item, previous)
            previous = own.hash
        found.last = seq
        anchors.passed(seq, previous)
    _end(found, header, previous, own)


def _item(line: bytes, number: int, last: int) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise _Broken(f"the file is cut in the middle of line {number}, where entry {last + 1} should stand")
    try:
        item = json.loads(line)
        if canonical(item) + b"\n" == line and set(item) in _SHAPES and type(item["seq"]) is int:
            return item
    except (ValueError, TypeError, RecursionError):
        pass
    raise _Broken(f"line {number} was changed: no entry reads so, where entry {last + 1} should stand")


_SHAPES: Final = ({part.name for part in fields(Entry)}, {"seq", "content", "hash"})


def _entry(item: dict[str, Any], previous: str) -> Entry:
    entry = Entry(**item)
    if entry_hash(entry.seq, entry.previous_hash, entry.content) != entry.hash:
        raise _Broken(f"entry {entry.seq} was changed: what it says does not give its hash")
    if entry.previous_hash != previous:
        raise _Broken(
            f"entry {entry.seq} does not follow entry {entry.seq - 1}: entry {entry.seq - 1} was replaced, or changed "
            "and hashed anew"
        )
    return entry


def _left_out(item: dict[str, Any], previous: str) -> str:
    if entry_hash(item["seq"], previous, item["content"]) != item["hash"]:
        raise _Broken(f"entry {item['seq']} (left out) was changed, or entry {item['seq'] - 1} before it was replaced")
    return item["hash"]


def _not_here(wanted: int, instead: int, rest: Iterator[bytes]) -> str:
    """Whether the wanted entry is gone or stands further on."""
    for line in rest:
        try:
            stands_later = json.loads(line)["seq"] == wanted
        except (ValueError, TypeError, KeyError):
            continue
        if stands_later:
            return f"the order was changed: entry {wanted} stands behind entry {instead}"
    gone = f"entry {wanted} is" if instead == wanted + 1 else f"entries {wanted} to {instead - 1} are"
    return f"{gone} missing: entry {instead} follows entry {wanted - 1}"


def _end(found: Finding, header: Header, last_hash: str, own: Entry | None) -> None:
    if found.last < header.head.seq:
        raise _Broken(f"the end is cut: entries {found.last + 1} to {header.head.seq} are missing")
    if last_hash != header.head.hash:
        raise _Broken(f"entry {found.last} is not the one that the header names: the header or the entry was replaced")
    if (found.shown + found.left_out, found.shown) != (header.entries, header.shown):
        raise _Broken("the header was changed: it counts other entries than the file holds")
    if own is None or own.action != AuditAction.AUDIT_EXPORTED.value or own.digest != header.asked.digest:
        raise _Broken(f"entry {found.last} is not the record of this export: the end is cut, or the header was changed")
