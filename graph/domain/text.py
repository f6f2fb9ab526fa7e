"""Text from people and systems: whether there is anything in it to read, and how it is shown."""

import unicodedata
from typing import Final

_INVISIBLE: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing: fillers of Hangul, and the empty pattern of Braille."""


def is_blank(text: str) -> bool:
    """Whether a text has no letter, digit, punctuation or symbol that a reader could see.

    Spaces, control characters, marks without a letter, and what has no width or turns the direction say nothing.
    """
    return not any(unicodedata.category(char)[0] in "LNPS" and char not in _INVISIBLE for char in text)


def printable(text: str) -> str:
    """The text with whatever no terminal and no JSON reader takes replaced."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
