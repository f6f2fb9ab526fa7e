"""The Faust apps: which agent reads which topic. Agent bodies decode, call one step, and never raise.

Shapes and settings follow what was measured on Kafka 4.4: an exception in an agent body loses the event, a small
buffer caps the rate, a finite poll interval can stall a worker for good.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import faust

from streams import topics
from streams.kafka.header_names import tolerate_any_header_name
from streams.records.message import Message
from streams.settings import StreamSettings

EMBED_GROUP: Final = "redthread-embed"
LINK_GROUP: Final = "redthread-link"
CLIENT_ID: Final = "redthread"
"""By which Kafka tells our own clients from those of case systems, whose rate is limited while space is low."""
COMMIT_S: Final = 2.0
"""Between commits of the offsets. A commit costs what two records cost; a crash repeats what came in after the last."""
LINK_BATCH: Final = 64
LINK_WITHIN_S: Final = 0.05
FETCH_WAIT_S: Final = 0.25
"""The longest that a lone record waits for others."""
FETCH_BYTES: Final = 128 * 1024
"""About LINK_BATCH records of the gallery log: a backlog is fetched without waiting."""

Handle = Callable[[Message], Awaitable[None]]
HandleBatch = Callable[[list[Message]], Awaitable[None]]


def read_by(sources: Sequence[str]) -> dict[str, list[str]]:
    """The topics that each consumer group reads."""
    inputs = [topic for source in sources for topic in (topics.media_submitted(source), *topics.changes(source))]
    return {EMBED_GROUP: [*inputs, topics.PROBES], LINK_GROUP: [topics.GALLERY, topics.QUARANTINE]}


def make_app(name: str, settings: StreamSettings, *, instance: str | None, session_timeout_s: float) -> Any:
    """A Faust app with the measured settings; `instance` makes its membership static."""
    tolerate_any_header_name()
    datadir = Path(settings.data).absolute() / "faust" / settings.worker_slot
    datadir.mkdir(parents=True, exist_ok=True)
    return faust.App(
        name,
        broker=[f"kafka://{address}" for address in settings.kafka.split(",")],
        broker_client_id=CLIENT_ID,
        broker_credentials=credentials(settings.kafka_security),
        value_serializer="raw",
        key_serializer="raw",
        store="memory://",
        datadir=datadir,
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


def fetch_in_bulk(app: Any) -> None:
    """From now on the app's consumer, which must be started, fetches what came within FETCH_WAIT_S as one.

    Faust has no setting for it, and a fetch for each record costs link and the broker more than the record does.
    """
    fetcher = app.consumer._thread._consumer._fetcher
    fetcher._fetch_min_bytes = FETCH_BYTES
    fetcher._fetch_max_wait_ms = int(FETCH_WAIT_S * 1000)


def credentials(security: dict[str, str]) -> Any:
    """Faust's credentials for librdkafka's setting names; None for a plain connection."""
    protocol = security.get("security.protocol", "PLAINTEXT").upper()
    if protocol == "PLAINTEXT":
        return None
    import ssl

    context = ssl.create_default_context(cafile=security.get("ssl.ca.location")) if protocol.endswith("SSL") else None
    if context is not None and "ssl.certificate.location" in security:
        context.load_cert_chain(
            security["ssl.certificate.location"], security.get("ssl.key.location"), security.get("ssl.key.password")
        )
    if protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=security.get("sasl.username"),
        password=security.get("sasl.password"),
        mechanism=security.get("sasl.mechanism", "SCRAM-SHA-512"),
        ssl_context=context,
    )


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
    """An agent that handles one event of a partition at a time; `parallel` runs the partitions side by side."""

    async def agent(stream: Any) -> None:
        async for event in stream.events():
            await handle(message_of(event))

    app.agent(app.topic(*names, value_serializer="raw", key_serializer="raw"), name=name, isolated_partitions=parallel)(
        agent
    )


def read_batches(app: Any, topic: str, handle: HandleBatch, *, name: str) -> None:
    """An agent that handles a topic in batches, in order; a batch is acknowledged when `handle` returns."""

    async def agent(stream: Any) -> None:
        async for events in stream.take_events(LINK_BATCH, within=LINK_WITHIN_S):
            await handle([message_of(event) for event in events])

    app.agent(app.topic(topic, value_serializer="raw", key_serializer="raw"), name=name)(agent)
