"""Why events have no notice, as `ingest` says it: what is away is named, and link is not blamed for it."""

from dataclasses import replace
from pathlib import Path

from streams.client.submission import explanation
from streams.settings import Addresses


def test_link_is_not_called_stuck_while_neo4j_is_away(stack: Addresses, tmp_path: Path) -> None:
    said = explanation(replace(stack, neo4j_uri="bolt://127.0.0.1:1"), "local", tmp_path)

    assert said == f"link waits for Neo4j, which does not answer; its log is {tmp_path / 'neo4j.log'}"


def test_a_kafka_that_is_away_is_named(tmp_path: Path) -> None:
    """Where Kafka had gone the explanation itself ended in a traceback."""
    said = explanation(Addresses("127.0.0.1:1", "bolt://127.0.0.1:1", "neo4j", "none"), "local", tmp_path)

    assert said == f"Kafka does not answer; its log is {tmp_path / 'kafka.log'}"
