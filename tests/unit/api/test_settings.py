"""Where the API listens and whose tokens it takes: the development issuer stays on one machine."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import DEVELOPMENT_ISSUER, WHY_LOOPBACK, Settings

DEVELOPMENT = {"REDTHREAD_OIDC_ISSUER": DEVELOPMENT_ISSUER, "REDTHREAD_OIDC_JWKS": "file:///data/jwks.json"}
REAL = {"REDTHREAD_OIDC_ISSUER": "https://id.police.example/realm", "REDTHREAD_OIDC_JWKS": ""}
GIVEN = {"REDTHREAD_NEO4J_URI": "bolt://127.0.0.1:7687", "REDTHREAD_NEO4J_PASSWORD": "a-password", **DEVELOPMENT}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    for name in (
        "REDTHREAD_API_PUBLIC_HOSTS",
        "REDTHREAD_API_HOST",
        "REDTHREAD_API_PORT",
        "REDTHREAD_DATA",
        "REDTHREAD_MEDIA_STORE",
    ):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def read() -> Settings:
    return Settings()  # type: ignore[call-arg]


def test_the_defaults_are_loopback_and_the_known_port(given: pytest.MonkeyPatch) -> None:
    settings = read()
    assert (settings.api_host, settings.api_port, settings.neo4j_user) == ("127.0.0.1", 8400, "neo4j")
    assert settings.store_url == (Path.cwd() / ".redthread" / "store").as_uri()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "localhost.evil.example", ""])
def test_with_the_development_issuer_another_address_is_refused_with_the_reason(
    given: pytest.MonkeyPatch, host: str
) -> None:
    given.setenv("REDTHREAD_API_HOST", host)

    with pytest.raises(ValidationError) as refused:
        read()

    assert WHY_LOOPBACK in str(refused.value)


def test_a_refusal_never_tells_the_password(given: pytest.MonkeyPatch) -> None:
    given.setenv("REDTHREAD_API_PORT", "a-port")

    with pytest.raises(ValidationError) as refused:
        read()

    assert "a-password" not in str(refused.value)
    assert "a-port" not in str(refused.value)


def test_with_the_development_issuer_a_public_name_is_refused(given: pytest.MonkeyPatch) -> None:
    given.setenv("REDTHREAD_API_PUBLIC_HOSTS", '["redthread.police.example"]')

    with pytest.raises(ValidationError, match="on this machine only"):
        read()


def test_with_a_real_issuer_the_api_may_listen_anywhere_under_the_names_of_its_settings(
    given: pytest.MonkeyPatch,
) -> None:
    for name, value in REAL.items():
        given.setenv(name, value)
    given.setenv("REDTHREAD_API_HOST", "0.0.0.0")
    given.setenv("REDTHREAD_API_PUBLIC_HOSTS", '["redthread.police.example"]')

    settings = read()

    assert (settings.api_host, settings.api_public_hosts) == ("0.0.0.0", ["redthread.police.example"])
    assert not settings.is_development


@pytest.mark.parametrize(
    ("issuer", "jwks"),
    [
        ("", ""),
        ("https://id.police.example", DEVELOPMENT["REDTHREAD_OIDC_JWKS"]),
        ("https://id.police.example", "http://id.police.example/keys"),
        ("http://id.police.example", ""),
        ("urn:redthread:other", "file:///data/jwks.json"),
        (DEVELOPMENT_ISSUER, ""),
        (DEVELOPMENT_ISSUER, "https://id.police.example/keys"),
        (DEVELOPMENT_ISSUER, "file:relative.json"),
    ],
)
def test_a_real_issuer_has_its_keys_under_https_and_the_development_issuer_in_a_file(
    given: pytest.MonkeyPatch, issuer: str, jwks: str
) -> None:
    given.setenv("REDTHREAD_OIDC_ISSUER", issuer)
    given.setenv("REDTHREAD_OIDC_JWKS", jwks)

    with pytest.raises(ValidationError):
        read()


@pytest.mark.parametrize("name", ["*", "*.police.example", "https://police.example", "police.example:443", "", "a b"])
def test_a_public_host_is_a_plain_name(given: pytest.MonkeyPatch, name: str) -> None:
    for key, value in REAL.items():
        given.setenv(key, value)
    given.setenv("REDTHREAD_API_PUBLIC_HOSTS", json.dumps([name]))

    with pytest.raises(ValidationError):
        read()
