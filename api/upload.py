"""Reads forms with one file, in memory: an uploaded picture must leave no temporary file on a disk."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from graph.domain.errors import Invalid
from graph.domain.media_kinds import may_be_media
from graph.space import Space

_CONTENT_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
FIELDS_MAX: Final = 20
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Form:
    """The text fields of a form, and its file."""

    fields: dict[str, str]
    data: bytes
    content_type: str


class _InMemory(MultiPartParser):
    spool_max_size = 2**40
    """Bytes from which Starlette writes to a temporary file; the request's own limit is far lower."""


async def read_form(request: Request, space: Space) -> Form:
    """The form of a multipart request with exactly one file, named `file`; else Invalid.

    Raises NoSpace before reading it while there is too little space to store a file.
    """
    await asyncio.to_thread(space.check)
    parser = _InMemory(request.headers, request.stream(), max_files=1, max_fields=FIELDS_MAX, max_part_size=4096)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        # The message may quote the input. KeyError: no boundary.
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


def form_body(schema: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI content of a form with the fields of this schema and a file."""
    properties = {"file": {"type": "string", "format": "binary"}, **schema["properties"]}
    form = {**schema, "properties": properties, "required": ["file", *schema["required"]]}
    return {"multipart/form-data": {"schema": form}}


def check_media(data: bytes) -> None:
    """Raises Invalid for an upload that is empty, or whose first bytes are those of neither a picture nor a film.

    The check is permissive: embed decodes the file and decides.
    """
    if not data:
        raise Invalid("the file is empty", code="empty_file")
    if not may_be_media(data):
        raise Invalid("the file is neither a picture nor a video", code="unsupported_content_type")


def checked(model: type[Model], sent: bytes | Mapping[str, object]) -> Model:
    """The validated model of a body; an invalid one is refused like any other body, without its values."""
    try:
        return model.model_validate_json(sent) if isinstance(sent, bytes) else model.model_validate(sent)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in found]) from None
