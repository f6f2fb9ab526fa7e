"""Reads the list of a district's cases, and one case; the access is in the audit before the list leaves."""

from dataclasses import dataclass
from typing import Final

from graph.actions.access import Access
from graph.domain.audit_actions import AuditAction
from graph.domain.case_view import Case
from graph.domain.errors import NotFound
from graph.domain.people import Permission, Person, check_district
from graph.domain.visibility import may_see_case
from graph.paging import Page
from graph.store.queries import case_pages as queries
from graph.store.queries import read
from graph.store.session import Tx

_LAST: Final = "{"
"""Sorts after every case id: they begin with a lower case letter or a digit."""


@dataclass(frozen=True, slots=True)
class CaseLine(Case):
    """A case in a list, with the number of its pictures and videos."""

    media: int


async def read_cases(access: Access, *, begins: str = "", before: str = "", limit: int) -> Page[CaseLine]:
    """At most `limit` cases of the person's district, the largest id first; `before` is `next` of the page before.

    With `begins` only those whose id, with or without its source, begins so.
    """
    district = check_district(access.person, Permission.SEE)
    values = {"district": district, "begins": begins, "before": before or _LAST, "limit": limit + 1}
    rows = await access.store.read(lambda tx: tx.rows(queries.CASES, **values))
    page = [CaseLine(**row["case"], media=row["media"]) for row in rows[:limit]]
    shown = [line.case_id for line in page]
    await access.record(AuditAction.CASES_SEEN, "cases", shown=shown)
    return Page(page, shown[-1] if len(rows) > limit else None)


async def find_case(tx: Tx, case_id: str, viewer: Person) -> Case:
    """The case without its contents; NotFound where there is none that the viewer may see."""
    row = await tx.one(read.CASE, case_id=case_id)
    if row is None or not may_see_case(viewer, row["case"]):
        raise NotFound("there is no such case")
    return Case(**row["case"])
