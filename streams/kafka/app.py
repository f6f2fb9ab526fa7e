"""The Faust apps: their settings, and the agents that read their topics.

An agent body decodes, calls one handler, and never raises. Settings follow measurements on Kafka 4.4: an exception in
an agent body loses the event, a small buffer limits the rate, a finite poll interval can stall a worker for good.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import faust

from streams import topics
from streams.kafka.connection import CLIENT_ID, KafkaConnection
from streams.kafka.library_patches import tolerate_any_header_name
from streams.records.message import Message

COMMIT_S: Final = 2.0
"""Between commits of the offsets. A commit costs as much as two records; a crash repeats what came after the last."""
LINK_BATCH: Final = 64
LINK_WITHIN_S: Final = 0.05

Handle = Callable[[Message], Awaitable[None]]
HandleBatch = Callable[[list[Message]], Awaitable[None]]


def make_app(
    group: str, kafka: KafkaConnection, folder: Path, *, instance: str | None = None, session_timeout_s: float
) -> Any:
    """A Faust app of this consumer group with its own `folder`; an `instance` makes its membership static."""
    tolerate_any_header_name()
    folder.mkdir(parents=True, exist_ok=True)
    return faust.App(
        group,
        broker=[f"kafka://{address}" for address in kafka.bootstrap.split(",")],
        broker_client_id=CLIENT_ID,
        broker_credentials=faust_credentials(kafka),
        value_serializer="raw",
        key_serializer="raw",
        store="memory://",
        datadir=folder,
        broker_commit_interval=COMMIT_S,
        broker_max_poll_interval=86400.0,
        broker_max_poll_records=500,
        stream_buffer_maxsize=1024,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=session_timeout_s / 5,
        broker_request_timeout=90.0,
        broker_rebalance_timeout=120.0,
        consumer_group_instance_id=instance,
        consumer_metadata_max_age_ms=10_000,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=True,
        producer_acks=-1,
        producer_max_request_size=topics.GALLERY_MAX,
        consumer_max_fetch_size=topics.GALLERY_MAX,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
    )


def faust_credentials(kafka: KafkaConnection) -> Any:
    """Faust's credentials of the connection; None for a plain one."""
    if kafka.uses_sasl:
        return faust.SASLCredentials(
            username=kafka.security.get("sasl.username"),
            password=kafka.security.get("sasl.password"),
            mechanism=kafka.mechanism,
            ssl_context=kafka.ssl_context(),
        )
    return faust.SSLCredentials(kafka.ssl_context()) if kafka.protocol == "SSL" else None


def raw_topic(app: Any, *names: str) -> Any:
    """The app's channel of these topics, whose keys and values are bytes."""
    return app.topic(*names, value_serializer="raw", key_serializer="raw")


def message_of(event: Any) -> Message:
    """A Faust event as a plain record."""
    raw = event.message
    return Message(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=raw.key,
        value=raw.value,
        headers=[(str(name), value) for name, value in raw.headers or ()],
        timestamp=round(raw.timestamp * 1000),
    )


def read_each(app: Any, names: Sequence[str], handle: Handle, *, name: str, parallel: bool) -> None:
    """Registers an agent that handles one event of a partition at a time; `parallel` handles partitions at once."""

    async def agent(stream: Any) -> None:
        async for event in stream.events():
            await handle(message_of(event))

    app.agent(raw_topic(app, *names), name=name, isolated_partitions=parallel)(agent)


def read_batches(app: Any, topic: str, handle: HandleBatch, *, name: str) -> None:
    """Registers an agent that handles a topic in batches, in order; `handle` returning acknowledges a batch."""

    async def agent(stream: Any) -> None:
        async for events in stream.take_events(LINK_BATCH, within=LINK_WITHIN_S):
            await handle([message_of(event) for event in events])

    app.agent(raw_topic(app, topic), name=name)(agent)
