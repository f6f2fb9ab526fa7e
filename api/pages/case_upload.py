"""Pictures that a person adds to a case: a form for one file, which a script sends for each of many."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.deps import ID_MAX, CaseId, ServicesDep
from api.pages.access import Uploader
from api.pages.page import PageDep
from api.routes.media import UploadIn
from api.upload import check_media, checked, read_form
from graph.actions.decide.upload import Submission, do_upload
from graph.actions.read.cases import read_case_facts
from graph.actions.read.search import Picture
from graph.domain.comparison import Scope
from graph.domain.queue import URGENCIES

router = APIRouter()


@router.get("/cases/{case_id:path}/upload", name="upload")
async def upload(
    case_id: CaseId, access: Uploader, page: PageDep, done: Annotated[str, Query(max_length=ID_MAX)] = ""
) -> Response:
    """The form; `done` is the media that was just added."""
    facts = await read_case_facts(access, case_id)
    return page("upload.html", facts=facts, done=done, scopes=list(Scope), urgencies=URGENCIES)


@router.post("/cases/{case_id:path}/upload", name="do_upload")
async def add(case_id: CaseId, request: Request, access: Uploader, services: ServicesDep, page: PageDep) -> Response:
    """Adds one file; the purpose is that of the session, and a day without a time is its noon in UTC."""
    form = await read_form(request, services.space)
    stated = {name: value.strip() for name, value in form.fields.items() if value.strip()}
    if len(day := stated.get("captured_at", "")) == len("2026-01-31"):
        stated["captured_at"] = f"{day}T12:00:00Z"
    submission = checked(UploadIn, {**stated, "case_id": case_id, "purpose": access.purpose})
    check_media(form.data)
    picture = Picture(form.data, form.content_type)
    media_id = await do_upload(access, services.files, Submission(**dict(submission)), picture)
    if page.is_part:
        return page("parts/uploaded.html", case_id=case_id, media_id=media_id)
    return page.see("upload", {"done": media_id}, case_id=case_id)
