"""`redthread topics`: creates the topics that are missing, or only says what is not as it must be."""

from __future__ import annotations

from typing import Annotated

import typer
from confluent_kafka.admin import AdminClient

from infra.cli.common import DataOption, settings
from infra.local.running import addresses_of
from streams.topics import check_topics, ensure_topics, table


def topics(
    data: DataOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 where something differs.")
    ] = False,
) -> None:
    """Create the topics of all sources, and check that each is as the table of topics says."""
    chosen = settings(data=data)
    addresses = addresses_of(chosen)
    security = addresses.security
    if check:
        admin = AdminClient({"bootstrap.servers": addresses.kafka, "log_level": 0, **security})
        differences = check_topics(admin, table(chosen.sources), is_vouched=chosen.kafka_is_durable)
        for line in differences:
            print(line)
        raise typer.Exit(1 if differences else 0)
    for name in ensure_topics(addresses.kafka, chosen.sources, security, is_vouched=chosen.kafka_is_durable):
        print(f"created {name}")
    print(f"{len(table(chosen.sources))} topics are as they must be")
