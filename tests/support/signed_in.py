"""People who are signed in: tokens of an issuer that lives as long as the tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from api.settings import DEVELOPMENT_ISSUER
from api.sign_in.keys import Keys
from api.sign_in.tokens import SignIn
from graph.domain.people import Person
from infra.local.issuer import AUDIENCE, DevelopmentIssuer

ISSUER = DevelopmentIssuer(ec.generate_private_key(ec.SECP256R1()), Path("nowhere"))


def as_(person: Person, **claims: object) -> dict[str, str]:
    """Headers of a request by this person: `await api.get(path, headers=as_(SUE))`."""
    return {"Authorization": f"Bearer {ISSUER.token(person, **claims)}"}


def sign_in() -> SignIn:
    """What the API verifies those tokens with; build it inside the running loop."""

    async def fetch() -> Mapping[str, Any]:
        return {"keys": [ISSUER.public_jwk()]}

    return SignIn(Keys(fetch), issuer=DEVELOPMENT_ISSUER, audience=AUDIENCE)


def sign_in_env(folder: Path) -> dict[str, str]:
    """The environment in which an API process believes those tokens; the keys' file lies in `folder`."""
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps({"keys": [ISSUER.public_jwk()]}), "utf-8")
    return DevelopmentIssuer(ISSUER.key, jwks).env()
