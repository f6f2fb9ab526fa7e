"""The settings of a worker process, read once from REDTHREAD_* in `streams.worker`, and the servers' addresses."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from graph.domain.errors import Invalid
from graph.settings import GraphSettings
from streams.kafka.connection import KafkaConnection

MIB = 1024 * 1024


def cache_folder() -> Path:
    """The folder of files that can be downloaded again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "redthread"


class SharedSettings(GraphSettings):
    """What the workers and the command that starts them both read."""

    media_roots: list[str] = Field(
        default_factory=list,
        description="URL prefixes that media may be fetched from (JSON list), file:// or https://; nothing else is",
    )
    sources: dict[str, list[str]] = Field(
        default_factory=lambda: {"local": ["north", "south"]},
        description="the case systems and the districts that each may speak for (JSON)",
    )
    models: Path = Field(default_factory=lambda: cache_folder() / "models", description="the folder of the model files")
    model_pack: Path | None = Field(
        default=None,
        description="a folder of ONNX files in InsightFace's layout, whose recogniser embeds faces; default: SFace",
    )
    calibration: Path | None = Field(
        default=None, description="a deployment's own calibration file, by `redthread bench calibrate`; link only"
    )


class StreamSettings(SharedSettings):
    """Addresses, folders and limits of the embed and link workers."""

    kafka: str = Field(description="Kafka's bootstrap addresses, host:port, comma separated")
    kafka_security: dict[str, str] = Field(
        default_factory=dict,
        description="SASL/TLS of the Kafka clients by librdkafka's names (JSON): security.protocol, sasl.mechanism, "
        "sasl.username, sasl.password, ssl.ca.location, ssl.certificate.location, ssl.key.location, ssl.key.password; "
        "no others",
    )
    worker_slot: str = Field(default="embed-0", description="a stable name of this worker, unique among its kind")
    threads: int = Field(default=1, ge=1, description="threads that find and embed faces in one embed worker")
    max_media_mib: int = Field(default=512, ge=1, description="largest media file that is fetched, in MiB")
    unreachable_patience_s: float = Field(
        default=20.0, ge=0, description="seconds of retries in place before a host's circuit opens"
    )
    unreachable_backoff_s: float = Field(
        default=60.0, gt=0, description="seconds until one event tests an unreachable host; doubles up to 15 minutes"
    )
    crash_at: str = Field(default="", description="crash point for failure tests: the process kills itself there")

    @property
    def kafka_connection(self) -> KafkaConnection:
        """Raises Invalid for security settings that not every Kafka client obeys."""
        return KafkaConnection(self.kafka, self.kafka_security)

    @property
    def faust_folder(self) -> Path:
        """This worker's folder for Faust's own files."""
        return self.data.absolute() / "faust" / self.worker_slot


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses and credentials of Kafka and Neo4j."""

    kafka: str
    neo4j_uri: str
    neo4j_user: str
    neo4j_password: str = field(repr=False)
    kafka_security: str = "{}"
    """SASL/TLS settings of the Kafka clients as JSON, by librdkafka's names."""

    @property
    def neo4j(self) -> tuple[str, str, str]:
        """URI, user and password, as `Store` takes them."""
        return self.neo4j_uri, self.neo4j_user, self.neo4j_password

    @property
    def kafka_connection(self) -> KafkaConnection:
        """Raises Invalid for security settings that are not JSON or that not every Kafka client obeys."""
        try:
            security = json.loads(self.kafka_security)
        except ValueError:
            raise Invalid("REDTHREAD_KAFKA_SECURITY is not JSON") from None
        return KafkaConnection(self.kafka, security)

    def env(self) -> dict[str, str]:
        """The environment variables by which a process of Redthread finds the servers."""
        return {
            "REDTHREAD_KAFKA": self.kafka,
            "REDTHREAD_KAFKA_SECURITY": self.kafka_security,
            "REDTHREAD_NEO4J_URI": self.neo4j_uri,
            "REDTHREAD_NEO4J_USER": self.neo4j_user,
            "REDTHREAD_NEO4J_PASSWORD": self.neo4j_password,
        }
