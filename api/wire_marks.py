"""Faces that people mark, over the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from api import examples
from api.wire import WireIn, WireOut

Pixel = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
"""A place or a length in a picture; far above the largest that is decoded."""


class MarkIn(WireIn):
    """Where the face is: `[x, y, w, h]`, whole pixels of the upright picture, inside it and 16 or more each way."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MARK]})

    box: list[Pixel] = Field(min_length=4, max_length=4)


class WaitingMarkOut(WireOut):
    """A marked face on its way into the register; one in quarantine has a `reason` and can be replayed."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.WAITING_MARK]})

    face_id: str
    box: list[int]
    marked_by: str
    marked_at: str
    status: Literal["waiting", "quarantined"]
    reason: str | None


class MarkedOut(WireOut):
    """The mark is stored and on its way; the face stands among the `items` at `Location` once it is compared."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MARKED]})

    face_id: str
    media_id: str
    box: list[int]
    status: Literal["waiting"] = "waiting"
