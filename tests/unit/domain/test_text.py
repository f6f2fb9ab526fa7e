"""A text that nobody can read is no text."""

import pytest

from graph.domain.errors import Forbidden, Invalid
from graph.domain.link import check_text
from graph.domain.people import check_purpose
from graph.domain.text import is_blank

BLANK = ["", " \t\n", "\u200b\u200b", "\u202e\u2066", "\x00\x07", "\u3164", "\u2800", "\ufe0f", "\u00ad\ufeff"]


@pytest.mark.parametrize("text", BLANK)
def test_a_text_without_anything_to_see_is_blank(text: str) -> None:
    """A purpose of zero-width, control or bidi characters alone was taken."""
    assert is_blank(text)
    with pytest.raises(Forbidden):
        check_purpose(text)
    with pytest.raises(Invalid):
        check_text(text, needed=True)


@pytest.mark.parametrize("text", ["a", "§ 98c", "דיווח\u200f", "\u0927\u0930\u0930\u093e", "?", "7", "\u202e.abc"])
def test_whatever_shows_something_is_none(text: str) -> None:
    assert not is_blank(text)
    assert check_purpose(text) == text.strip()
