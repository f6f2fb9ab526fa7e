"""The audit's hash chain: each entry carries the hash of the one before, so a gap or a change shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did, before it has a place in the chain: ids and digests only, no people's data."""

    at: datetime
    actor: str
    action: str
    subject: str
    purpose: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    seq: int
    at: str
    actor: str
    action: str
    subject: str
    purpose: str
    digest: str
    previous_hash: str
    hash: str


def content_digest(content: object) -> str:
    """The SHA-256 of the canonical JSON of what was done, so that the entry proves it without telling it."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def chain(acts: Iterable[Act], seq: int, previous_hash: str) -> list[Entry]:
    """The entries that follow entry `seq` with hash `previous_hash`, in the given order."""
    entries: list[Entry] = []
    for act in acts:
        if act.at.tzinfo is None:
            raise ValueError("an audit entry needs an aware time")
        seq += 1
        body: dict[str, Any] = {**asdict(act), "at": act.at.isoformat(), "seq": seq, "previous_hash": previous_hash}
        previous_hash = content_digest(body)
        entries.append(Entry(**body, hash=previous_hash))
    return entries


def first_fault(entries: Sequence[Entry], seq: int = 0, previous_hash: str = GENESIS) -> str | None:
    """What is wrong with the first entry that breaks the chain, or None where it is whole."""
    for entry in entries:
        if entry.seq != seq + 1:
            return f"entry {seq + 1} is missing: entry {entry.seq} follows entry {seq}"
        if entry.previous_hash != previous_hash:
            return f"entry {entry.seq} does not follow entry {seq}: the earlier entry was changed or replaced"
        body = {key: value for key, value in asdict(entry).items() if key != "hash"}
        if content_digest(body) != entry.hash:
            return f"entry {entry.seq} was changed"
        seq, previous_hash = entry.seq, entry.hash
    return None
