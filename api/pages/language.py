"""The languages of the pages: catalogues of gettext in `api/locale`, one file a page, and the choice among them."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Final

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "da": "Dansk"}
"""Each in its own words; the texts in the code are English."""
COOKIE: Final = "language"


def chosen(cookie: str, accepted: str) -> str:
    """The language of the cookie, else the first that the header Accept-Language names and there is, else English."""
    wanted = [part.partition(";")[0].strip() for part in accepted.split(",")]
    return cookie if cookie in LANGUAGES else negotiate_locale(wanted, list(LANGUAGES), sep="-") or "en"


@cache
def translations(language: str) -> NullTranslations:
    """All catalogues of a language as one."""
    found = Translations()
    folder = resources.files("api") / "locale" / language
    if not folder.is_dir():
        return NullTranslations()
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        compiled = BytesIO()
        with file.open("rb") as text:
            write_mo(compiled, read_po(text, locale=language))
        compiled.seek(0)
        found.merge(Translations(compiled))
    return found
