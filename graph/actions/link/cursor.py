"""The cursor: how far of the gallery log the graph holds, which link process may write, and the register's score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.domain.errors import LogGap
from graph.store import log
from graph.store.queries import ingest as queries
from graph.store.queries import models
from graph.store.session import Row, Store, Tx

LOG: Final = "redthread.gallery.v1"


@dataclass(frozen=True, slots=True)
class RecordId:
    """Identifies a record of the log beside its offset: its `ce_id` and the SHA-256 of its value."""

    ce_id: str
    digest: str


UNKNOWN: Final = RecordId("", "")
"""A record that the log does not hold any more, so nothing can be compared with it."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last record of the gallery log that is in the graph, and the register's model.

    `model_id` and `score_id` are the register's model and calibration since the record at `model_since`. Both are None
    until link first runs on the graph; `score_id` also where only an older release has run.

    `ce_id` and `digest` identify the record at `offset`: None where an older release moved the cursor, empty where a
    person set it (`redthread restore`). `broken` is the reason why the log is not the one that the graph was written
    from; the repair clears it.
    """

    offset: int
    epoch: int
    log_id: str | None
    model_id: str | None
    score_id: str | None
    model_since: int
    ce_id: str | None = None
    digest: str | None = None
    broken: str | None = None

    @property
    def record(self) -> RecordId | None:
        """The record at `offset`, where it is known."""
        return RecordId(self.ce_id, self.digest) if self.ce_id is not None and self.digest else None


async def read_cursor(store: Store) -> Cursor:
    """The cursor as the graph holds it."""
    row = await store.read(lambda tx: tx.one(queries.CURSOR, log=LOG))
    if row is None:
        raise RuntimeError("the graph has no cursor: run the migrations")
    return Cursor(**row)


async def raise_epoch(store: Store, log_id: str, model_id: str) -> Cursor:
    """The cursor with a new epoch: from now on only its holder may write, for this Kafka topic id.

    A register without a model gets `model_id`. Raises LogGap while the cursor is marked as broken.
    """

    async def work(tx: Tx) -> Row | None:
        await log.lock_head(tx)
        return await tx.one(queries.RAISE_EPOCH, log=LOG, log_id=log_id, model_id=model_id)

    row = await store.write(work)
    if row is None:
        found = await read_cursor(store)
        raise LogGap(found.broken or "the graph has no cursor: run the migrations")
    return Cursor(**row)


async def mark_broken(store: Store, reason: str, *, now: datetime) -> None:
    """Prevents every link process from writing until a person has run the repair; the first reason is kept."""
    await store.write(lambda tx: tx.do(queries.MARK_BROKEN, log=LOG, reason=reason, now=now.isoformat()))


async def adopt_record(store: Store, offset: int, record: RecordId | None) -> None:
    """Stores the record id of a cursor that an older release moved; None where the log no longer holds the record."""
    known = record or UNKNOWN
    await store.write(
        lambda tx: tx.do(queries.ADOPT_RECORD, log=LOG, offset=offset, ce_id=known.ce_id, digest=known.digest)
    )


async def calibration(store: Store) -> str | None:
    """The calibration that compares the register's faces, as text; None until a link of this release has run."""
    row = await store.read(lambda tx: tx.one(models.CALIBRATION, log=LOG))
    return row["calibration"] if row else None


async def adopt_calibration(store: Store, epoch: int, score_id: str, text: str) -> None:
    """Stores the calibration of a register that has none, if the link process of this epoch still holds the log."""
    await store.write(
        lambda tx: tx.do(models.ADOPT_CALIBRATION, log=LOG, epoch=epoch, score_id=score_id, calibration=text)
    )


async def has_faces(store: Store) -> bool:
    """Whether the register holds a face."""
    row = await store.read(lambda tx: tx.one(models.FACES))
    return row is not None and row["number"] > 0
