"""The names of a ZIP archive's entries, which may be in any code page."""

import unicodedata
import zlib
from collections.abc import Sequence
from typing import Final

from charset_normalizer import CharsetMatch, from_bytes

_UNICODE_PATH: Final = 0x7075
_PAGES: Final = (
    *("cp866", "cp1251", "cp437", "cp850", "cp852", "cp1252", "cp1250", "koi8_r", "cp932", "gb18030", "big5", "cp949"),
    *("cp1253", "cp737", "cp1254", "cp857", "cp1255", "cp862", "cp1256", "cp874"),
)
"""The code pages of DOS and Windows, and others that packing programs used; of equal guesses the first counts."""
_ONE_SCRIPT: Final = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}
_SAMPLE: Final = 4096
"""Bytes of names that a guess is made from."""


def decoded(names: Sequence[tuple[bytes, bool, bytes | None]]) -> tuple[list[str], str]:
    """The names, and the code page that was guessed for those that do not say theirs; empty where none was.

    Of each name: its bytes, whether they are flagged as UTF-8, and its Unicode path field (APPNOTE 4.6.9), if any.
    Bytes that no rule reads are shown as `\\xff`.
    """
    found = [_certain(*name) for name in names]
    unsure = [raw for (raw, _, _), text in zip(names, found, strict=True) if text is None]
    page = _guessed(unsure) if unsure else ""
    texts = [
        raw.decode(page, "backslashreplace") if text is None else text
        for (raw, _, _), text in zip(names, found, strict=True)
    ]
    return texts, page


def unicode_path(extra: bytes) -> bytes | None:
    """The content of the Unicode path field among an entry's extra fields."""
    while len(extra) >= 4:
        kind, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        if kind == _UNICODE_PATH:
            return extra[4 : 4 + size]
        extra = extra[4 + size :]
    return None


def _certain(raw: bytes, is_utf8: bool, field: bytes | None) -> str | None:
    """None where only a guess is left. Many programs write UTF-8 and do not say so; other text is hardly ever UTF-8."""
    if field and field[0] == 1 and int.from_bytes(field[1:5], "little") == zlib.crc32(raw):
        return field[5:].decode("utf-8", "backslashreplace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace") if is_utf8 else None


def _guessed(names: Sequence[bytes]) -> str:
    sample = b"\n".join(names)[:_SAMPLE]
    guesses = list(from_bytes(sample, cp_isolation=list(_PAGES)))
    return min(guesses, key=_order).encoding if guesses else "cp437"


def _order(guess: CharsetMatch) -> tuple[int, float, int]:
    # A name mixes scripts only where it is read by the wrong page.
    others = (unicodedata.name(letter, "?").split()[0] for letter in set(str(guess)) if not letter.isascii())
    scripts = {_ONE_SCRIPT.get(name, name) for name in others}
    return len(scripts), guess.chaos, _PAGES.index(guess.encoding)
