"""Runs the relay's work through failures: an error that left a task of the relay would end all of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from graph.domain.errors import StoreUnavailable
from streams.process import Watchdog, describe_failure

log = logging.getLogger(__name__)
RETRY_S: Final = 1.0


async def attempt(work: Callable[[], Awaitable[Any]], watchdog: Watchdog, *, until_done: bool = False) -> int:
    """The number that `work` returns, or 0 after RETRY_S where it failed; with `until_done` it is repeated instead."""
    while True:
        try:
            return await work() or 0
        except asyncio.CancelledError:
            raise
        except StoreUnavailable as away:
            log.warning("relay waits: %s", away.message)
            watchdog.progress()
        except Exception as defect:  # noqa: BLE001
            # Broad: any error would end the relay, and no case system would be notified any more.
            log.error("relay: unexpected, trying again: %s", describe_failure(defect))
        await asyncio.sleep(RETRY_S)
        if not until_done:
            return 0
