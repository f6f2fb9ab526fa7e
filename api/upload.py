"""Forms with one file, kept in memory: a picture that is asked about must leave no trace on a disk by accident."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from graph.domain.errors import Invalid
from graph.space import Space

_CONTENT_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
FIELDS_MAX = 20
_PICTURES_AND_FILMS = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"\x00\x00\x00\x0cjP  ",
    b"\xff\x4f\xff\x51", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"RIFF", b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba",
    b"\x00\x00\x01\xb3", b"FLV\x01", b"OggS", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b".RMF", b"G",
)  # fmt: skip
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"pnot")

Said = TypeVar("Said", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Form:
    """The text fields of a form, and its file."""

    fields: dict[str, str]
    data: bytes
    content_type: str


class _InMemory(MultiPartParser):
    spool_max_size = 2**40
    """Bytes from which Starlette would write to a temporary file; the request's own limit comes long before."""


async def read_form(request: Request, space: Space) -> Form:
    """The form of a multipart request with exactly one file, named `file`; Invalid where it is another.

    Raises NoSpace, without reading it, while there is too little space to keep a file.
    """
    await asyncio.to_thread(space.check)
    parser = _InMemory(request.headers, request.stream(), max_files=1, max_fields=FIELDS_MAX, max_part_size=4096)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        # Its message may quote what was sent. KeyError: no boundary.
        raise Invalid("the form cannot be read", code="malformed_body") from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Invalid("the form has no file under the name `file`")
        fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        sent = (file.content_type or "").partition(";")[0].strip().lower()
        content_type = sent if _CONTENT_TYPE.fullmatch(sent) else "application/octet-stream"
        return Form(fields, await file.read(), content_type)
    finally:
        await form.close()


def check_media(data: bytes) -> None:
    """Refuses an upload that is empty, or that by its first bytes is neither a picture nor a film.

    It lets pass whatever may be one: embed decodes the file and says what it is.
    """
    if not data:
        raise Invalid("the file is empty", code="empty_file")
    if not data.startswith(_PICTURES_AND_FILMS) and data[4:8] not in _BOXES:
        raise Invalid("the file is neither a picture nor a video", code="unsupported_content_type")


def checked(model: type[Said], sent: bytes | dict[str, str]) -> Said:
    """The model of what was sent; a wrong one is refused as any other body is, without its values."""
    try:
        return model.model_validate_json(sent) if isinstance(sent, bytes) else model.model_validate(sent)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in found]) from None
