"""A request's body on its way in: limited in size and in time, and not read further than it is wanted."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

FIRST_SECONDS: Final = 20.0
"""How long a body may be waited for in all, and a second more for every BYTES_PER_SECOND of it that have come."""
BYTES_PER_SECOND: Final = 16 * 1024
"""Slower than any connection that people upload pictures over: at this rate the largest upload takes an hour."""
LINGER_BYTES: Final = 32 * 1024 * 1024
LINGER_SECONDS: Final = 2.0
"""How much and how long of a refused body is thrown away: a connection that is reset at once loses the answer."""


class RequestBody:
    """The body of one request. `receive` raises HTTPException where it is too large (413) or comes too slowly (408)."""

    first_seconds = FIRST_SECONDS
    linger_seconds = LINGER_SECONDS

    def __init__(self, receive: Receive, headers: Headers, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        announced = headers.get("content-length", "")
        self._announced = int(announced) if announced.isdigit() else 0
        self._taken = 0
        self._waited = 0.0
        self.is_whole = self._announced == 0 and "transfer-encoding" not in headers
        """Whether nothing of it is still to come."""

    async def receive(self) -> Message:
        if self.is_whole:
            return await self._receive()
        if self._announced > self._limit:
            raise HTTPException(413)
        began = time.monotonic()
        left = self.first_seconds + self._taken / BYTES_PER_SECOND - self._waited
        try:
            async with asyncio.timeout(left):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None
        # Only what the client lets us wait for counts, not how long its bytes wait for us.
        self._waited += time.monotonic() - began
        self._taken += len(message.get("body", b""))
        if self._taken > self._limit:
            raise HTTPException(413)
        self.is_whole = not message.get("more_body", False)
        return message

    async def throw_away(self) -> None:
        """Drops what is still sent, for a moment: the request is answered already."""
        dropped = 0
        # Whatever becomes of a body that nobody wants is no failure of the answer.
        with suppress(Exception):
            async with asyncio.timeout(self.linger_seconds):
                while dropped < LINGER_BYTES:
                    message = await self._receive()
                    dropped += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
