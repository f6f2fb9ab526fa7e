"""`/app/_parts`: the parts of the pages that need no face, in their states, for those who build them; development only.

Items to judge, crops and the decision bar are on the pages of the scene of tests/support/page_scene.py.
"""

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
