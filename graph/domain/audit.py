"""The audit's hash chain: each entry carries the hash of the one before, so a gap or a change shows.

An entry's hash covers its number, the hash before it and the digest of its content. That digest can stand for a
content that is not shown (`audit_export`), because the entry's secret salt keeps anybody from guessing it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from graph.domain.audit_actions import AuditAction

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Act:
    """An act before it is in the chain: ids and digests only, no people's data.

    Raises ValueError for an action that is not in the list of audit actions.
    """

    at: datetime
    actor: str
    action: AuditAction
    subject: str
    purpose: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        AuditAction(self.action)


@dataclass(frozen=True, slots=True)
class Entry:
    """An act in the chain; `at` is ISO 8601 in UTC, so that its text sorts by time.

    `action` may be a former name of an action: entries of earlier releases keep theirs.
    """

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    purpose: str
    digest: str
    salt: str
    previous_hash: str
    hash: str

    @property
    def content(self) -> str:
        """The digest of all fields but number and hashes."""
        names = ("at", "actor", "action", "subject", "purpose", "digest", "salt")
        return content_digest({name: getattr(self, name) for name in names})


def content_digest(content: object) -> str:
    """The SHA-256 of the canonical JSON of an act's content: the entry proves the content without holding it."""
    return hashlib.sha256(canonical(content)).hexdigest()


def canonical(content: object) -> bytes:
    """The content as canonical JSON: sorted keys, no spaces, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=str).encode()


def entry_hash(seq: int, previous_hash: str, content: str) -> str:
    """The hash of entry `seq` with this content digest after an entry with `previous_hash`."""
    return content_digest({"seq": seq, "previous_hash": previous_hash, "content": content})


def chain(acts: Iterable[Act], seq: int, previous_hash: str, *, salts: Iterator[str]) -> list[Entry]:
    """The entries that follow entry `seq` with hash `previous_hash`, in the given order.

    `salts` gives each entry its own: at least 128 random bits.
    """
    entries: list[Entry] = []
    for act in acts:
        if act.at.tzinfo is None:
            raise ValueError("an audit entry needs an aware time")
        seq += 1
        at = act.at.astimezone(UTC).isoformat()
        body = {**asdict(act), "at": at, "action": str(act.action), "salt": next(salts)}
        unhashed = Entry(seq=seq, **body, previous_hash=previous_hash, hash="")
        previous_hash = entry_hash(seq, previous_hash, unhashed.content)
        entries.append(replace(unhashed, hash=previous_hash))
    return entries


def first_fault(entries: Sequence[Entry], seq: int = 0, previous_hash: str = GENESIS) -> str | None:
    """The first fault of the chain in a sentence, or None where it is whole."""
    for entry in entries:
        if entry.seq != seq + 1:
            return f"entry {seq + 1} is missing: entry {entry.seq} follows entry {seq}"
        if fault := entry_fault(entry, previous_hash):
            return fault
        seq, previous_hash = entry.seq, entry.hash
    return None


def entry_fault(entry: Entry, previous_hash: str) -> str | None:
    """The fault of an entry after one with `previous_hash` in a sentence, or None."""
    if entry_hash(entry.seq, entry.previous_hash, entry.content) != entry.hash:
        return f"entry {entry.seq} was changed"
    if entry.previous_hash != previous_hash:
        return f"entry {entry.seq} does not follow entry {entry.seq - 1}: the earlier entry was changed or replaced"
    return None
