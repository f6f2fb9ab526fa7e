"""Every look at people's data becomes an audit entry before its answer leaves: no unlogged look.

Looks are written in groups, because each write takes the one audit head: a group is whatever came while the last
one was written, so that nobody waits for company. One transaction writes it, and every answer waits for its group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from graph.domain import audit
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import StoreUnavailable
from graph.domain.people import Person
from graph.store import log
from graph.store.session import Store, Tx

GROUP_LIMIT = 500
"""Looks in one transaction, so that one group never holds the audit head for long."""


@dataclass(frozen=True, slots=True)
class Look:
    """That a person looks, for a stated purpose, at an aware UTC time."""

    person: Person
    purpose: str
    at: datetime

    def act(self, action: AuditAction, subject: str, *, shown: Sequence[str] = ()) -> audit.Act:
        """The entry to be: `shown` are the ids that the answer holds; only their digest is kept."""
        return audit.Act(
            at=self.at,
            actor=self.person.actor,
            action=action,
            subject=subject,
            purpose=self.purpose,
            digest=audit.content_digest(list(shown)) if shown else "",
        )


class Views:
    """Collects looks and writes them in groups; build it inside the running loop, close it before the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[audit.Act, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(self, act: audit.Act) -> None:
        """Returns when the entry is committed; raises what kept it from being written."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((act, written))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_groups())
        await written

    async def close(self) -> None:
        """Returns when every look collected so far is written or has failed."""
        if self._writer is not None:
            await self._writer

    async def _write_groups(self) -> None:
        alone = 0  # so many of those that wait were in a group that failed: each is written by itself
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
            for _, written in self._waiting:  # only where the writer itself was ended
                written.cancel()
            self._waiting = []

    async def _write(self, group: list[tuple[audit.Act, asyncio.Future[None]]]) -> bool:
        """Whether each is to be written by itself: one entry that fails is no reason to refuse others their look."""
        acts = [act for act, _ in group]

        async def work(tx: Tx) -> None:
            await log.append(tx, await log.lock_head(tx), acts)

        failure: BaseException | None = None
        try:
            await self._store.write(work)
        except BaseException as error:  # noqa: BLE001 - whatever happened, cancellation too, nobody waits for ever
            failure = error
        # Where Neo4j is away it is so for each of them.
        if len(group) > 1 and isinstance(failure, Exception) and type(failure) is not StoreUnavailable:
            return True
        for _, written in group:
            if written.done():
                continue  # the caller went away; its look is logged all the same
            if failure is None:
                written.set_result(None)
            elif isinstance(failure, asyncio.CancelledError):
                written.cancel()
            else:
                written.set_exception(failure)
        if failure is not None and not isinstance(failure, Exception):
            raise failure
        return False
