"""A token is believed when its one issuer signed it for this service and it still holds; nothing of it is ever told."""

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from api.sign_in.keys import FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS, Keys, SignInUnavailable, usable
from api.sign_in.tokens import LEEWAY_SECONDS, Claims, SignIn, TokenRefused, claim, roles_of
from graph.domain.errors import Forbidden
from graph.domain.people import Person, Role
from infra.local.issuer import DevelopmentIssuer
from tests.support.factories import ANNA, SUE
from tests.support.signed_in import ISSUER, as_, sign_in

pytestmark = pytest.mark.anyio


class Issuer:
    """An issuer's key set on a clock of the test's own; counts how often it is fetched."""

    def __init__(self, *issuers: DevelopmentIssuer) -> None:
        self.issuers = list(issuers)
        self.fetches = 0
        self.away = False
        self.now = 1000.0

    async def fetch(self) -> Mapping[str, Any]:
        self.fetches += 1
        if self.away:
            raise OSError("away")
        return {"keys": [each.public_jwk() for each in self.issuers]}

    def keys(self) -> Keys:
        return Keys(self.fetch, clock=lambda: self.now)


def another() -> DevelopmentIssuer:
    return DevelopmentIssuer(ec.generate_private_key(ec.SECP256R1()), ISSUER.jwks)


async def refusal(authorization: str | None) -> str:
    with pytest.raises(TokenRefused) as refused:
        await sign_in().person(authorization)
    assert refused.value.__cause__ is None
    assert not authorization or "." not in authorization or authorization[7:] not in refused.value.message
    return refused.value.code


async def test_a_token_names_actor_roles_and_district() -> None:
    assert await sign_in().person(as_(SUE)["Authorization"]) == SUE
    assert await sign_in().person(as_(ANNA)["Authorization"].replace("Bearer", "bearer")) == ANNA


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer ", "Basic YTpi", "token"])
async def test_without_a_bearer_token_it_is_missing(sent: str | None) -> None:
    assert await refusal(sent) == "token_missing"


NOW = int(time.time())  # when the tests are collected: what has to lie ahead of it lies a day ahead
WRONG: list[dict[str, object]] = [
    {"iss": "https://id.other.example"},
    {"iss": ""},
    {"aud": "another-service"},
    {"aud": None},
    {"aud": []},
    {"exp": NOW - LEEWAY_SECONDS - 5},
    {"exp": None},
    {"exp": "soon"},
    {"exp": 1e400},
    {"exp": {}},
    {"nbf": NOW + 86_400},
    {"iat": NOW + 86_400},
    {"sub": {"a": 1}},
]


@pytest.mark.parametrize("claims", WRONG)
async def test_another_issuer_or_audience_and_a_token_of_another_time_are_refused(claims: dict[str, object]) -> None:
    assert await refusal(as_(ANNA, **claims)["Authorization"]) == "token_invalid"


async def test_clocks_may_differ_a_little() -> None:
    assert await sign_in().person(as_(ANNA, exp=int(time.time()) - LEEWAY_SECONDS // 2)["Authorization"]) == ANNA


@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.", "é", "..", "." * 500, "a" * 20_000, "[" * 5000 + ".x.y"])
async def test_what_is_no_token_is_refused(token: str) -> None:
    assert await refusal(f"Bearer {token}") == "token_invalid"


async def test_a_signature_by_another_key_of_the_same_name_is_refused() -> None:
    forged = jwt.encode({"sub": "anna@north"}, another().key, "ES256", headers={"kid": ISSUER.key_id})
    head, body, _ = ISSUER.token(ANNA).split(".")
    assert await refusal(f"Bearer {forged}") == "token_invalid"
    assert await refusal(f"Bearer {head}.{body}.{forged.rpartition('.')[2]}") == "token_invalid"
    assert await refusal(f"Bearer {another().token(ANNA)}") == "token_invalid"


async def test_no_token_chooses_its_own_algorithm() -> None:
    """The public key as a shared secret, and no signature at all: the two classic forgeries."""
    body = ISSUER.token(ANNA).split(".")[1]
    public = ISSUER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for algorithm in ("HS256", "none", "None", ""):
        header = json.dumps({"alg": algorithm, "kid": ISSUER.key_id}).encode()
        unsigned = f"{base64url_encode(header).decode()}.{body}"
        mac = hmac.new(public, unsigned.encode(), "sha256").digest() if algorithm == "HS256" else b""
        assert await refusal(f"Bearer {unsigned}.{base64url_encode(mac).decode()}") == "token_invalid"


def test_only_asymmetric_keys_for_signatures_are_used() -> None:
    weak = {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"}
    theirs = {**another().public_jwk(), "kid": "encryption", "use": "enc"}
    odd: list[Any] = [None, 1, "x", {}, {"kty": "EC"}, {"kty": "RSA", "n": "!", "e": "AQAB"}, {"kty": ["RSA"]}]
    assert set(usable({"keys": [weak, theirs, *odd, ISSUER.public_jwk()]})) == {ISSUER.key_id}
    assert usable({}) == {}


async def test_a_key_that_is_too_short_is_not_believed() -> None:
    short = rsa.generate_private_key(65537, 1024)
    jwk = {**jwt.algorithms.RSAAlgorithm.to_jwk(short.public_key(), as_dict=True), "kid": "short"}

    async def fetch() -> Mapping[str, Any]:
        return {"keys": [jwk]}

    said = jwt.decode(ISSUER.token(ANNA), options={"verify_signature": False})
    token = jwt.encode(said, short, "RS256", headers={"kid": "short"})
    with pytest.raises(TokenRefused):
        await SignIn(Keys(fetch), issuer=said["iss"], audience=said["aud"]).person(f"Bearer {token}")


async def test_a_valid_token_without_a_role_or_a_name_is_forbidden_and_not_unknown() -> None:
    nobody = Person("anna@north", frozenset(), "north")
    for sent, code in (
        (as_(nobody), "role_missing"),
        (as_(nobody, roles=["admin", "INVESTIGATOR", 1, None]), "role_missing"),
        (as_(ANNA, roles={"investigator": True}), "role_missing"),
        (as_(ANNA, sub="two words"), "actor_missing"),
        (as_(ANNA, sub=""), "actor_missing"),
    ):
        with pytest.raises(Forbidden) as refused:
            await sign_in().person(sent["Authorization"])
        assert refused.value.code == code


@pytest.mark.parametrize("district", [None, "", "North", ["north"], "north south", 1])
async def test_what_names_no_district_gives_none(district: object) -> None:
    assert (await sign_in().person(as_(ANNA, district=district)["Authorization"])).district is None


def test_claims_lie_where_the_settings_say() -> None:
    said = {"realm_access": {"roles": ["investigator"]}, "https://police.example/unit": "north", "a": 1}
    assert claim(said, "realm_access.roles") == ["investigator"]
    assert claim(said, "https://police.example/unit") == "north"
    assert claim(said, "a.b") is claim(said, "nothing") is None
    assert roles_of("openid investigator auditor") == {Role.INVESTIGATOR, Role.AUDITOR}
    assert roles_of(["supervisor", "supervisors"]) == {Role.SUPERVISOR}


async def test_configured_claims_are_read() -> None:
    issuer = Issuer(ISSUER)
    reader = SignIn(
        issuer.keys(),
        issuer="urn:redthread:development",
        audience="redthread",
        claims=Claims("preferred_username", "realm_access.roles", "unit"),
    )
    sent = as_(ANNA, preferred_username="a.nna", realm_access={"roles": ["auditor"]}, unit="west")
    assert await reader.person(sent["Authorization"]) == Person("a.nna", frozenset({Role.AUDITOR}), "west")


async def test_an_unknown_key_is_fetched_once_and_then_not_for_a_while() -> None:
    issuer, second = Issuer(ISSUER), another()
    keys = issuer.keys()
    assert await keys.find(ISSUER.key_id)
    issuer.issuers.append(second)
    assert (await keys.find(second.key_id), issuer.fetches) == (None, 1)
    issuer.now += PAUSE_SECONDS
    assert await keys.find(second.key_id)
    for number in range(100):
        assert await keys.find(f"made up {number}") is None
    assert issuer.fetches == 2


async def test_keys_that_the_issuer_takes_back_go_within_the_hour_without_anybody_waiting() -> None:
    issuer = Issuer(ISSUER)
    keys = issuer.keys()
    await keys.find(ISSUER.key_id)
    issuer.issuers = [another()]
    issuer.now += FRESH_SECONDS
    assert await keys.find(ISSUER.key_id)  # while the fetch is on its way
    assert await keys.find("made up") is None  # waits for it
    assert await keys.find(ISSUER.key_id) is None


async def test_while_the_issuer_is_away_its_keys_hold_for_a_day_and_no_longer(caplog: pytest.LogCaptureFixture) -> None:
    issuer = Issuer(ISSUER)
    keys = issuer.keys()
    await keys.check()
    issuer.away = True
    issuer.now += STALE_SECONDS - 1
    with caplog.at_level(logging.WARNING):
        assert await keys.find(ISSUER.key_id)
        issuer.now += PAUSE_SECONDS
        with pytest.raises(SignInUnavailable):
            await keys.find(ISSUER.key_id)
        issuer.away = False
        issuer.now += PAUSE_SECONDS
        assert await keys.find(ISSUER.key_id)
    assert "OSError" in caplog.text


async def test_many_who_come_at_once_cause_one_fetch() -> None:
    issuer = Issuer(ISSUER)
    keys = issuer.keys()
    assert all(await asyncio.gather(*(keys.find(ISSUER.key_id) for _ in range(50))))
    assert issuer.fetches == 1
