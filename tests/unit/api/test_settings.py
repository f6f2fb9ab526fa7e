"""The API listens on this machine only, whatever it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import WHY_LOOPBACK, Settings

GIVEN = {"REDTHREAD_NEO4J_URI": "bolt://127.0.0.1:7687", "REDTHREAD_NEO4J_PASSWORD": "a-password"}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    for name in ("REDTHREAD_API_HOST", "REDTHREAD_API_PORT", "REDTHREAD_DATA", "REDTHREAD_MEDIA_STORE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def read() -> Settings:
    return Settings()  # type: ignore[call-arg]


def test_the_defaults_are_loopback_and_the_known_port(given: pytest.MonkeyPatch) -> None:
    settings = read()
    assert (settings.api_host, settings.api_port, settings.neo4j_user) == ("127.0.0.1", 8400, "neo4j")
    assert settings.media_store_url == (Path.cwd() / ".redthread" / "store").as_uri()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "localhost.evil.example", ""])
def test_another_address_than_loopback_is_refused_with_the_reason(given: pytest.MonkeyPatch, host: str) -> None:
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
