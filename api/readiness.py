"""Whether the service can serve, checked over a connection and thread of its own, which requests cannot delay."""

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from api.sign_in.tokens import SignIn
from graph.actions.read.counts import missing_migrations
from graph.domain.errors import MediaStoreUnavailable, RedthreadError
from graph.files import MediaStore
from graph.store.session import Store

PATIENCE_SECONDS: Final = 5.0
"""Limit of each check: far more than it takes under any load, since nothing else uses its connection and thread."""
FRESH_SECONDS: Final = 1.0
"""How long a result is reused, whatever the number of requests."""
READY: Final = "ready"


class Readiness:
    """Checks graph, media store and sign-in. `store` is used by nothing else; the owner closes it."""

    def __init__(
        self,
        store: Store,
        files: MediaStore,
        sign_in: SignIn,
        *,
        patience: float = PATIENCE_SECONDS,
        fresh: float = FRESH_SECONDS,
    ) -> None:
        self._store = store
        self._files = files
        self._sign_in = sign_in
        self._patience = patience
        self._fresh = fresh
        self._thread = ThreadPoolExecutor(1, "readiness")
        self._checking: asyncio.Task[dict[str, str]] | None = None
        self._checked_at = 0.0

    async def parts(self) -> dict[str, str]:
        """The state of each part by name: READY, or a sentence that says what is wrong."""
        checking = self._checking
        if checking is None or (checking.done() and time.monotonic() - self._checked_at > self._fresh):
            checking = self._checking = asyncio.create_task(self._check(), name="readiness")
        return dict(await asyncio.shield(checking))

    async def close(self) -> None:
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.gather(self._checking, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _check(self) -> dict[str, str]:
        graph, media, sign_in = await asyncio.gather(
            self._within(self._graph(), "Neo4j does not answer"),
            self._within(self._media(), "the media store cannot be written"),
            self._within(self._keys(), "the keys of the sign-in service cannot be fetched"),
        )
        self._checked_at = time.monotonic()
        return {"graph": graph, "media_store": media, "sign_in": sign_in}

    async def _within(self, check: Coroutine[Any, Any, str], failure: str) -> str:
        try:
            async with asyncio.timeout(self._patience):
                return await check
        except (RedthreadError, TimeoutError):
            return failure

    async def _graph(self) -> str:
        await self._store.ping()  # a read would be retried until the time limit
        missing = await missing_migrations(self._store)
        return f"migrations are not applied: {', '.join(missing)}" if missing else READY

    async def _media(self) -> str:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._files.check_writable)
        except MediaStoreUnavailable as error:
            return error.message
        except Exception:  # noqa: BLE001 - every file system has errors of its own, and each means the same here
            return "the media store cannot be written"
        return READY

    async def _keys(self) -> str:
        await self._sign_in.check()
        return READY
