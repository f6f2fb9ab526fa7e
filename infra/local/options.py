"""The options of a system."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.settings import StackName
from streams.settings import Addresses, cache_folder


@dataclass(frozen=True, slots=True)
class SystemOptions:
    """The processes of a system, their data folder, ports and limits; port 0 is any free one."""

    data: Path
    stack: StackName = "local"
    kafka_port: int = 0
    neo4j_port: int = 0
    api_port: int = 0
    embed: int = field(default_factory=lambda: os.cpu_count() or 1)
    link: bool = True
    api: bool = True
    media_roots: Sequence[str] = ()
    sources: Mapping[str, list[str]] = field(default_factory=lambda: {"local": ["north", "south"]})
    models: Path = field(default_factory=lambda: cache_folder() / "models")
    model_pack: Path | None = None
    maven_repository: str = ""
    short_lived: bool = False
    """For a demo or a test: servers that start faster, and are slower in long runs on a growing graph."""
    memory_mib: int = 0
    """Memory that the local stack is sized for; 0: what the machine and its containers allow."""
    space_mib: int = 0
    """Free space, in MiB, below which nothing new is taken in; 0: a share of each disk."""
    discard_unreadable_log: bool = False
    """Neo4j's first start drops the unreadable part of its transaction log."""
    external: Addresses | None = None
    """For stack `external`."""
    kafka_is_durable: bool = False
    """The operator vouches for the topics, where their settings cannot be read."""
    issuer: str = ""
    """The issuer whose tokens the API accepts; empty: the data folder's own development issuer."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Additional environment variables of workers and API."""
