"""A person's question: this face against the register or against one case, for a stated purpose.

Asking writes the search, its audit entry and the record to publish in one transaction; link answers it.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from graph.actions.views import Look, Views
from graph.actions.visible import found_from, sees_case, sees_face
from graph.domain import audit
from graph.domain.comparison import SEARCH_LIMIT
from graph.domain.errors import Invalid, NotFound
from graph.domain.people import PURPOSE_LIMIT, Deed, Person, check_purpose, may
from graph.files import MediaStore
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import read as read_queries
from graph.store.queries import search as queries
from graph.store.session import Row, Store, Tx

LIMIT_MAX = 100
FACES_MAX = 20


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `within` is `register` or `case:<id>`, `limit` the most faces to return."""

    case_id: str
    purpose: str
    legal_basis: str
    within: str
    limit: int = SEARCH_LIMIT


@dataclass(frozen=True, slots=True)
class Picture:
    """An uploaded picture that nobody has looked at yet."""

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A search with what link has answered so far: `items` carry a rank and no score."""

    search: Row
    probes: tuple[str, ...]
    items: tuple[Row, ...]


async def ask_with_faces(store: Store, question: Question, faces: list[str], *, actor: Person, now: datetime) -> str:
    """The id of the new search for known faces; it is in the outbox and in the audit.

    Raises NotFound where a case or a face is unknown to this person, Invalid where the question is incomplete.
    """
    probes = sorted(set(faces))
    check_question(question)
    if not 1 <= len(probes) <= FACES_MAX:
        raise Invalid(f"faces: from 1 to {FACES_MAX} of them")
    search_id = uuid.uuid4().hex
    body = {"search_id": search_id, "case_id": question.case_id, "within": question.within, "limit": question.limit}

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        await _check_cases(tx, question, actor)
        known = await tx.rows(read_queries.FACES, faces=probes, leads=False)
        if sum(sees_face(actor, row) for row in known) != len(probes):
            raise NotFound("there is no such face", code="face_unknown")
        await tx.do(queries.CREATE_SEARCH, search=_node(search_id, question, actor, now), faces=probes)
        entry = _entry(search_id, question, probes, actor, now)
        await log.append(tx, head, [entry], [Outgoing("search", search_id, {**body, "faces": probes})])

    await store.write(work)
    return search_id


async def ask_with_picture(
    store: Store, files: MediaStore, question: Question, picture: Picture, *, actor: Person, now: datetime
) -> str:
    """The id of the new search for the faces of an uploaded picture, which is stored first.

    The picture rides on an event of its own with scope `none` in the asking case. One that is stored without
    its search (a crash in between) is in no case and harms nobody; the same upload names the same file.
    """
    check_question(question)
    if not picture.data:
        raise Invalid("the file is empty", code="empty_file")
    await store.read(lambda tx: _check_cases(tx, question, actor))
    media_id = await asyncio.to_thread(files.put_upload, picture.data)
    search_id = uuid.uuid4().hex

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        district = await _check_cases(tx, question, actor)
        await tx.do(queries.CREATE_SEARCH, search=_node(search_id, question, actor, now), faces=[])
        body = {
            "search_id": search_id, "case_id": question.case_id, "within": question.within, "limit": question.limit,
            "district": district, "url": files.upload_url(media_id), "sha256": media_id,
            "content_type": picture.content_type, "purpose": question.purpose, "legal_basis": question.legal_basis,
            "scope": "none",
        }  # fmt: skip
        entry = _entry(search_id, question, [media_id], actor, now)
        await log.append(tx, head, [entry], [Outgoing("probe", search_id, body)])

    await store.write(work)
    return search_id


async def read_search(store: Store, views: Views, search_id: str, *, look: Look) -> Answer:
    """The search and its answer; the look, with a digest of what it showed, is in the audit."""
    row = await store.read(lambda tx: tx.one(queries.SEARCH, search_id=search_id))
    if row is None or not may(look.person, Deed.SEE_SEARCH, [row["district"]], made_by=row["search"]["requested_by"]):
        raise NotFound("there is no such search")
    items = tuple(found_from(item, look.person) for item in row["items"])
    found = Answer(row["search"], tuple(row["probes"]), items)
    await views.record(look.act("search.seen", search_id, shown=[item["face_id"] for item in found.items]))
    return found


def check_question(question: Question) -> None:
    """Refuses a question without purpose or legal basis, or with an impossible limit or scope."""
    check_purpose(question.purpose)
    if not 1 <= len(question.legal_basis.strip()) <= PURPOSE_LIMIT:
        raise Invalid(f"legal_basis: from 1 to {PURPOSE_LIMIT} characters")
    if not 1 <= question.limit <= LIMIT_MAX:
        raise Invalid(f"limit: from 1 to {LIMIT_MAX}")
    if question.within != "register" and not question.within.startswith("case:"):
        raise Invalid("in: `register` or `case:<case id>`")


def headline(answer: Answer) -> str:
    """One sentence that says what the answer means and never more.

    That nothing similar was found is said of what was compared only: what could not be judged is told with it.
    """
    search = answer.search
    numbers = f"{search['compared'] or 0} compared, {search['too_poor'] or 0} could not be judged"
    above = sum(1 for item in answer.items if item["above"])
    match search["status"]:
        case "asked":
            return "still waiting for the answer"
        case "no_face":
            return "no face was found in the picture: nothing was compared"
        case "too_poor":
            return "the face is too poor to compare: nothing was compared"
        case "quarantined":
            return "the picture could not be processed: nothing was compared"
        case _ if above:
            return f"{above} similar among {numbers}: similar is not the same person"
        case _ if answer.items:
            return f"nothing similar enough to propose among {numbers}; the nearest are listed"
        case _:
            return f"nothing similar among {numbers}"


async def _check_cases(tx: Tx, question: Question, actor: Person) -> str:
    """The asking case's district; NotFound unless the person may ask for it, and see the case to search."""
    asking = await tx.one(queries.DISTRICT_OF_CASE, case_id=question.case_id)
    if asking is None or not may(actor, Deed.SEARCH, [asking["district"]]):
        raise NotFound("there is no such case to ask for", code="case_unknown")
    if question.within != "register":
        within = question.within.removeprefix("case:")
        searched = await tx.one(queries.DISTRICT_OF_CASE, case_id=within)
        if searched is None or not sees_case(actor, searched):
            raise NotFound("there is no such case to search", code="case_unknown")
    return asking["district"]


def _node(search_id: str, question: Question, actor: Person, now: datetime) -> dict[str, Any]:
    return {
        **asdict(question), "search_id": search_id, "requested_by": actor.actor, "status": "asked",
        "asked_at": now.isoformat(),
    }  # fmt: skip


def _entry(search_id: str, question: Question, probes: list[str], actor: Person, now: datetime) -> audit.Act:
    digest = audit.content_digest({**asdict(question), "probes": probes})
    return audit.Act(now, actor.actor, "search.asked", search_id, question.purpose, digest)
