"""The list of a district's cases."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.deps import CASE_ID_MAX
from api.pages.access import Reader
from api.pages.page import PageDep
from graph.actions.read.case_list import read_cases

router = APIRouter()

CASES_A_PAGE = 50
Text = Annotated[str, Query(max_length=CASE_ID_MAX)]


@router.get("/cases", name="cases")
async def cases(access: Reader, page: PageDep, begins: Text = "", after: Text = "") -> Response:
    """The cases whose id begins with a text, the latest id first."""
    found = await read_cases(access, begins=begins.strip(), before=after, limit=CASES_A_PAGE)
    return page("cases.html", found=found, begins=begins.strip(), after=after)
