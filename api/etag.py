"""The version of what a decision is made on: `If-Match` in, `ETag` out."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import Depends, Header

from graph.domain.errors import Invalid

_ETAG: Final = re.compile(r'"(0|[1-9][0-9]{0,8})"')
ETAG: Final[dict[str, Any]] = {
    "ETag": {"description": "the version that a decision names", "schema": {"type": "string"}, "example": '"1"'}
}


def etag(version: int) -> str:
    return f'"{version}"'


async def _version(
    if_match: Annotated[str, Header(description="the version that you saw, quoted", examples=['"0"'])],
) -> int:
    """The version that If-Match names: one strong, quoted number, never `*`, which would decide unseen."""
    named = _ETAG.fullmatch(if_match.strip())
    if named is None:
        raise Invalid('If-Match is one version in quotes, as the ETag gave it: "3"', code="malformed_version")
    return int(named[1])


Version = Annotated[int, Depends(_version)]
