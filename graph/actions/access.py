"""Who acts in the graph, and the rule that every access to people's data is an audit entry before its answer leaves.

Entries are written in groups, because each write locks the one audit head. A group is whatever arrived while the last
one was written, so no request waits for others to arrive. Every answer waits for the transaction of its group.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from graph.domain import audit
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, StoreUnavailable
from graph.domain.people import Maker, Permission, Person
from graph.store import log
from graph.store.session import Store, Tx

GROUP_LIMIT = 500
"""Entries in one transaction, so that one group never holds the audit head for long."""


class AccessLog:
    """Writes access events in groups. Build it inside the running loop and close it before the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[audit.Act, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(self, act: audit.Act) -> None:
        """Returns when the entry is committed; raises the error that prevented it."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((act, written))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_groups())
        await written

    async def close(self) -> None:
        """Returns when every entry collected so far is written or has failed."""
        if self._writer is not None:
            await self._writer

    async def _write_groups(self) -> None:
        alone = 0  # how many of the waiting entries were in a failed group: each of them is written by itself
        try:
            while self._waiting:
                size = 1 if alone else GROUP_LIMIT
                group, self._waiting = self._waiting[:size], self._waiting[size:]
                alone = max(alone - 1, 0)
                if await self._write(group):
                    self._waiting = [*group, *self._waiting]
                    alone = len(group)
        finally:
            self._writer = None
            for _, written in self._waiting:  # only if the writer itself was cancelled
                written.cancel()
            self._waiting = []

    async def _write(self, group: list[tuple[audit.Act, asyncio.Future[None]]]) -> bool:
        """Whether to write each entry by itself: one that fails must not fail the others of its group."""
        acts = [act for act, _ in group]

        async def work(tx: Tx) -> None:
            await log.append(tx, await log.lock_head(tx), acts)

        failure: BaseException | None = None
        try:
            await self._store.write(work)
        except BaseException as error:  # noqa: BLE001 - after any error, cancellation too, no caller may wait forever
            failure = error
        # While Neo4j is unavailable, writing each by itself would fail alike.
        if len(group) > 1 and isinstance(failure, Exception) and type(failure) is not StoreUnavailable:
            return True
        for _, written in group:
            if written.done():
                continue  # the caller was cancelled; its access is logged all the same
            if failure is None:
                written.set_result(None)
            elif isinstance(failure, asyncio.CancelledError):
                written.cancel()
            else:
                written.set_exception(failure)
        if failure is not None and not isinstance(failure, Exception):
            raise failure
        return False


@dataclass(frozen=True, slots=True)
class Access:
    """A person reads or changes the graph for a stated purpose at an aware UTC time."""

    store: Store
    log: AccessLog
    person: Person
    purpose: str
    at: datetime

    def act(self, action: AuditAction, subject: str, *, digest: str = "", purpose: str = "") -> audit.Act:
        """The audit entry of what the person does; `purpose` is one that the request itself states."""
        return audit.Act(self.at, self.person.actor, action, subject, purpose or self.purpose, digest)

    def made_under(self, permission: Permission) -> dict[str, str | None]:
        """The maker of a decision under this permission, and its time, as fields of an act in the graph."""
        maker = Maker.of(self.person, permission)
        return {"by": maker.actor, "role": maker.role, "district": maker.district, "at": self.at.isoformat()}

    async def record(self, action: AuditAction, subject: str, *, shown: Sequence[str] = ()) -> None:
        """Returns when the audit has this read. `shown` are the ids in the answer; only their digest is stored."""
        digest = audit.content_digest(list(shown)) if shown else ""
        await self.log.record(self.act(action, subject, digest=digest))


async def record_miss(access: Access, request: str, path: str) -> None:
    """Returns when the audit holds the kind of request and the digest of its path, for a request that found nothing.

    Many misses by one person indicate a search for valid ids.
    """
    await access.record(AuditAction.ACCESS_MISSED, request, shown=[path])


async def disclose(access: Access, request: str, path: str, refused: Conflict) -> Conflict:
    """The refusal with the current state, once the audit has it; without a stated purpose the bare refusal."""
    if not refused.current or not access.purpose:
        return Conflict(refused.message, code=refused.code)
    await access.record(AuditAction.ACCESS_REFUSED, request, shown=[path, refused.disclosed])
    return Conflict(refused.disclosed, code=refused.code, current=refused.current)
