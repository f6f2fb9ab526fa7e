"""What an HTML page must not have: scripts and styles of its own, other hosts, names that turn the text around them."""

from collections import Counter
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

VOID: Final = frozenset({"input", "img", "br", "hr", "meta", "link", "rect", "path", "circle", "line", "source", "col"})
TURNING: Final = "\u202e"
ISOLATED_IN: Final = frozenset({"bdi", "option", "textarea", "title", "pre"})
"""Elements whose text the browser isolates, or shows by itself."""


class PageHtml(HTMLParser):
    """The faults of a page, and its ids, headings and text as they are found."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: Counter[str] = Counter()
        self.headings = 0
        self.shown = ""
        self.sent_to: list[str] = []
        """Addresses that forms and scripts send to: those of forms that POST, and of attributes of data."""
        self.pairs: list[str] = []
        """Addresses of pages of one pair that this page links to."""
        self._open: list[tuple[str, bool]] = []
        self.feed(text)
        self.close()
        self.faults += [f"the id {name} is there {number} times" for name, number in self.ids.items() if number > 1]
        if self.headings != 1:
            self.faults.append(f"{self.headings} headings h1")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        hidden = "hidden" in given or (bool(self._open) and self._open[-1][1]) or tag == "template"
        if tag not in VOID:
            self._open.append((tag, hidden))
        self.headings += tag == "h1" and not hidden
        self.ids.update(filter(None, [given.get("id")]))
        if tag in ("style", "base", "iframe", "object", "embed") or (tag == "script" and "src" not in given):
            self.faults.append(f"an element {tag}")
        is_sent = tag == "form" and given.get("method") == "post"
        if tag == "a" and (given.get("href") or "").startswith("/app/links/"):
            self.pairs.append(given.get("href") or "")
        for name, value in attrs:
            if value and (name == "formaction" or name.startswith("data-") or (name == "action" and is_sent)):
                self.sent_to.append(value)
            if name.startswith("on") or name == "style":
                self.faults.append(f"an attribute {name}")
            if name in ("src", "href", "action", "formaction", "data", "srcset"):
                parts = urlsplit((value or "").strip())
                if parts.scheme or parts.netloc:
                    self.faults.append(f"{name}={value}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        self.shown += data
        if TURNING in data and not ISOLATED_IN & {tag for tag, _ in self._open}:
            self.faults.append(f"a name is not isolated: {data.strip()[:60]!r} in {self._open[-1][0]}")
