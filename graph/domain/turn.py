"""A picture that is to be looked at turned: said by a note behind its last byte.

What a person uploads is kept as it came, and only the isolated decoder may read its pixels; so a turned picture is the
same bytes with a note, which no decoder of pictures minds. It is a media of its own, named by the SHA-256 of all its
bytes, and whoever decodes it again turns it alike.
"""

from __future__ import annotations

import re
from typing import Final

from graph.domain.errors import Invalid

TURNS: Final = (0, 90, 180, 270)
"""Degrees clockwise."""
_NOTE: Final = re.compile(rb"\nredthread turned (090|180|270)\n\Z")
_LONGEST: Final = 32


def turned(data: bytes, degrees: int) -> bytes:
    """The bytes of the picture turned clockwise; Invalid for an angle that is none of TURNS.

    Bytes that bring a note are turned on from there, so that the same view of a picture has one name.
    """
    if degrees not in TURNS:
        raise Invalid("rotate: 0, 90, 180 or 270")
    before = turn_of(data)
    plain = data[: -len(_note(before))] if before else data
    after = (before + degrees) % 360
    return plain + _note(after) if after else plain


def turn_of(data: bytes) -> int:
    """The degrees clockwise by which the picture in these bytes is to be turned after decoding."""
    found = _NOTE.search(data[-_LONGEST:])
    return int(found[1]) if found else 0


def _note(degrees: int) -> bytes:
    return b"\nredthread turned %03d\n" % degrees
