"""Who a bearer token stands for: a person with roles and a district, as the sign-in service says (OpenID Connect)."""

from __future__ import annotations

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
    """The request does not prove who asks; nothing of its token is told."""

    code = "token_invalid"


@dataclass(frozen=True, slots=True)
class Claims:
    """Where a token says who its bearer is; dots lead into objects, a claim of the whole name comes first."""

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
        """The person that the header `Authorization` stands for.

        Raises TokenRefused (`token_missing`, `token_invalid`) where it proves nobody, Forbidden (`role_missing`,
        `actor_missing`) where it proves somebody who has no role here or no name that the audit could keep, and
        SignInUnavailable where the issuer's keys cannot be had.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenRefused("sign in: send Authorization: Bearer <token>", code="token_missing")
        said = await self._verified(token.strip())
        who = Person(self._actor(said), roles_of(claim(said, self._claims.roles)), self._district(said))
        if not who.roles:
            raise Forbidden("the token names no role that may do anything here", code="role_missing")
        return who

    async def check(self) -> None:
        """Returns where tokens can be verified; else SignInUnavailable."""
        await self._keys.check()

    async def close(self) -> None:
        await self._keys.close()

    async def _verified(self, token: str) -> Mapping[str, Any]:
        """What a token says, once its signature, issuer, audience and times are proved."""
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
        # Whatever it says, its text can quote the token. The others: claims of odd types and sizes.
        except (PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise _refused() from None

    def _actor(self, said: Mapping[str, Any]) -> str:
        name = claim(said, self._claims.actor)
        return check_actor(name if isinstance(name, str) else None)

    def _district(self, said: Mapping[str, Any]) -> str | None:
        name = claim(said, self._claims.district)
        return name if isinstance(name, str) and ids.is_name(name) else None


def claim(said: Mapping[str, Any], path: str) -> object:
    """The claim at `path`, or None."""
    if path in said:
        return said[path]
    found: object = said
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return found  # pyright: ignore[reportUnknownVariableType]


def roles_of(named: object) -> frozenset[Role]:
    """The roles that a claim names, as a list or as words in one text; what is no role of ours says nothing."""
    words = named.split() if isinstance(named, str) else named if isinstance(named, list) else []  # pyright: ignore[reportUnknownVariableType]
    return frozenset(role for role in Role if role.value in words)


def _refused() -> TokenRefused:
    return TokenRefused("this token is not one that this service takes")
