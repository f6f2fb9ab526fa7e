"""The angles by which a picture can be turned before detection."""

import re
from typing import Final

TURNS: Final = (0, 90, 180, 270)
"""Degrees clockwise."""
_NOTE: Final = re.compile(rb"\nredthread turned (090|180|270)\n\Z")
_LONGEST: Final = 32


def noted_turn(data: bytes) -> int:
    """The degrees clockwise in a note after the picture's last byte; 0 without one.

    Earlier releases appended such a note to uploaded pictures that were turned. Such a file is a media of its own,
    named by the SHA-256 of all its bytes; its boxes refer to the turned picture.
    """
    found = _NOTE.search(data[-_LONGEST:])
    return int(found[1]) if found else 0
