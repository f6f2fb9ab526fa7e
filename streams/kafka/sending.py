"""Sends a record until the broker has it, and makes the CloudEvents headers of our own records."""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka.errors import MessageSizeTooLargeError
from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import BaseModel

from graph.domain.errors import Unprocessable
from streams.records.gallery import TYPE_OF
from streams.records.quarantine import Headers

log = logging.getLogger(__name__)
FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 10.0
SOURCE: Final = "/redthread"


async def send_sure(topic: Any, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> None:
    """Returns when the broker has the record; waits for ever while the broker is away.

    Raises Unprocessable where the record is too large for its topic. A plain loop: building a retrier for each record
    costs more than sending it.
    """
    wait_s = FIRST_WAIT_S
    while True:
        try:
            await (await topic.send(key=key, value=value, headers=list(headers)))
            return
        except Exception as error:
            # Every failure but the size passes. Faust wraps what aiokafka raises.
            if isinstance(error, MessageSizeTooLargeError) or isinstance(error.__cause__, MessageSizeTooLargeError):
                raise Unprocessable("the record is larger than its topic takes", code="record_too_large") from error
            log.warning("sending waits: %s", type(error).__name__)
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)


def headers_of(ce_type: str, subject: str, ce_id: str | None = None) -> Headers:
    """CloudEvents 1.0 binary mode headers of a record of ours."""
    event = CloudEvent(
        attributes={
            "id": ce_id or str(uuid.uuid4()),
            "source": SOURCE,
            "specversion": "1.0",
            "type": ce_type,
            "subject": subject,
            "time": datetime.now(UTC),
            "datacontenttype": "application/json",
        },
        data={},
    )
    return list(to_binary(event, JSONFormat()).headers.items())


def gallery_headers(record: BaseModel, subject: str) -> Headers:
    return headers_of(TYPE_OF[type(record)], subject)
