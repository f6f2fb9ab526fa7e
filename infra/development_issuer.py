"""The local stack's own sign-in: a key pair in the data folder and a few users; it never leaves one machine."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm

from api.settings import DEVELOPMENT_ISSUER
from graph.domain import ids
from graph.domain.errors import Invalid
from graph.domain.people import Person, Role
from infra.stack.base import StackError
from infra.stack.datafolder import write_whole

FOLDER, KEY, JWKS = "sign-in", "key.pem", "jwks.json"
AUDIENCE: Final = "redthread"
ALGORITHM: Final = "ES256"
HOUR_S: Final = 3600
HOURS: Final = 8
"""Life of a token unless told otherwise: a working day."""
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
    """Signs tokens for the development users; `jwks` is the file that tells the API its public key."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    jwks: Path

    @classmethod
    def ensure(cls, data: Path) -> DevelopmentIssuer:
        """The issuer of a data folder that the caller holds, with a key pair made where there is none."""
        folder = data / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        if not (folder / KEY).exists():
            made = ec.generate_private_key(ec.SECP256R1())
            pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_whole(folder / KEY, pem.decode("ascii"))
        found = cls.of(data)
        write_whole(found.jwks, json.dumps({"keys": [found.public_jwk()]}))
        return found

    @classmethod
    def of(cls, data: Path) -> DevelopmentIssuer:
        """The issuer of a data folder; StackError where none was ever started there, OSError where it can't be read."""
        folder = data / FOLDER
        try:
            key = load_pem_private_key((folder / KEY).read_bytes(), None)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StackError(f"no development sign-in in {data}: start it once with `redthread up`") from error
        except ValueError as error:
            raise StackError(f"{folder / KEY} is no key: delete it, then `redthread up` makes another") from error
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(key, folder / JWKS)

    @property
    def key_id(self) -> str:
        numbers = self.key.public_key().public_numbers()
        return ids.digest(numbers.x, numbers.y)[:16]

    def public_jwk(self) -> dict[str, Any]:
        """The public key as the API reads it (RFC 7517)."""
        jwk = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**jwk, "kid": self.key_id, "alg": ALGORITHM, "use": "sig"}

    def token(self, person: Person, *, hours: float = HOURS, **claims: object) -> str:
        """A token by which the API knows the person for so long; `claims` stand above what it would say else."""
        now = int(time.time())
        said = {
            "iss": DEVELOPMENT_ISSUER, "aud": AUDIENCE, "sub": person.actor, "iat": now,
            "exp": now + int(hours * HOUR_S), "roles": sorted(role.value for role in person.roles),
            "district": person.district, **claims,
        }  # fmt: skip
        return jwt.encode(said, self.key, ALGORITHM, headers={"kid": self.key_id})

    def env(self) -> dict[str, str]:
        """The environment in which the API believes this issuer and no other, whatever the caller's shell names."""
        return {
            "REDTHREAD_OIDC_ISSUER": DEVELOPMENT_ISSUER,
            "REDTHREAD_OIDC_JWKS": self.jwks.absolute().as_uri(),
            "REDTHREAD_OIDC_AUDIENCE": AUDIENCE,
            "REDTHREAD_OIDC_ACTOR_CLAIM": "sub",
            "REDTHREAD_OIDC_ROLES_CLAIM": "roles",
            "REDTHREAD_OIDC_DISTRICT_CLAIM": "district",
        }


def user(name: str) -> Person:
    """The development user of this name; Invalid names those that there are."""
    try:
        return USERS[name]
    except KeyError:
        raise Invalid(f"there is no development user of this name; there are {', '.join(USERS)}") from None


def user_of(role: Role, district: str) -> Person | None:
    """A development user with this role in this district."""
    return next((each for each in USERS.values() if role in each.roles and each.district == district), None)
