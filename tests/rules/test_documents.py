"""What the documents list is what the code has: settings, topics, routes, disclosed facts, links between pages."""

import re
from pathlib import Path

import pytest

from tests.support.disclosures import DISCLOSURES
from tests.support.documents import CHECKOUT, DOCS, TABLES, WRITE, documents

PAGES = [CHECKOUT / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", [path for path, _ in documents()], ids=lambda page: page.name)
def test_generated_parts_are_up_to_date(page: Path) -> None:
    wanted = dict(documents())[page]

    assert page.read_text("utf-8") == wanted, f"run `{WRITE}`"


def test_every_table_has_its_place() -> None:
    places = [name for page in PAGES for name in re.findall(r"<!-- generated: (\w+) -->", page.read_text("utf-8"))]

    assert sorted(places) == sorted(TABLES)


def test_every_fact_that_is_disclosed_on_purpose_is_listed_and_no_other() -> None:
    text = (DOCS / "investigators.md").read_text("utf-8")
    [table] = re.findall(r"\| what is told on purpose \| why \|\n\|---\|---\|\n((?:\|.*\|\n)+)", text)

    assert set(table.splitlines()) == {f"| {item.fact} | {item.reason} |" for item in DISCLOSURES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    broken: list[str] = []
    for target in re.findall(r"\]\(([^)#\s]*)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if target and "://" not in target and not (page.parent / target).exists():
            broken.append(target)
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text("utf-8")):
        if "://" not in target and anchor not in _anchors(page.parent / target if target else page):
            broken.append(f"{target}#{anchor}")

    assert broken == []


def _anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get where it is shown."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
