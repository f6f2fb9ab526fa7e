"""The local stack's own sign-in: a key pair in the data folder and a few users; for one machine only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm

from api.settings import DEVELOPMENT_ISSUER
from api.sign_in.development import LINKS, write_link
from graph.atomic import write_whole
from graph.domain import ids
from graph.domain.errors import Invalid
from graph.domain.people import Person, Role
from infra.local.base import StackError

FOLDER, KEY, JWKS = "sign-in", "key.pem", "jwks.json"
AUDIENCE: Final = "redthread"
ALGORITHM: Final = "ES256"
HOUR_S: Final = 3600
HOURS: Final = 8
"""Default lifetime of a token: a working day."""
USERS: Final[Mapping[str, Person]] = {
    name: Person(name, frozenset({role}), district)
    for name, role, district in (
        ("investigator", Role.INVESTIGATOR, "north"),
        ("supervisor", Role.SUPERVISOR, "north"),
        ("investigator2", Role.INVESTIGATOR, "south"),
        ("supervisor2", Role.SUPERVISOR, "south"),
        ("auditor", Role.AUDITOR, None),
        ("operator", Role.OPERATOR, None),
    )
}


@dataclass(frozen=True, slots=True)
class DevelopmentIssuer:
    """Signs tokens for the development users; the API reads the public key from the file `jwks`."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    jwks: Path

    @classmethod
    def ensure(cls, data: Path, announce: Callable[[str], None]) -> DevelopmentIssuer:
        """The issuer of a data folder that the caller holds; makes a key pair where there is none.

        A damaged key is replaced and announced: only the tokens that it signed become invalid. Raises OSError where the
        key cannot be read.
        """
        path = data / FOLDER / KEY
        try:
            key = _read_key(path)
            if key is None:
                announce(f"{path} was damaged: there is a new key, and tokens from before are not taken any more")
        except FileNotFoundError:
            key = None
        if key is None:
            key = ec.generate_private_key(ec.SECP256R1())
            write_whole(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        found = cls(key, data / FOLDER / JWKS)
        write_whole(found.jwks, json.dumps({"keys": [found.public_jwk()]}))
        return found

    @classmethod
    def of(cls, data: Path) -> DevelopmentIssuer:
        """The issuer of a data folder; StackError where none was ever started there, or its key can't be used, OSError
        where it can't be read."""
        path = data / FOLDER / KEY
        try:
            key = _read_key(path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StackError(f"no development sign-in in {data}: start it once with `redthread up`") from error
        if key is None:
            raise StackError(f"{path} is damaged: the next `redthread up` makes another")
        return cls(key, data / FOLDER / JWKS)

    @property
    def key_id(self) -> str:
        numbers = self.key.public_key().public_numbers()
        return ids.digest(numbers.x, numbers.y)[:16]

    def public_jwk(self) -> dict[str, Any]:
        """The public key as the API reads it (RFC 7517)."""
        jwk = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**jwk, "kid": self.key_id, "alg": ALGORITHM, "use": "sig"}

    def token(self, person: Person, *, hours: float = HOURS, **claims: object) -> str:
        """A token that identifies the person to the API for so long; `claims` replace or extend its usual claims."""
        now = int(time.time())
        payload = {
            "iss": DEVELOPMENT_ISSUER,
            "aud": AUDIENCE,
            "sub": person.actor,
            "iat": now,
            "exp": now + int(hours * HOUR_S),
            "roles": sorted(role.value for role in person.roles),
            "district": person.district,
            **claims,
        }
        return jwt.encode(payload, self.key, ALGORITHM, headers={"kid": self.key_id})

    def new_link(self, api_url: str) -> str:
        """An address that opens the pages as one of the development users, chosen there; it works once."""
        return f"{api_url}/app/sign-in/link/{write_link(self.jwks.parent / LINKS, list(USERS.values()))}"

    def env(self) -> dict[str, str]:
        """Environment variables by which the API trusts this issuer alone, whatever the caller's shell sets."""
        return {
            "REDTHREAD_OIDC_ISSUER": DEVELOPMENT_ISSUER,
            "REDTHREAD_OIDC_JWKS": self.jwks.absolute().as_uri(),
            "REDTHREAD_OIDC_AUDIENCE": AUDIENCE,
            "REDTHREAD_OIDC_ACTOR_CLAIM": "sub",
            "REDTHREAD_OIDC_ROLES_CLAIM": "roles",
            "REDTHREAD_OIDC_DISTRICT_CLAIM": "district",
        }


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    """The key in a file; None where the file holds no such key. Raises OSError where it cannot be read."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # no PEM; one with a passphrase; a kind of key unknown here
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def user(name: str) -> Person:
    """The development user of this name; Invalid names the existing ones."""
    try:
        return USERS[name]
    except KeyError:
        raise Invalid(f"there is no development user of this name; there are {', '.join(USERS)}") from None


def user_of(role: Role, district: str) -> Person | None:
    """A development user with this role in this district."""
    return next((each for each in USERS.values() if role in each.roles and each.district == district), None)
