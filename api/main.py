"""`python -m api.main`: the API as a process of its own, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from importlib.metadata import version
from types import FrameType

import uvicorn
from pydantic import ValidationError
from pydantic_settings import SettingsError

from api.app import build_app
from api.connections import Connection
from api.services import open_services
from api.settings import WHY_LOOPBACK, Settings

log = logging.getLogger("redthread.api")
GRACE_SECONDS = 10
"""How long requests under way may take to end after SIGTERM."""
KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays open: longer than a person looks at one sheet. After the usual 5 s the next request
often met a connection that was just being closed."""


def main() -> int:
    """The exit status: 0 after an orderly end, 2 where the settings or the port refuse a start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # They tell of what was sent, or of every fetch.
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
        lambda: open_services(settings), upload_limit=settings.api_upload_bytes, version=version("redthread"),
        public_hosts=settings.api_public_hosts,
    )  # fmt: skip
    # No access log: paths hold case ids, and the audit is the place that says who looked at what.
    server = uvicorn.Server(
        uvicorn.Config(
            app, access_log=False, log_config=None, log_level="warning", server_header=False, proxy_headers=False,
            http=Connection, timeout_graceful_shutdown=GRACE_SECONDS, timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
    )  # fmt: skip
    host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
    why = f" {WHY_LOOPBACK}" if settings.is_development else ""
    log.info("listening on http://%s:%s, tokens of %s.%s", host, listening.getsockname()[1], settings.oidc_issuer, why)
    asyncio.run(server.serve(sockets=[listening]))
    return 0 if server.started else 1


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; a port that somebody else holds is an OSError here, not a log line later."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio sends small answers at once (TCP_NODELAY) only where it reads TCP here.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    return listening


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM before the server takes it over, and again after its orderly end: both are a clean exit."""
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
