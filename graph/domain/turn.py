"""By how many degrees a person turned a picture before its faces are looked for."""

from __future__ import annotations

import re
from typing import Final

TURNS: Final = (0, 90, 180, 270)
"""Degrees clockwise."""
_NOTE: Final = re.compile(rb"\nredthread turned (090|180|270)\n\Z")
_LONGEST: Final = 32


def noted_turn(data: bytes) -> int:
    """The degrees clockwise that a note behind the picture's last byte tells; 0 without one.

    Earlier releases stored an uploaded picture that was turned with such a note. It is a media of its own, named by the
    SHA-256 of all its bytes, whose boxes are those in the turned picture.
    """
    found = _NOTE.search(data[-_LONGEST:])
    return int(found[1]) if found else 0
