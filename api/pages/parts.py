"""`/app/_parts`: every part of the pages in every state, for those who build and test them; development only."""

from fastapi import APIRouter
from starlette.responses import Response

from api.deps import ServicesDep
from api.pages.page import PageDep
from api.pages.part_examples import EXAMPLES
from api.sign_in.development import DevelopmentSignIn
from graph.domain.errors import NotFound

router = APIRouter()


@router.get("/_parts", name="parts")
async def parts(services: ServicesDep, page: PageDep) -> Response:
    """The parts with made-up values; nothing of the graph is read."""
    if not isinstance(services.pages, DevelopmentSignIn):
        raise NotFound("there is no such page")
    return page("parts.html", examples=EXAMPLES, views={})
