"""What the API is told from outside, read once at the composition root."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK: Final = ("127.0.0.1", "::1")
WHY_LOOPBACK: Final = (
    "Until sign-in exists, whoever reaches this API is believed to be the person that header Redthread-Actor names: "
    "it listens on this machine only, and refuses any other address."
)


class Settings(BaseSettings):
    """Environment variables with prefix `REDTHREAD_`."""

    # Values are left out of error texts, because one of them is a password.
    model_config = SettingsConfigDict(env_prefix="REDTHREAD_", extra="ignore", hide_input_in_errors=True)

    neo4j_uri: str = Field(description="Bolt address of Neo4j")
    neo4j_user: str = "neo4j"
    neo4j_password: SecretStr
    data: Path = Field(default=Path(".redthread"), description="folder of the local stack's data")
    media_store: str = Field(default="", description="fsspec URL of crops and uploads; default: `store` in the data")
    api_host: str = Field(default=LOOPBACK[0], description="address to listen on: loopback only")
    api_port: int = Field(default=8400, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    api_upload_bytes: int = Field(
        default=64 * 1024 * 1024, gt=0, description="largest request with a file; it is held in memory"
    )

    @field_validator("api_host")
    @classmethod
    def _loopback_only(cls, host: str) -> str:
        if host not in LOOPBACK:
            raise ValueError(WHY_LOOPBACK)
        return host

    @property
    def media_store_url(self) -> str:
        """Where crops and uploads are kept."""
        return self.media_store or (self.data.absolute() / "store").as_uri()
