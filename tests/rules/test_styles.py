"""Every class that a style names is given by a template, a script or a page's module: dead styles do not pile up."""

import re
from pathlib import Path

import pytest

API = Path(__file__).parent.parent.parent / "api"
SOURCES = [path for pattern in ("templates/**/*.html", "static/*.js", "pages/*.py") for path in API.glob(pattern)]
BLOCK, COMMENT = re.compile(r"\{[^{}]*\}"), re.compile(r"/\*.*?\*/", re.DOTALL)
CLASS = re.compile(r"\.([a-zA-Z][\w-]*)")
MADE = re.compile(r"([\w-]+-)\{\{")
"""The beginning of a class whose end is a value, as in `o-{{ outcome }}`."""


@pytest.mark.parametrize("style", sorted(API.glob("static/*.css")), ids=lambda style: style.name)
def test_every_class_of_a_style_is_given_somewhere(style: Path) -> None:
    text = "\n".join(path.read_text() for path in SOURCES)
    words, beginnings = set(re.findall(r"[\w-]+", text)), tuple(MADE.findall(text))
    named = set(CLASS.findall(BLOCK.sub(" ", COMMENT.sub("", style.read_text()))))
    assert named
    assert {name for name in named - words if not name.startswith(beginnings)} == set()
