"""The socket that the service listens on."""

import asyncio
import socket

import pytest

from api.main import listen

pytestmark = pytest.mark.anyio


async def test_a_small_answer_waits_for_no_acknowledgement() -> None:
    """Every answer on a kept connection took 40 ms longer than its work.

    asyncio turns Nagle's algorithm off only where the socket names its protocol; ours had 0, and an accepted
    connection has that of its listening socket.
    """
    off: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        off.set_result(bool(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    listening = listen("127.0.0.1", 0)
    async with await asyncio.start_server(accepted, sock=listening):
        _, writer = await asyncio.open_connection(*listening.getsockname())
        assert await off
        writer.close()
