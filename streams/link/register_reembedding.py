"""Embeds a register's faces under another model, beside the present embeddings and while the register is in use."""

import asyncio
import operator
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, Message, Producer
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_fixed

from graph.actions.link.cursor import read_cursor
from graph.actions.operate import models
from graph.domain.errors import RedthreadError
from graph.store.session import Store
from streams import topics
from streams.faces.reembed import FaceReembedder
from streams.kafka.connection import KafkaConnection
from streams.kafka.sending import gallery_headers
from streams.records.gallery import FacesEmbedded, ReembeddedFace

AHEAD: Final = 5
"""Records that may wait for link: more would delay the events of case systems."""
POLL_S: Final = 0.1
NOTIFY_EVERY_S: Final = 30.0
SEND_S: Final = 60.0

Notify = Callable[[str], None]
"""Shows the operator a message."""


class NotSent(RedthreadError):
    """Kafka did not take a record."""

    code = "not_sent"


class GalleryWriter:
    """Writes records to the gallery log, in order."""

    def __init__(self, kafka: KafkaConnection) -> None:
        settings = kafka.librdkafka(
            enable_idempotence=True, acks="all", compression_type="zstd", message_max_bytes=topics.GALLERY_MAX
        )
        self._producer = Producer(settings)

    def write(self, record: FacesEmbedded) -> int:
        """Writes the record and returns its offset. Blocks: call it in a thread. Raises NotSent."""
        found: list[int] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None and (offset := message.offset()) is not None:
                found.append(offset)

        key = record.faces[0].face_id
        # Any: the types of confluent-kafka do not allow bytes as header values.
        headers: Any = gallery_headers(record, key)
        self._producer.produce(
            topics.GALLERY, record.model_dump_json().encode(), key.encode(), headers=headers, on_delivery=delivered
        )
        self._producer.flush(SEND_S)
        if not found:
            raise NotSent(
                "Kafka does not take the records of the gallery log: see `redthread status`, then run it again"
            )
        return found[0]


async def embed_missing(
    store: Store,
    reembedder: FaceReembedder,
    log: GalleryWriter,
    model_id: str,
    *,
    progress: Callable[[int], None],
    notify: Notify,
) -> int:
    """Embeds every face without an embedding under the model, up to the last few that arrive meanwhile.

    Returns the number of faces that cannot be embedded: neither their crop nor their picture is left. Safe to stop at
    any time: faces that link has stored are not embedded again. Calls `progress` with the number of faces written.
    """
    written = 0
    while True:
        before, last, lost = written, -1, 0
        async for page in models.lacking(store, model_id):
            faces = await asyncio.to_thread(_embedded, reembedder, page)
            lost += len(page) - len(faces)
            if not faces:
                continue
            record = FacesEmbedded(model_id=model_id, faces=faces)
            last = await asyncio.to_thread(log.write, record)
            written += len(faces)
            progress(written)
            await until_applied(store, last - AHEAD, notify)
        await until_applied(store, last, notify)
        if written - before < models.PAGE:
            return lost


def _embedded(reembedder: FaceReembedder, page: Sequence[models.StoredFace]) -> list[ReembeddedFace]:
    return [face for face in map(reembedder.embed, page) if face is not None]


async def until_applied(store: Store, offset: int, notify: Notify) -> None:
    """Returns once link has applied the log's record at `offset`."""

    async def applied() -> bool:
        return (await read_cursor(store)).offset >= offset

    await _until(applied, "waiting for link, which has not taken the records yet: does it run?", notify)


async def until_switched(store: Store, to: models.Chosen, notify: Notify) -> None:
    """Returns once the register has switched to the model and score."""

    async def switched() -> bool:
        cursor = await read_cursor(store)
        return (cursor.model_id, cursor.score_id) == (to.model_id, to.score_id)

    await _until(switched, "waiting for link, which compares all faces anew: does it run?", notify)


async def _until(holds: Callable[[], Awaitable[bool]], waiting: str, notify: Notify) -> None:
    def remind(state: RetryCallState) -> None:
        if state.attempt_number % round(NOTIFY_EVERY_S / POLL_S) == 0:
            notify(waiting)

    polling = AsyncRetrying(retry=retry_if_result(operator.not_), wait=wait_fixed(POLL_S), before_sleep=remind)
    await polling(holds)
