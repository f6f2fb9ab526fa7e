"""The texts that the pages show, read from their sources, and the catalogues that translate them.

`python -m tests.support.catalogues` prints what no Danish catalogue has, as entries to fill in.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2 import nodes

from api.pages.page import environment
from api.pages.texts import with_places
from graph.domain.audit_actions import AuditAction
from graph.domain.calibration import BAND_WORDS, NOT_CALIBRATED, PROVISIONAL
from graph.domain.capture_time import BANDS, BEYOND, LIMITS
from graph.domain.headline import COMPARED_NOTHING, AnswerCounts, headline

CHECKOUT: Final = Path(__file__).parent.parent.parent
TEMPLATES: Final = CHECKOUT / "api" / "templates"
LOCALE: Final = CHECKOUT / "api" / "locale"
GETTEXT: Final = frozenset({"_", "gettext", "ngettext"})

Message = tuple[str, ...]
"""A text, or its singular and plural."""


class Text(NamedTuple):
    """A text for people, and where it stands."""

    place: str
    message: Message


# --- what templates show ---

SHOWN: Final = frozenset({"alt", "title", "aria-label", "aria-description", "placeholder", "label", "content"})
"""Attributes whose value is read by people, beside `value` of a button, and `data-` attributes with two words."""
SPOKEN: Final = re.compile(r"[^\W\d_]{2,}")
SENTENCE: Final = re.compile(r"[^\W\d_]{2,}[,.:]? [^\W\d_]{2,}|^[A-Z][a-z]+$")
UNTRANSLATED: Final = frozenset(
    {"Redthread", "· Redthread", "sh infra/run sign-in", "width=device-width, initial-scale=1"}
)
KEY_NAMES: Final = frozenset(
    {"Enter", "Esc", "Escape", "Space", "Home", "End", "PageDown", "PageUp", "Backspace", "Delete", "Tab", "ArrowLeft"}
    | {"ArrowRight", "ArrowUp", "ArrowDown"}
)


def texts_of(template: str, place: str) -> Iterator[Text]:
    """The texts that a template gives to gettext."""
    found: Any = environment("en").extract_translations(template)  # type: ignore[attr-defined]
    for line, _, message in found:
        parts = (message,) if isinstance(message, str) else tuple(part for part in message or () if part is not None)
        if parts:
            yield Text(f"{place}:{line}", parts)


class _Shown(HTMLParser):
    """What a page's HTML shows, without what is computed: text, and attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        for name, value in attrs:
            is_button = tag == "input" and dict(attrs).get("type") in ("submit", "button", "reset")
            is_text = name in SHOWN or (name == "value" and is_button)
            if value and (is_text or (name.startswith("data-") and SENTENCE.search(value) and value not in KEY_NAMES)):
                self.found.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "kbd" not in self._open:
            self.found.append(data)


def untranslated(template: str) -> list[str]:
    """The texts for people in a template's source that neither gettext nor, from `domain.po`, `said` is given."""
    tree = environment("en").parse(template)
    page = _Shown()
    constants: list[str] = []
    for node in _walk(tree):
        if isinstance(node, nodes.TemplateData):
            page.feed(node.data)
        elif isinstance(node, nodes.Output):
            constants += [text for each in node.nodes for text in _constants(each, shown=True)]
        elif isinstance(node, nodes.Const) and isinstance(node.value, str):
            constants += [node.value] if SENTENCE.search(node.value) else []
    page.close()
    texts = [text.strip() for text in page.found if SPOKEN.search(text)] + constants
    known = UNTRANSLATED | KEY_NAMES | {entry.id for entry in catalogues()["domain.po"] if entry.id}
    return [text for text in dict.fromkeys(texts) if text not in known and not text.startswith("/")]


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    """The nodes in their order, without the arguments of gettext and without keys of dictionaries."""
    yield node
    for child in [node.value] if isinstance(node, nodes.Pair) else node.iter_child_nodes():
        if not _is_gettext(child) and not (isinstance(child, nodes.Block) and child.name.endswith("_class")):
            yield from _walk(child)


def _constants(node: nodes.Node, *, shown: bool) -> Iterator[str]:
    """Constants that an expression itself shows: not the arguments of a call, a filter or a test, nor a key."""
    match node:
        case nodes.Const(value=str(text)) if shown and SPOKEN.search(text):
            yield text
        case nodes.CondExpr():
            for branch in filter(None, (node.expr1, node.expr2)):
                yield from _constants(branch, shown=shown)
        case nodes.Or() | nodes.Add():
            yield from _constants(node.left, shown=shown)
            yield from _constants(node.right, shown=shown)
        case nodes.Concat():
            for part in node.nodes:
                yield from _constants(part, shown=shown)
        case _:
            return


def _is_gettext(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in GETTEXT


# --- what scripts show ---

_COMMENTS: Final = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
_LITERALS: Final = re.compile(
    r"""(?P<before>[\w.]*\(?\s*[=:]?\s*)(?P<quote>["'`])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)"""
)
_SELECTS: Final = re.compile(r"(?:querySelector|querySelectorAll|closest|matches|Error)\($")
_SETS: Final = re.compile(r"(?:textContent|innerText|innerHTML|title|alt|placeholder|ariaLabel)\s*=\s*$")


def sentences_of_script(script: str) -> list[str]:
    """Literals of a script that people would read; texts belong into the page's `data-` attributes or templates."""
    found = [(each["before"], each["text"]) for each in _LITERALS.finditer(_COMMENTS.sub("", script))]
    return [
        text
        for before, text in found
        if (re.search(r"[^\W\d_]{2,} [^\W\d_]{2,}", text) and not _SELECTS.search(before))
        or (_SETS.search(before) and SPOKEN.search(text))
    ]


# --- what is to be translated ---


def texts_of_pages() -> list[Text]:
    """All texts of templates and of the modules of the pages."""
    found = [
        text for path in sorted(TEMPLATES.rglob("*.html")) for text in texts_of(path.read_text("utf-8"), path.name)
    ]
    for path in sorted((CHECKOUT / "api" / "pages").rglob("*.py")):
        with path.open("rb") as source:
            for line, message, *_ in extract("python", source, keywords={"_": None, "ngettext": (1, 2)}):
                parts = (message,) if isinstance(message, str) else tuple(message)
                found.append(Text(f"{path.name}:{line}", parts))
    return found


def texts_of_domain() -> list[Text]:
    """The sentences of graph and embed that pages show by the filter `said`, which looks up their parts."""
    sentences = [
        *_of("a band", *BAND_WORDS, PROVISIONAL, NOT_CALIBRATED),
        *_of("a gap", *LIMITS.values(), *(name for _, name in BANDS), BEYOND),
        *_of("a headline", *COMPARED_NOTHING.values(), *_headlines()),
        *_of("a quality", *_qualities()),
        *_of("an audit action", *(action.meaning for action in AuditAction)),
        *_refusals(),
    ]
    parts = [Text(place, (with_places(part)[0],)) for place, sentence in sentences for part in sentence.split("; ")]
    return [text for text in dict.fromkeys(parts) if SPOKEN.search(re.sub(r"\{\d\}", "", text.message[0]))]


def _of(place: str, *sentences: str) -> list[tuple[str, str]]:
    return [(place, sentence) for sentence in sentences]


def _headlines() -> Iterator[str]:
    """The headlines of all answers, but for their numbers."""
    some = (0, 1, 2)
    for identified, unidentified, unknown, weak in product(some, some, some, (0, 1)):
        counts = AnswerCounts(identified, unidentified, unknown, weak, coming=1)
        for status in ("asked", "answered", "too_poor"):
            yield headline(status, counts, 5, 2)
    yield headline("too_poor", AnswerCounts(), 0, 2)


def _qualities() -> Iterator[str]:
    """What limits a face, by the strings of the module that grades."""
    tree = ast.parse((CHECKOUT / "streams" / "faces" / "quality.py").read_text("utf-8"))
    [limit] = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_limit"]
    [graded] = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "graded"]
    reasons = [text for part in limit.body[1:] for text in _strings(part) if " " in text]
    reasons += [text for part in graded.body[1:] for text in _strings(part) if text.startswith("no ")]
    for frame, reason in product(("The face is hard to compare", "The face is too poor to compare"), reasons):
        yield f"{frame}: {reason}."


def _refusals() -> Iterator[tuple[str, str]]:
    """The sentences of refused decisions and forms that are the same for everything they are about."""
    folders = ("graph/actions/decide", "graph/actions/read", "graph/domain")
    for path in sorted(path for folder in folders for path in (CHECKOUT / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Conflict", "Invalid") and node.args:
                said = [node.args[0], *(word.value for word in node.keywords if word.arg == "disclosed")]
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("message", "what", "PLAIN"):
                said = [node.value]
            else:
                continue
            for text in filter(_is_for_people, (text for each in said for text in _strings(each))):
                yield f"{path.name}:{node.lineno}", text


def _is_for_people(text: str) -> bool:
    """Whether a refusal is about what a person does, not about the field of a request (`links: from 1 to 200`)."""
    return " " in text and not re.match(r"\w+(?:, \w+)*: |[a-z]+_[a-z]+ |.*`", text) and "{}" not in text


def _strings(node: ast.AST) -> Iterator[str]:
    """The strings in an expression; in one with places, numbers are 1 and anything else is {}."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "1" if _is_number(part) else "{}"
                for part in parts
            )
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _strings(child)


def _is_number(part: ast.AST) -> bool:
    value = part.value if isinstance(part, ast.FormattedValue) else part
    name = value.func if isinstance(value, ast.Call) else value
    return getattr(name, "id", "").isupper() or getattr(name, "id", "") in ("round", "len")


# --- catalogues ---


def catalogues(language: str = "da") -> dict[str, Catalog]:
    """The catalogues of a language by the name of their file."""
    found = {}
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as text:
            found[path.name] = read_po(text, locale=language, abort_invalid=True)
    return found


def translated(language: str = "da") -> dict[str, set[Message]]:
    """Every text that has a translation, and the translations that there are of it."""
    found: defaultdict[str, set[Message]] = defaultdict(set)
    for catalogue in catalogues(language).values():
        for entry in catalogue:
            texts = entry.string if isinstance(entry.string, tuple) else (entry.string,)
            if entry.id and all(texts) and not entry.fuzzy:
                found[_key(entry.id)].add(tuple(map(str, texts)))
    return found


def missing(texts: Iterable[Text], language: str = "da") -> list[Text]:
    """Texts that no catalogue of the language has, each once."""
    known = translated(language)
    absent = {text.message: text for text in reversed(list(texts)) if text.message[0] not in known}
    return list(reversed(absent.values()))


def _key(message: str | Iterable[str]) -> str:
    return message if isinstance(message, str) else next(iter(message))


def main() -> None:
    for text in missing([*texts_of_pages(), *texts_of_domain()]):
        quoted = ['"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in text.message]
        plural = [f"msgid_plural {quoted[1]}", 'msgstr[0] ""', 'msgstr[1] ""'] if len(quoted) > 1 else ['msgstr ""']
        print(f"#: {text.place}", f"msgid {quoted[0]}", *plural, "", sep="\n")


if __name__ == "__main__":
    main()
