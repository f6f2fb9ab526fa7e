"""No page shows a text that the catalogues do not have, and every text has one Danish translation."""

import re
from pathlib import Path

import pytest

from tests.support.catalogues import (
    CHECKOUT,
    TEMPLATES,
    catalogues,
    missing,
    sentences_of_script,
    texts_of_domain,
    texts_of_pages,
    translated,
    untranslated,
)

STATIC = CHECKOUT / "api" / "static"
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
LISTED = "`python -m tests.support.catalogues` prints them as entries to fill in"


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.relative_to(TEMPLATES).as_posix()
)
def test_a_template_has_no_text_outside_gettext(path: Path) -> None:
    assert untranslated(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.js")), ids=lambda path: path.name)
def test_a_script_takes_its_texts_from_the_page(path: Path) -> None:
    assert sentences_of_script(path.read_text("utf-8")) == []


def test_texts_outside_gettext_are_found() -> None:
    assert untranslated('<p title="On hover">{{ _("Fine") }} and more{{ "Face" }}{{ x or "none here" }}</p>') == [
        "On hover",
        "and more",
        "Face",
        "none here",
    ]
    assert untranslated('<input type="submit" value="Save">{{ empty("Nothing waits.") }}') == ["Save", "Nothing waits."]
    assert (
        untranslated('<kbd>Enter</kbd><a data-key="Enter" class="a b">{% trans n=1 %}one {{ n }}{% endtrans %}</a>')
        == []
    )
    assert sentences_of_script('a.textContent = "Gone"; b(`It is over`); // It\'s a comment\nc.closest("a b img")') == [
        "Gone",
        "It is over",
    ]


@pytest.mark.parametrize("texts", [texts_of_pages, texts_of_domain])
def test_every_text_has_a_danish_translation(texts: object) -> None:
    assert callable(texts)
    assert missing(texts()) == [], LISTED


def test_a_text_has_one_translation_with_the_same_places() -> None:
    several = {message: texts for message, texts in translated().items() if len(texts) > 1}
    assert several == {}
    odd = [
        (name, entry.id)
        for name, catalogue in catalogues().items()
        for entry in catalogue
        if entry.id and not _has_places_of(entry.id, entry.string)
    ]
    assert odd == []


def test_nothing_is_translated_that_no_source_has() -> None:
    shown = {text.message[0] for text in (*texts_of_pages(), *texts_of_domain())}
    sources = "".join(path.read_text("utf-8") for room in ("api", "graph", "streams") for path in source_files(room))
    joined = re.sub(r'"\s*f?"', "", sources)
    unused = [
        text
        for text in translated()
        if text not in shown and not all(part in joined for part in re.split(r"\{\d\}", text))
    ]
    assert unused == []


def source_files(room: str) -> list[Path]:
    return [path for kind in ("*.py", "*.html") for path in (CHECKOUT / room).rglob(kind)]


def _has_places_of(message: str | tuple[str, ...], translation: str | tuple[str, ...]) -> bool:
    """Whether the translation has the places of the message; singulars may leave the number out."""
    texts, wanted = ([each] if isinstance(each, str) else [*each] for each in (translation, message))
    return all(sorted(PLACES.findall(text)) == sorted(PLACES.findall(wanted[-1])) for text in texts[-1:]) and all(
        set(PLACES.findall(text)) <= set(PLACES.findall(wanted[-1])) for text in texts
    )
