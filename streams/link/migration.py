"""Embeds the faces of a register under another model, beside what they have, while the register goes on as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, Message, Producer

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
"""Records that link need not have taken yet: more would only stand in front of what case systems send."""
LOOK_S: Final = 0.1
SAY_EVERY_S: Final = 30.0
SEND_S: Final = 60.0

Tell = Callable[[str], None]


class NotSent(RedthreadError):
    """Kafka did not take a record."""

    code = "not_sent"


class GalleryLog:
    """The gallery log to write to: what is written is in it, in order."""

    def __init__(self, kafka: KafkaConnection) -> None:
        settings = kafka.librdkafka(
            enable_idempotence=True, acks="all", compression_type="zstd", message_max_bytes=topics.GALLERY_MAX
        )
        self._producer = Producer(settings)

    def write(self, record: FacesEmbedded) -> int:
        """The record's offset. Blocks: call it in a thread. Raises NotSent."""
        found: list[int] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None and (offset := message.offset()) is not None:
                found.append(offset)

        key = record.faces[0].face_id
        # Any: confluent-kafka does not say that header values may be bytes.
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


async def embed_lacking(
    store: Store, again: FaceReembedder, log: GalleryLog, model_id: str, *, moved: Callable[[int], None], tell: Tell
) -> int:
    """Every face has an embedding under the model, or can't have one; of those that came meanwhile all but a few.

    Returns how many can't: neither crop nor picture is left of them. May be ended at any time: what link has taken is
    not done again. `moved` is told how many faces are written.
    """
    written = 0
    while True:
        before, last, lost = written, -1, 0
        async for page in models.lacking(store, model_id):
            faces = await asyncio.to_thread(_embedded, again, page)
            lost += len(page) - len(faces)
            if not faces:
                continue
            record = FacesEmbedded(model_id=model_id, faces=faces)
            last = await asyncio.to_thread(log.write, record)
            written += len(faces)
            moved(written)
            await until_taken(store, last - AHEAD, tell)
        await until_taken(store, last, tell)
        if written - before < models.PAGE:
            return lost


def _embedded(again: FaceReembedder, page: Sequence[models.StoredFace]) -> list[ReembeddedFace]:
    return [face for face in map(again.embed, page) if face is not None]


async def until_taken(store: Store, offset: int, tell: Tell) -> None:
    """Returns once link has taken the log's record at `offset`."""

    async def taken() -> bool:
        return (await read_cursor(store)).offset >= offset

    await _until(taken, "waiting for link, which has not taken the records yet: does it run?", tell)


async def until_switched(store: Store, to: models.Chosen, tell: Tell) -> None:
    """Returns once the register holds the model's vectors and the links that the score proposes."""

    async def switched() -> bool:
        cursor = await read_cursor(store)
        return (cursor.model_id, cursor.score_id) == (to.model_id, to.score_id)

    await _until(switched, "waiting for link, which compares all faces anew: does it run?", tell)


async def _until(holds: Callable[[], Awaitable[bool]], waiting: str, tell: Tell) -> None:
    waited = 0.0
    while not await holds():
        await asyncio.sleep(LOOK_S)
        waited += LOOK_S
        if waited >= SAY_EVERY_S:
            tell(waiting)
            waited = 0.0
