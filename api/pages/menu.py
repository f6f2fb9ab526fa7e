"""The main pages, in the order of the bar: which permission opens each, and its keys."""

from dataclasses import dataclass
from typing import Final

from graph.domain.errors import Forbidden
from graph.domain.people import Permission, Person, check_role


def _(text: str) -> str:
    """Marks a text for the catalogues; the template translates it."""
    return text


@dataclass(frozen=True, slots=True)
class MainPage:
    """A page of the bar: its route's name, its title, the permission that opens it, and the keys that go there."""

    route: str
    title: str
    permission: Permission
    keys: str


MAIN_PAGES: Final = (
    MainPage("review", _("Review"), Permission.JUDGE, "g r"),
    MainPage("approvals", _("Approvals"), Permission.APPROVE, "g a"),
    MainPage("cases", _("Cases"), Permission.SEE, "g c"),
    MainPage("search", _("Search"), Permission.SEARCH, "g s"),
    MainPage("inbox", _("Inbox"), Permission.SEE, "g i"),
    MainPage("audit", _("Audit"), Permission.READ_AUDIT, "g u"),
    MainPage("intake", _("Intake"), Permission.READ_COUNTS, "g e"),
)


def pages_of(person: Person) -> list[MainPage]:
    """The main pages that a role of the person opens."""
    return [page for page in MAIN_PAGES if _opens(person, page)]


def _opens(person: Person, page: MainPage) -> bool:
    try:
        check_role(person, page.permission)
    except Forbidden:
        return False
    return True
