"""The local stack's own sign-in: one key pair for each data folder, and refused wherever a real issuer stands."""

import json
import stat
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.settings import DEVELOPMENT_ISSUER, Settings
from api.sign_in.keys import Keys, fetch_from
from api.sign_in.tokens import SignIn
from graph.domain.errors import Invalid
from graph.domain.people import Person, Role
from infra.cli.token import issued
from infra.local.base import StackError
from infra.local.issuer import AUDIENCE, HOUR_S, HOURS, JWKS, KEY, USERS, DevelopmentIssuer, user_of
from infra.local.options import SystemOptions
from infra.local.system import running_system
from infra.settings import Settings as CommandSettings

pytestmark = pytest.mark.anyio

ED25519 = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
"""A key, but of another kind."""


def chosen(data: Path, **more: object) -> CommandSettings:
    return CommandSettings(**{"data": data, "stack": "local", "oidc_issuer": "", **more})  # type: ignore[arg-type]


async def test_its_tokens_name_its_users_to_an_api_with_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in DevelopmentIssuer.ensure(tmp_path, print).env().items():
        monkeypatch.setenv(name, value)
    settings = Settings(neo4j_uri="bolt://127.0.0.1:1", neo4j_password="none")  # type: ignore[call-arg, arg-type]
    keys = Keys(fetch_from(settings.oidc_issuer, settings.oidc_jwks))
    sign_in = SignIn(keys, issuer=settings.oidc_issuer, audience=settings.oidc_audience, claims=settings.claims)

    for name, person in USERS.items():
        assert await sign_in.person(f"Bearer {issued(chosen(tmp_path), name)}") == person


def test_the_key_pair_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first, second = DevelopmentIssuer.ensure(tmp_path, print), DevelopmentIssuer.ensure(tmp_path, print)

    assert first.public_jwk() == second.public_jwk()
    folder = first.jwks.parent
    assert stat.S_IMODE((folder / KEY).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "d" not in json.loads((folder / JWKS).read_text())["keys"][0]
    (tmp_path / "other").mkdir()
    assert DevelopmentIssuer.ensure(tmp_path / "other", print).key_id != first.key_id


@pytest.mark.parametrize("content", [b"", b"\0" * 200, b"-----BEGIN PRIVATE KEY-----\n", ED25519])
def test_a_damaged_key_is_replaced_and_announced(tmp_path: Path, content: bytes) -> None:
    """After a power cut `up` refused because the key's file was empty."""
    first = DevelopmentIssuer.ensure(tmp_path, print)
    (first.jwks.parent / KEY).write_bytes(content)
    with pytest.raises(StackError, match="is damaged: the next `redthread up` makes another"):
        issued(chosen(tmp_path), "investigator")
    said: list[str] = []

    second = DevelopmentIssuer.ensure(tmp_path, said.append)

    assert second.key_id not in ("", first.key_id)
    assert said == [
        f"{tmp_path}/sign-in/key.pem was damaged: there is a new key, and tokens from before are not taken any more"
    ]
    assert issued(chosen(tmp_path), "investigator")


def test_a_key_that_cannot_be_read_is_left_alone_and_named(tmp_path: Path) -> None:
    (tmp_path / "sign-in" / KEY).mkdir(parents=True)
    for ask in (lambda: DevelopmentIssuer.ensure(tmp_path, print), lambda: DevelopmentIssuer.of(tmp_path)):
        with pytest.raises(IsADirectoryError, match=r"key\.pem"):
            ask()


def test_a_token_lives_a_working_day_or_as_long_as_requested(tmp_path: Path) -> None:
    DevelopmentIssuer.ensure(tmp_path, print)

    def life(token: str) -> int:
        said = jwt.decode(token, options={"verify_signature": False})
        return said["exp"] - said["iat"]

    assert life(issued(chosen(tmp_path), "auditor")) == HOURS * HOUR_S
    assert life(issued(chosen(tmp_path), "auditor", hours=0.5)) == HOUR_S // 2


def test_there_is_no_token_with_a_real_sign_in_or_before_the_first_start(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="redthread up"):
        issued(chosen(tmp_path), "investigator")
    DevelopmentIssuer.ensure(tmp_path, print)
    with pytest.raises(Invalid, match="investigator, supervisor"):
        issued(chosen(tmp_path), "root")
    with pytest.raises(Invalid, match="stack `external` has a sign-in service of its own"):
        issued(CommandSettings(data=tmp_path, stack="external"), "investigator")
    with pytest.raises(Invalid, match="sign-in service of its own"):
        issued(chosen(tmp_path, oidc_issuer="https://id.police.example"), "investigator")


async def test_stack_external_has_no_development_issuer(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="REDTHREAD_OIDC_ISSUER"):
        async with running_system(SystemOptions(data=tmp_path, stack="external"), print):
            pass
    assert not (tmp_path / "sign-in").exists()


def test_the_users_are_those_that_the_readme_names() -> None:
    assert {name: (*(role.value for role in who.roles), who.district) for name, who in USERS.items()} == {
        "investigator": ("investigator", "north"),
        "supervisor": ("supervisor", "north"),
        "investigator2": ("investigator", "south"),
        "supervisor2": ("supervisor", "south"),
        "auditor": ("auditor", None),
        "operator": ("operator", None),
    }
    assert user_of(Role.INVESTIGATOR, "south") == Person("investigator2", frozenset({Role.INVESTIGATOR}), "south")
    assert user_of(Role.AUDITOR, "south") is None
    assert (DEVELOPMENT_ISSUER, AUDIENCE) == ("urn:redthread:development", "redthread")
