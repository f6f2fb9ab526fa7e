"""Daily roots: for each finished UTC day the head of the audit chain, stored in the graph and published once."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta

from graph.actions.link.cursor import LOG
from graph.domain.audit_root import Root, last_finished_day
from graph.domain.errors import Fenced
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import audit as queries
from graph.store.queries import ingest
from graph.store.session import Store, Tx


async def draw_next(store: Store, epoch: int, *, now: datetime) -> Root | None:
    """The root of the oldest finished day that had none; it is now in the graph and in the outbox.

    None if every finished day has one, or the audit is empty. A day without entries has a root too, so that a removed
    root leaves a gap. Raises Fenced if another link process holds the log.
    """
    if await store.read(lambda tx: _due(tx, now)) is None:
        return None

    async def work(tx: Tx, head: log.Head) -> Root | None:
        cursor = await tx.one(ingest.CURSOR, log=LOG)
        if cursor is None or cursor["epoch"] != epoch:
            raise Fenced("another link process has taken the gallery log over")
        day = await _due(tx, now)
        if day is None:
            return None
        root = await _draw(tx, day)
        await tx.do(queries.CREATE_ROOT, root={**asdict(root), "at": now.isoformat()})
        await log.append(tx, head, [], [Outgoing("root", root.date, root.body)])
        return root

    return await log.write(store, work)


async def all_roots(store: Store) -> list[Root]:
    """Every root, oldest first: one a day."""
    return [Root(**row) for row in await store.read(lambda tx: tx.rows(queries.ROOTS, after=-1, last=2**62))]


async def publish_again(store: Store, roots: Sequence[Root]) -> None:
    """Puts roots that their topic lacks into the outbox again."""

    async def work(tx: Tx, head: log.Head) -> None:
        await log.append(tx, head, [], [Outgoing("root", root.date, root.body) for root in roots])

    await log.write(store, work)


async def _due(tx: Tx, now: datetime) -> date | None:
    """The oldest finished day without a root: the day after the last root, else that of the audit's first entry."""
    last = await tx.one(queries.LAST_ROOT)
    if last is not None:
        day = date.fromisoformat(last["date"]) + timedelta(days=1)
    else:
        first = await tx.rows(queries.ENTRIES, after=0, limit=1)
        if not first:
            return None
        day = datetime.fromisoformat(first[0]["at"]).date()
    return day if day <= last_finished_day(now) else None


async def _draw(tx: Tx, day: date) -> Root:
    """The head at the day's end: the day's last entry, or the head of the root before if the day has none."""
    before = await tx.one(queries.LAST_ROOT) or {"seq": 0, "hash": ""}
    start, end = (datetime.combine(day + timedelta(days=n), time(), UTC).isoformat() for n in (0, 1))
    span = await tx.one(queries.SPAN, start=start, end=end)
    seq = (span or {}).get("last") or 0
    if seq <= before["seq"]:
        return Root(str(day), before["seq"], before["hash"], 0)
    rows = await tx.rows(queries.ENTRIES_UNTIL, after=seq - 1, last=seq, limit=1)
    return Root(str(day), seq, rows[0]["hash"], seq - before["seq"])
