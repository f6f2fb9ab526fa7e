"""`redthread topics`: creates the topics that are missing, or only says what is not as it must be."""

from typing import Annotated

import typer

from infra.cli.common import DataOption, settings
from infra.local.running import addresses_of
from streams.kafka.admin import admin_client, check_topics, ensure_topics
from streams.topics import table


def topics(
    data: DataOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 where something differs.")
    ] = False,
) -> None:
    """Create the topics of all sources, and check that each is as the table of topics says."""
    chosen = settings(data=data)
    kafka = addresses_of(chosen).kafka_connection
    if check:
        differences = check_topics(admin_client(kafka), table(chosen.sources), is_vouched=chosen.kafka_is_durable)
        for line in differences:
            print(line)
        raise typer.Exit(1 if differences else 0)
    for name in ensure_topics(kafka, chosen.sources, is_vouched=chosen.kafka_is_durable):
        print(f"created {name}")
    print(f"{len(table(chosen.sources))} topics are as they must be")
