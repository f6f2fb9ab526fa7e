"""Verifies bearer tokens of the sign-in service (OpenID Connect): the person, roles and district of a token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from api.sign_in.keys import ALGORITHMS, Keys
from graph.domain import ids
from graph.domain.errors import Forbidden, RedthreadError
from graph.domain.people import Person, Role, check_actor

LEEWAY_SECONDS: Final = 30
"""How far the clocks of issuer and service may differ."""
LENGTH_MAX: Final = 16_000


class TokenRefused(RedthreadError):
    """The request has no valid token; the message quotes nothing of it."""

    code = "token_invalid"


@dataclass(frozen=True, slots=True)
class Claims:
    """Names of the claims to read; a dot descends into an object unless a claim has the whole name."""

    actor: str = "sub"
    roles: str = "roles"
    district: str = "district"


class SignIn:
    """Verifies tokens of one issuer for one audience."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str, claims: Claims | None = None) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._claims = claims or Claims()

    async def person(self, authorization: str | None) -> Person:
        """The person whom the header `Authorization` identifies.

        Raises TokenRefused (`token_missing`, `token_invalid`) without a valid token, Forbidden (`role_missing`,
        `actor_missing`) for a person without a role here or a valid actor name, and SignInUnavailable where the
        issuer's keys cannot be fetched.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenRefused("sign in: send Authorization: Bearer <token>", code="token_missing")
        return await self.person_of(token.strip())

    async def person_of(self, token: str, *, nonce: str | None = None) -> Person:
        """The person whom this token identifies, with `nonce` only where it was issued for that one; see `person`."""
        claims = await self._verified(token)
        if nonce is not None and claims.get("nonce") != nonce:
            raise _refused()
        person = Person(self._actor(claims), roles_of(claim(claims, self._claims.roles)), self._district(claims))
        if not person.roles:
            raise Forbidden("the token names no role that may do anything here", code="role_missing")
        return person

    async def check(self) -> None:
        """Raises SignInUnavailable where tokens cannot be verified."""
        await self._keys.check()

    async def close(self) -> None:
        await self._keys.close()

    async def _verified(self, token: str) -> Mapping[str, Any]:
        """The claims of a token with a valid signature, issuer, audience and time."""
        if len(token) > LENGTH_MAX:
            raise _refused()
        try:
            header = jwt.get_unverified_header(token)
        except (PyJWTError, ValueError, RecursionError):
            raise _refused() from None
        key = await self._keys.find(header.get("kid"))
        if key is None:
            raise _refused()
        try:
            return jwt.decode(
                token,
                key,
                list(ALGORITHMS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
        except ExpiredSignatureError:
            raise TokenRefused("the token has expired: sign in again") from None
        # PyJWTError: its text can quote the token. The others: claims of unexpected types and sizes.
        except (PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise _refused() from None

    def _actor(self, claims: Mapping[str, Any]) -> str:
        name = claim(claims, self._claims.actor)
        return check_actor(name if isinstance(name, str) else None)

    def _district(self, claims: Mapping[str, Any]) -> str | None:
        name = claim(claims, self._claims.district)
        return name if isinstance(name, str) and ids.is_name(name) else None


def claim(claims: Mapping[str, Any], path: str) -> object:
    """The claim at `path`, or None."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return found  # pyright: ignore[reportUnknownVariableType]


def roles_of(named: object) -> frozenset[Role]:
    """The roles in a claim, a list or a text of words; unknown ones are ignored."""
    words = named.split() if isinstance(named, str) else named if isinstance(named, list) else []  # pyright: ignore[reportUnknownVariableType]
    return frozenset(role for role in Role if role.value in words)


def _refused() -> TokenRefused:
    return TokenRefused("this token is not one that this service takes")
