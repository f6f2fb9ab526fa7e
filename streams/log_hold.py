"""The hold of this process on the gallery log, which link takes and its relay and audit roots depend on."""

import asyncio


class LogHold:
    """Whether, and under which epoch, this process is the one that writes what the gallery log brings.

    `epoch` is -1 until link has raised it in the graph; `ready` is set once the gallery is loaded under it; `committed`
    is set after every commit that may have filled the outbox, and cleared by the relay.
    """

    def __init__(self) -> None:
        self.epoch = -1
        self.ready = asyncio.Event()
        self.committed = asyncio.Event()
