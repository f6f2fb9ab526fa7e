"""People's statements that a picture shows the same person more than once."""

from fastapi import APIRouter, Response

from api.deps import ETAG, CaseAccess, Id, Labeller, Version, created, etag
from api.errors import ACTING, BODY, LOOKING, problems
from api.wire import Stated, WireIn, example, fields_of
from graph.actions.decide import repeated_person
from graph.actions.decide.repeated_person import PastStatement, Statement, Statements
from graph.domain.repeated_person import RepeatedPerson

router = APIRouter(tags=["media"])


class RepeatedPersonIn(WireIn):
    """Why the picture shows the same person more than once; null takes the statement back."""

    model_config = example('{"repeated_person": "mirror", "reason": "a mirror behind the child"}')

    repeated_person: RepeatedPerson | None
    reason: Stated


class PastRepeatedPersonOut(fields_of(PastStatement)):
    """Who stated it, and why; of somebody of another district only role and district."""


class RepeatedPersonOut(fields_of(Statements)):
    """What stands of a picture, and as `items` what was stated before, oldest first; `next` is always null."""

    model_config = example("""
        {"media_id": $MEDIA, "repeated_person": "mirror", "version": 1,
         "items": [{"act_id": "8f6d4c2e0b9a7f5d3c1e8b6a4f2d0c9e", "by": "anna@north",
                    "at": "2026-11-20T10:03:05+00:00", "repeated_person": "mirror",
                    "reason": "a mirror behind the child", "version": 1}],
         "next": null}
    """)

    next: None = None


@router.get("/media/{media_id}/repeated-person", responses={200: {"headers": ETAG}, **problems("not_found", *LOOKING)})
async def repeated_person_of_media(media_id: Id, access: CaseAccess, response: Response) -> RepeatedPersonOut:
    """Whether people stated that the picture shows the same person more than once; the version is the ETag."""
    found = await repeated_person.read_statements(access, media_id)
    response.headers["ETag"] = etag(found.version)
    return RepeatedPersonOut.model_validate(found)


_STATED = ("forbidden", "not_found", "stale_version", "contradiction", "malformed_version", "version_missing")


@created(router, "/media/{media_id}/repeated-person", RepeatedPersonOut, *_STATED, *BODY, *ACTING)
async def state_repeated_person(
    media_id: Id, body: RepeatedPersonIn, access: Labeller, version: Version, response: Response
) -> RepeatedPersonOut:
    """States that a picture shows the same person more than once, so that two of its faces may be one person."""
    statement = Statement(media_id, version, body.repeated_person, body.reason)
    found = await repeated_person.do_statement(access, statement)
    response.headers["ETag"] = etag(found.version)
    return RepeatedPersonOut.model_validate(found)
