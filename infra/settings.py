"""The settings of the command `redthread` and of the servers that it starts, read once from REDTHREAD_*."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, TypeAdapter, ValidationError, field_validator

from streams.settings import SharedSettings

CHECKOUT = Path(__file__).parent.parent
StackName = Literal["local", "containers", "external"]


def _named(folder: object) -> object:
    """Refuses an empty name: as a path it would be the current folder."""
    if folder == "":
        raise ValueError("names no folder")
    return folder


class Settings(SharedSettings):
    """Where things run; every value has a default that works on one machine."""

    data: Annotated[Path, BeforeValidator(_named)] = Field(
        default=CHECKOUT / ".redthread", description="the folder for everything that is kept"
    )
    stack: StackName = Field(default="local", description="where Kafka and Neo4j come from")
    embed: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=0, description="embed workers; default: one a core"
    )
    api_port: int = Field(default=8400, ge=0, le=65535, description="port of the API; 0 takes a free one")
    kafka_port: int = Field(default=19092, ge=0, le=65535, description="port of the local Kafka; 0 takes a free one")
    neo4j_port: int = Field(default=17687, ge=0, le=65535, description="port of the local Neo4j; 0 takes a free one")
    maven_repository: str = Field(default="", description="address of a Maven mirror for the local servers' jars")
    memory_mib: int = Field(
        default=0, ge=0, description="memory to reckon with, in MiB; 0: what the machine and its containers allow"
    )
    kafka: str = Field(default="", description="stack `external`: Kafka's bootstrap addresses")
    kafka_security: str = Field(default="{}", description="stack `external`: SASL/TLS by librdkafka's names (JSON)")
    kafka_is_durable: bool = Field(
        default=False, description="stack `external`: vouches for topics whose settings may not be read"
    )
    neo4j_uri: str = Field(default="", description="stack `external`: Neo4j's address")
    oidc_issuer: str = Field(default="", description="the sign-in service; default: the local stack's own")
    token: SecretStr = Field(default=SecretStr(""), description="a token to ask the API with, of a real issuer")

    @field_validator("kafka_security")
    @classmethod
    def _texts_by_name(cls, security: str) -> str:
        try:
            TypeAdapter(dict[str, str]).validate_json(security)
        except ValidationError:
            raise ValueError("a JSON object of texts") from None
        return security
