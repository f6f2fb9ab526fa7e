"""Forms with one file, kept in memory: a picture that is asked about must leave no trace on a disk by accident."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from graph.domain.errors import Invalid

_CONTENT_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
FIELDS_MAX = 20


@dataclass(frozen=True, slots=True)
class Form:
    """The text fields of a form, and its file."""

    fields: dict[str, str]
    data: bytes
    content_type: str


class _InMemory(MultiPartParser):
    spool_max_size = 2**40
    """Bytes from which Starlette would write to a temporary file; the request's own limit comes long before."""


async def read_form(request: Request) -> Form:
    """The form of a multipart request with exactly one file, named `file`; Invalid where it is another."""
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
