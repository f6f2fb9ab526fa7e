"""Fetches files from allowed web addresses: redirects are checked like the first URL, size and time are limited."""

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from graph.domain.errors import SourceUnreachable, Unprocessable
from streams.media.files import refusal, too_large

_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_TOTAL_S: Final = 120.0
"""For one file, so that a host that sends a byte a second does not block a worker."""
_MAX_REDIRECTS: Final = 5


@dataclass(frozen=True)
class _Root:
    scheme: str
    host: str
    port: int
    folder: str

    def holds(self, url: httpx.URL) -> bool:
        same_host = (self.scheme, self.host, self.port) == (url.scheme, url.host.lower(), _port(url))
        return same_host and (url.path.startswith(self.folder) or url.path == self.folder.rstrip("/"))


class HttpRoots:
    """The web addresses under which files may be fetched. Thread-safe; connects only in `read`."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = [_root(httpx.URL(root)) for root in roots]
        # trust_env off: evidence never goes through a proxy, nor with credentials, found in the environment.
        self._client = httpx.Client(timeout=_TIMEOUT, trust_env=False, verify=ssl.create_default_context())

    def read(self, address: str, max_bytes: int) -> bytes:
        """The body at `address`, following redirects only within the allowed addresses.

        Raises Unprocessable (`url_not_allowed`, `invalid_url`, `missing_file`, `unreadable_file`, `source_refused`,
        `too_large`) or SourceUnreachable (no connection, no answer in time, 408, 429 and 5xx).
        """
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL as broken:
            raise Unprocessable("The event's URL cannot be read as a web address.", code="invalid_url") from broken
        deadline = time.monotonic() + _TOTAL_S
        for _ in range(_MAX_REDIRECTS + 1):
            self._check(url)
            answer = self._get(url, max_bytes, deadline)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise Unprocessable("The file's host redirects in a circle: correct the event's URL.", code="source_refused")

    def close(self) -> None:
        self._client.close()

    def _check(self, url: httpx.URL) -> None:
        climbs = any(part in (".", "..") for part in url.path.replace("\\", "/").split("/"))
        if url.userinfo or climbs or not any(root.holds(url) for root in self._roots):
            raise refusal("url_not_allowed")

    def _get(self, url: httpx.URL, max_bytes: int, deadline: float) -> bytes | httpx.URL:
        """The body, or the address that the host redirects to."""
        try:
            with self._client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
                if response.next_request is not None:
                    return response.next_request.url
                _check_status(response.status_code, url.host)
                return _body(response, max_bytes, deadline)
        except (httpx.TransportError, httpx.DecodingError) as failure:
            raise _unreachable(url.host, _why(failure)) from failure
        except httpx.InvalidURL as broken:
            raise Unprocessable("The file's host redirects to a broken URL.", code="source_refused") from broken


def _root(url: httpx.URL) -> _Root:
    return _Root(url.scheme, url.host.lower(), _port(url), url.path.rstrip("/") + "/")


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _check_status(status: int, host: str) -> None:
    if status == 200:
        return
    if status in (404, 410):
        raise refusal("missing_file")
    if status in (401, 403, 407):
        raise refusal("unreadable_file")
    if status in (408, 425, 429) or status >= 500:
        raise _unreachable(host, f"status {status}")
    raise Unprocessable(
        f"The file's host answered with status {status} instead of the file: correct the event's URL.",
        code="source_refused",
    )


def _body(response: httpx.Response, max_bytes: int, deadline: float) -> bytes:
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise too_large(max_bytes)
    data = bytearray()
    for chunk in response.iter_bytes():
        data += chunk
        if len(data) > max_bytes:
            raise too_large(max_bytes)
        if time.monotonic() > deadline:
            raise _unreachable(response.url.host, f"not done in {_TOTAL_S:.0f} s")
    return bytes(data)


def _why(failure: httpx.TransportError | httpx.DecodingError) -> str:
    """The failure in words, without any of the transferred data."""
    match failure:
        case httpx.TimeoutException():
            return "no answer in time"
        case httpx.ConnectError():
            return "no connection"
        case _:
            return "the transfer broke off"


def _unreachable(host: str, why: str) -> SourceUnreachable:
    return SourceUnreachable(
        f"The host {host} does not deliver the file ({why}): it is tried again when it answers.", host=host
    )
