"""`python -m api.main`: the API as a process of its own, until SIGTERM or Ctrl-C."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from importlib.metadata import version
from types import FrameType
from typing import Final

import h11
import uvicorn
from pydantic import ValidationError
from pydantic_settings import SettingsError
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.app import build_app
from api.deps import open_services
from api.settings import WHY_LOOPBACK, Settings

log = logging.getLogger("redthread.api")
GRACE_SECONDS: Final = 10
"""Time that running requests have after SIGTERM."""
KEEP_ALIVE_SECONDS: Final = 75
"""How long an idle connection stays open: longer than a person looks at one sheet. After uvicorn's default of 5 s the
next request often met a connection that was just being closed."""
HEAD_SECONDS: Final = 20.0
"""Time for the head of a request: from the connection's start, or from the first byte of a further request."""


class Connection(H11Protocol):
    """One HTTP/1.1 connection, closed where a request's head takes too long; uvicorn alone would wait for ever."""

    head_seconds = HEAD_SECONDS
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._limit_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._limit_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _limit_head(self) -> None:
        """Starts the timer where a head is due and none runs; stops it once the head is complete."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.head_seconds, self._close_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close_slow(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def main() -> int:
    """The exit status: 0 after an orderly end, 2 where the settings or the port prevent a start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # These libraries log parts of requests, or every fetch of keys.
    for name in ("python_multipart", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, _leave)
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue] - its values come from the environment
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in item["loc"]).upper()
            log.error("%s: %s", f"setting REDTHREAD_{name}" if name else "settings REDTHREAD_*", item["msg"])
        return 2
    except SettingsError as error:
        log.error("settings REDTHREAD_*: %s", error)
        return 2
    try:
        listening = listen(settings.api_host, settings.api_port)
    except OSError as error:
        log.error("port %s cannot be used (%s): set REDTHREAD_API_PORT", settings.api_port, error.strerror)
        return 2
    app = build_app(
        lambda: open_services(settings),
        upload_limit=settings.api_upload_bytes,
        version=version("redthread"),
        public_hosts=settings.hosts,
    )
    config = uvicorn.Config(
        app,
        access_log=False,  # paths hold case ids, and the audit records who looked at what
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        http=Connection,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = uvicorn.Server(config)
    host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
    why = f" {WHY_LOOPBACK}" if settings.is_development else ""
    log.info("listening on http://%s:%s, tokens of %s.%s", host, listening.getsockname()[1], settings.oidc_issuer, why)
    # A large page makes the collector run: it then need not look through everything that the imports made.
    gc.freeze()
    asyncio.run(server.serve(sockets=[listening]))
    return 0 if server.started else 1


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises OSError here, before the application starts, if another process holds the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio sends small answers at once (TCP_NODELAY) only where it reads TCP here.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    return listening


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM before the server installs its handler, and again after its orderly end: both are a clean exit."""
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
