"""The issuer's public keys: fetched, cached, and fetched again when they age or a token names an unknown one."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from graph.domain.errors import RedthreadError

log = logging.getLogger("redthread.api")

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""Asymmetric only: with a shared secret, whoever can verify a token can make one."""
FRESH_SECONDS: Final = 3600.0
"""Age from which keys are fetched again, so that a revoked key is dropped."""
STALE_SECONDS: Final = 24 * 3600.0
"""Age from which keys that could not be fetched again are no longer trusted."""
PAUSE_SECONDS: Final = 30.0
"""Least time between two fetches: tokens with invented key ids must not flood the issuer with requests."""
PATIENCE: Final = httpx.Timeout(5.0)
SIZE_MAX: Final = 1024 * 1024
KEYS_MAX: Final = 100

Fetch = Callable[[], Awaitable[Mapping[str, Any]]]
"""Fetches the issuer's JWK set (RFC 7517); any error means that it is unavailable now."""


class SignInUnavailable(RedthreadError):
    """The issuer's keys are unavailable, so nobody can sign in."""

    code = "sign_in_unavailable"


class Keys:
    """Keys by id; build it inside the running loop. One fetch at a time, in the background where a key is known."""

    def __init__(self, fetch: Fetch, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._tried_at = -inf
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str | None) -> PyJWK | None:
        """The key, or None where the issuer has none with this id; without an id the issuer's only key.

        Raises SignInUnavailable where no keys are available.
        """
        await self.check()
        if (found := self._known(key_id)) is None:
            await self._fetched()
            found = self._known(key_id)
        return found

    async def check(self) -> None:
        """Raises SignInUnavailable where no keys are available."""
        if self._age() >= STALE_SECONDS:
            await self._fetched()
            if self._age() >= STALE_SECONDS:
                raise SignInUnavailable("the keys of the sign-in service cannot be fetched")
        elif self._age() >= FRESH_SECONDS:
            self._begin()

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _known(self, key_id: str | None) -> PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id or "")

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    async def _fetched(self) -> None:
        """Waits for the running or due fetch; returns at once within PAUSE_SECONDS of the last one."""
        self._begin()
        if self._fetching is not None:
            await asyncio.shield(self._fetching)  # a cancelled caller must not cancel it for the others

    def _begin(self) -> None:
        """Starts a fetch, unless one is running or the last was within PAUSE_SECONDS."""
        if self._fetching is None and self._clock() - self._tried_at >= PAUSE_SECONDS:
            self._tried_at = self._clock()
            self._fetching = asyncio.create_task(self._refetch())

    async def _refetch(self) -> None:
        try:
            found = usable(await self._fetch())
            if not found:
                raise ValueError("no usable key")
            self._keys, self._fetched_at = found, self._clock()
        except Exception as error:  # noqa: BLE001 - whatever a network or an issuer does, the old keys stay for a while
            log.warning("the keys of the sign-in service cannot be fetched (%s)", type(error).__name__)
        finally:
            self._fetching = None


def usable(found: Mapping[str, Any]) -> dict[str, PyJWK]:
    """The keys of a JWK set, by id, that sign tokens with one of ALGORITHMS."""
    keys: dict[str, PyJWK] = {}
    listed: Sequence[Any] = found.get("keys", [])
    for item in listed[:KEYS_MAX]:
        if not isinstance(item, dict) or item.get("use", "sig") != "sig" or item.get("kty") == "oct":  # pyright: ignore[reportUnknownMemberType]
            continue
        try:
            key = PyJWK(item)  # pyright: ignore[reportUnknownArgumentType]
        except PyJWTError:
            continue
        if key.algorithm_name in ALGORITHMS:
            keys[str(key.key_id or "")] = key
    return keys


def fetch_from(issuer: str, jwks: str) -> Fetch:
    """A function that fetches the keys: from a file, an address, or else the address in the issuer's metadata."""
    if jwks.startswith("file:"):
        path = Path(unquote(urlsplit(jwks).path))
        return lambda: asyncio.to_thread(_read, path)

    async def fetch() -> Mapping[str, Any]:
        address = jwks or (await fetch_metadata(issuer, ("jwks_uri",)))["jwks_uri"]
        return await _get(address)

    return fetch


async def fetch_metadata(issuer: str, addresses: Sequence[str]) -> Mapping[str, Any]:
    """The issuer's metadata (OpenID Connect Discovery); ValueError unless all these addresses in them are safe."""
    about = await _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if about.get("issuer") != issuer or not all(is_safe(str(about.get(name))) for name in addresses):
        raise ValueError("the metadata are of another issuer, or name addresses elsewhere than under https")
    return about


def is_safe(url: str) -> bool:
    """Whether keys from this address can be trusted: https, or http on this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))
    )


async def _get(url: str) -> dict[str, Any]:
    # In a thread: reading the certificates of authorities takes nearly 0.1 s.
    verify = await asyncio.to_thread(httpx.create_ssl_context)
    # No redirects: an open redirect of the issuer could otherwise supply the keys.
    async with (
        httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False, verify=verify) as client,
        client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
    ):
        if answer.status_code != 200:
            raise ValueError(f"the answer is {answer.status_code}")
        data = bytearray()
        async for part in answer.aiter_bytes():
            data += part
            if len(data) > SIZE_MAX:
                raise ValueError("the answer is too large")
    return _object(bytes(data))


def _read(path: Path) -> dict[str, Any]:
    return _object(path.read_bytes())


def _object(data: bytes) -> dict[str, Any]:
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found  # pyright: ignore[reportUnknownVariableType]
