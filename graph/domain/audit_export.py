"""The format of exports of the audit; `audit_verify` checks such a file.

An export is JSON Lines, each line in canonical form (sorted keys, no spaces, ASCII, one newline):

    {"asked": {...}, "entries": n, "format": "redthread-audit-export/1", "from": {...}, "head": {...}, "shown": k}
    {"action": ..., "actor": ..., "at": ..., ..., "hash": ..., "previous_hash": ..., "salt": ..., "seq": ...}
    {"content": ..., "hash": ..., "seq": ...}

The first line, padded with spaces to HEADER_BYTES, says what was asked for, behind which entry the file begins
(`from`) and with which it ends (`head`), each by number and hash. An entry that was not asked for is left out: in its
place stands the digest of its content. Since the hash of an entry is made of its number, the hash before and that
digest, the chain is proved from end to end, and every shown entry with it.

What a line that leaves out an entry can't prove: what the entry says, or that it was rightly left out. Who doubts
that needs the whole chain. The last entry is the record of the export itself, whose digest covers what was asked for,
by whom and when.
"""

from dataclasses import asdict, dataclass
from typing import Final, Literal

from graph.domain.audit import Entry, canonical, content_digest

FORMAT: Final = "redthread-audit-export/1"
HEADER_BYTES: Final = 4096
"""The header's length without its newline: it is written last, in front of what it counts."""
LINE_LIMIT: Final = 65_536
"""Bytes of the longest line; an entry holds ids, digests and a purpose of 200 characters."""

Kind = Literal["chain", "period", "person", "victim"]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What an export is to hold, who asked for it and why: `value` is a period `FROM/TO`, an actor or a victim id."""

    kind: Kind
    value: str
    by: str
    at: str
    purpose: str

    @property
    def digest(self) -> str:
        """What the export's own entry keeps of it."""
        return content_digest(asdict(self))


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """An entry by its number and hash."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Header:
    asked: ExportRequest
    start: ChainPosition
    """The entry before the first in the file."""
    head: ChainPosition
    entries: int
    shown: int

    @property
    def line(self) -> bytes:
        body = {
            "format": FORMAT,
            "asked": asdict(self.asked),
            "from": asdict(self.start),
            "head": asdict(self.head),
            "entries": self.entries,
            "shown": self.shown,
        }
        return canonical(body).ljust(HEADER_BYTES) + b"\n"


def entry_line(entry: Entry, *, shown: bool) -> bytes:
    """The line of an entry; where it is not shown, only its number and digests."""
    said = asdict(entry) if shown else {"seq": entry.seq, "content": entry.content, "hash": entry.hash}
    return canonical(said) + b"\n"
