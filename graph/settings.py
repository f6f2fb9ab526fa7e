"""The settings that every process with access to the graph and the media store needs, read from REDTHREAD_*."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class GraphSettings(BaseSettings):
    """Where Neo4j and the media store are, and how much space must stay free."""

    # Values are left out of error texts, because one of them is a password.
    model_config = SettingsConfigDict(env_prefix="REDTHREAD_", extra="ignore", hide_input_in_errors=True)

    neo4j_uri: str = Field(default="bolt://127.0.0.1:7687", description="Neo4j's address")
    neo4j_user: str = Field(default="neo4j", description="Neo4j's user; command: stack `external` only")
    neo4j_password: SecretStr = Field(
        default=SecretStr(""), description="Neo4j's password; command: stack `external` only"
    )
    data: Path = Field(default=Path(".redthread"), description="the folder of all stored data")
    media_store: str = Field(
        default="", description="fsspec URL of crops and uploads; default: `store` in the data folder"
    )
    space_mib: int = Field(
        default=0, ge=0, description="free space, in MiB, below which nothing new is accepted; 0: a share of the disk"
    )

    @property
    def store_url(self) -> str:
        """The URL of the store of crops and uploads."""
        return self.media_store or (self.data.absolute() / "store").as_uri()

    @property
    def neo4j(self) -> tuple[str, str, str]:
        """Address, user and password, as `Store` takes them."""
        return self.neo4j_uri, self.neo4j_user, self.neo4j_password.get_secret_value()
