"""Sign-in to the pages by OpenID Connect: authorization code flow with PKCE (RFC 7636), against one issuer.

What the flow must remember until the browser comes back (state, nonce, code verifier) is in a cookie of that browser
alone, so any process of the API can finish it.
"""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from math import inf
from typing import Any, Final

import httpx
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError

from api.sign_in.keys import FRESH_SECONDS, PATIENCE, SignInUnavailable, fetch_metadata
from api.sign_in.tokens import SignIn, TokenRefused
from graph.domain.people import Person

with warnings.catch_warnings():
    # Authlib announces that it will need another HTTP library from its next major version on; the lock holds this one.
    warnings.simplefilter("ignore")
    from authlib.integrations.httpx_client import AsyncOAuth2Client

SCOPE: Final = "openid profile"
CALLBACK: Final = "/app/sign-in/callback"
VERIFIER_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Begun:
    """A flow that a browser has begun; it keeps these in a cookie."""

    state: str
    nonce: str
    verifier: str


class OidcSignIn:
    """The flow for one client; `sign_in` verifies ID tokens that are meant for it (`aud` is `client_id`)."""

    def __init__(self, sign_in: SignIn, *, issuer: str, client_id: str, client_secret: str, public_url: str) -> None:
        self._sign_in = sign_in
        self._issuer = issuer
        self._client: dict[str, Any] = {"client_id": client_id, "client_secret": client_secret or None}
        self._redirect = public_url.rstrip("/") + CALLBACK
        self._metadata: Mapping[str, Any] = {}
        self._fetched_at = -inf

    async def begin(self) -> tuple[str, Begun]:
        """The issuer's address to send the browser to, and what the browser has to keep."""
        begun = Begun(generate_token(32), generate_token(32), generate_token(VERIFIER_LENGTH))
        metadata = await self._endpoints()
        async with self._session() as session:
            address, _ = session.create_authorization_url(
                metadata["authorization_endpoint"],
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(address), begun

    async def finish(self, begun: Begun | None, state: str, code: str) -> Person:
        """The person whom the issuer's answer identifies.

        Raises TokenRefused where the answer is not one to the flow that this browser began, or the issuer refuses the
        code; what `SignIn.person` raises; SignInUnavailable where the issuer does not answer.
        """
        if begun is None or not compare_digest(begun.state.encode(), state.encode()) or not code:
            raise TokenRefused("this sign-in was not begun in this browser, or took too long: begin again")
        metadata = await self._endpoints()
        try:
            async with self._session() as session:
                token: Mapping[str, Any] = await session.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=begun.verifier
                )
        except OAuthError:
            raise TokenRefused("the sign-in service refused: begin again") from None
        except (httpx.HTTPError, ValueError):
            raise SignInUnavailable("the sign-in service does not answer") from None
        return await self._sign_in.person_of(str(token.get("id_token", "")), nonce=begun.nonce)

    def _session(self) -> Any:
        # No redirects: an open redirect of the issuer could otherwise receive the code.
        return AsyncOAuth2Client(
            **self._client,
            scope=SCOPE,
            redirect_uri=self._redirect,
            code_challenge_method="S256",
            timeout=PATIENCE,
            follow_redirects=False,
        )

    async def _endpoints(self) -> Mapping[str, Any]:
        """The issuer's metadata, fetched again once they are old."""
        if time.monotonic() - self._fetched_at >= FRESH_SECONDS:
            try:
                self._metadata = await fetch_metadata(self._issuer, ("authorization_endpoint", "token_endpoint"))
            except (httpx.HTTPError, OSError, ValueError):
                raise SignInUnavailable("the sign-in service does not answer") from None
            self._fetched_at = time.monotonic()
        return self._metadata
