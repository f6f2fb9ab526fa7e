"""A person's question: this person against the register or against one case, for a stated purpose.

Asking writes the search, its audit entry and the record to publish in one transaction; link answers it. A search in one
case stays open: what the case gets later is compared too, until the case is closed, the asker ends the search, or
OPEN_DAYS are over. Nothing tells when a case is complete, since its case system may always send more; so what an answer
says of completeness is what is known to be on its way (`graph.actions.read.answers`), and the time is limited, because
nobody looks after a forgotten question and a person's face must not be compared for ever. Whoever needs longer chooses
to *keep asking*, in the register too: such a search ends with the case that asks, or by its asker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from graph.actions.known import find_victim
from graph.domain import audit, ids
from graph.domain.audit_actions import AuditAction
from graph.domain.comparison import SEARCH_LIMIT
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.people import PURPOSE_LIMIT, Permission, Person, check_may, check_purpose, may
from graph.domain.text import is_blank
from graph.domain.turn import TURNS
from graph.domain.visibility import may_see_case, may_see_face
from graph.files import MediaStore
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import read as read_queries
from graph.store.queries import search as queries
from graph.store.session import Store, Tx

LIMIT_MAX = 100
FACES_MAX = 20
VICTIM_FACES_MAX = 100
"""The best faces of a victim that are asked with: more of them find nobody else."""
OPEN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `within` is `register` or `case:<id>`, `limit` the most people that the register lists."""

    case_id: str
    purpose: str
    legal_basis: str
    within: str
    limit: int = SEARCH_LIMIT
    keep_asking: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """An uploaded picture that nobody has looked at yet."""

    data: bytes
    content_type: str


async def ask_with_faces(store: Store, question: Question, faces: list[str], *, actor: Person, now: datetime) -> str:
    """The id of the new search for known faces of one person; it is in the outbox and in the audit.

    Raises NotFound where a case or a face is unknown to this person, Invalid where the question is incomplete or two
    of the faces are in one picture.
    """
    probes = sorted(set(faces))
    if not 1 <= len(probes) <= FACES_MAX:
        raise Invalid(f"faces: from 1 to {FACES_MAX} of them")

    async def find(tx: Tx) -> list[str]:
        known = await tx.rows(read_queries.FACES, faces=probes, leads=False)
        if sum(may_see_face(actor, row) for row in known) != len(probes):
            raise NotFound("there is no such face", code="face_unknown")
        seen = {"faces": probes, "district": actor.district}
        media = [row["media_id"] for row in await tx.rows(queries.MEDIA_OF_FACES, **seen)]
        if len(set(media)) != len(media):
            raise Invalid("faces: two faces of one picture are never one person: ask for each")
        return probes

    return await _ask_with_known(store, question, find, {}, actor=actor, now=now)


async def ask_with_victim(store: Store, question: Question, victim_id: str, *, actor: Person, now: datetime) -> str:
    """The id of the new search for the faces that a victim has now and this person may see; as `ask_with_faces`.

    NotFound where there are none. Of a victim with very many faces the best VICTIM_FACES_MAX stand for it.
    """

    async def find(tx: Tx) -> list[str]:
        found = await find_victim(tx, victim_id, actor)
        mine = [row["face_id"] for row in await tx.rows(queries.BEST_FIRST, faces=sorted(found.faces & found.view.own))]
        if not mine:
            raise NotFound("there is no such victim")
        return sorted(mine[:VICTIM_FACES_MAX])

    return await _ask_with_known(store, question, find, {"victim_id": victim_id}, actor=actor, now=now)


async def _ask_with_known(
    store: Store, question: Question, find: Callable[[Tx], Any], asked_with: dict[str, Any], *, actor: Person,
    now: datetime,
) -> str:  # fmt: skip
    check_question(question)
    search_id = ids.new_id()

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        district = await _check_cases(tx, question, actor)
        faces: list[str] = await find(tx)
        node = {**_node(search_id, question, district, actor, now), **asked_with}
        await tx.do(queries.CREATE_SEARCH, search=node, faces=faces)
        entry = _entry(search_id, question, faces, actor, now)
        await log.append(tx, head, [entry], [Outgoing("search", search_id, {**_asked(node), "faces": faces})])

    await store.write(work)
    return search_id


async def ask_with_picture(
    store: Store, files: MediaStore, question: Question, picture: Picture, *, actor: Person, now: datetime,
    rotate: int = 0,
) -> str:  # fmt: skip
    """The id of the new search for the faces of an uploaded picture, which is stored first, as it came.

    Faces are looked for in the picture turned clockwise by `rotate` degrees too; Invalid for another angle than TURNS.
    The picture rides on an event of its own with scope `none` in the asking case: it is kept there with its search,
    and no link or other search finds it. One that is stored without its search (a crash in between) is in no case and
    harms nobody; the same upload names the same file.
    """
    check_question(question)
    if not picture.data:
        raise Invalid("the file is empty", code="empty_file")
    if rotate not in TURNS:
        raise Invalid("rotate: 0, 90, 180 or 270")
    await store.read(lambda tx: _check_cases(tx, question, actor))
    media_id = await asyncio.to_thread(files.put_upload, picture.data)
    search_id = ids.new_id()

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        district = await _check_cases(tx, question, actor)
        asked_with = {"uploaded": True, "picture": media_id, "turn": rotate}
        node = {**_node(search_id, question, district, actor, now), **asked_with}
        await tx.do(queries.CREATE_SEARCH, search=node, faces=[])
        body = {
            **_asked(node), "district": district, "url": files.upload_url(media_id), "sha256": media_id,
            "content_type": picture.content_type, "purpose": question.purpose, "legal_basis": question.legal_basis,
            "scope": "none", "turn": rotate,
        }  # fmt: skip
        entry = _entry(search_id, question, [media_id], actor, now, turn=rotate)
        await log.append(tx, head, [entry], [Outgoing("probe", search_id, body)])

    await store.write(work)
    return search_id


async def do_end(store: Store, search_id: str, *, actor: Person, now: datetime, purpose: str = "") -> None:
    """The search is open no more; what it was answered stays.

    Raises NotFound where the person may not see it, Forbidden where neither the person nor their district's supervisor
    asks it, Conflict `not_open` where nothing is added to it any more, or it waits for its first answer.
    """

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        row = await tx.one(queries.STATE, search_id=search_id)
        search = check_sees(row["search"] if row else None, actor)
        check_may(actor, Permission.END_SEARCH, [search["district"]], made_by=search["requested_by"])
        if not is_open(search, now):
            raise Conflict("this search is not open", code="not_open", current={"status": search["status"]})
        await tx.do(queries.END, search_id=search_id, at=now.isoformat(), by=actor.actor)
        act = audit.Act(now, actor.actor, AuditAction.SEARCH_ENDED, search_id, purpose or search["purpose"])
        await log.append(tx, head, [act], [Outgoing("search_ended", search_id, {"search_id": search_id})])

    await store.write(work)


def check_sees(search: dict[str, Any] | None, person: Person) -> dict[str, Any]:
    """The search, seen by who asked it and in the district of the case that it was asked for; NotFound for others."""
    if search is None or not may(person, Permission.SEE_SEARCH, [search["district"]], made_by=search["requested_by"]):
        raise NotFound("there is no such search")
    return search


def is_open(search: dict[str, Any], now: datetime) -> bool:
    """Whether something may still be added to the answer."""
    return search["open"] and (search["until"] is None or search["until"] > milliseconds(now))


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def check_question(question: Question) -> None:
    """Refuses a question without purpose or legal basis, or with an impossible limit or scope."""
    check_purpose(question.purpose)
    if is_blank(question.legal_basis) or len(question.legal_basis.strip()) > PURPOSE_LIMIT:
        raise Invalid(f"legal_basis: from 1 to {PURPOSE_LIMIT} characters")
    if not 1 <= question.limit <= LIMIT_MAX:
        raise Invalid(f"limit: from 1 to {LIMIT_MAX}")
    if question.within != "register" and not question.within.startswith("case:"):
        raise Invalid("in: `register` or `case:<case id>`")


async def _check_cases(tx: Tx, question: Question, actor: Person) -> str:
    """The asking case's district; NotFound unless the person may ask for it, and see the case to search."""
    asking = await tx.one(queries.DISTRICT_OF_CASE, case_id=question.case_id)
    if asking is None or not may(actor, Permission.SEARCH, [asking["district"]]):
        raise NotFound("there is no such case to ask for", code="case_unknown")
    if question.within != "register":
        within = question.within.removeprefix("case:")
        searched = await tx.one(queries.DISTRICT_OF_CASE, case_id=within)
        if searched is None or not may_see_case(actor, searched):
            raise NotFound("there is no such case to search", code="case_unknown")
    return asking["district"]


def _node(search_id: str, question: Question, district: str, actor: Person, now: datetime) -> dict[str, Any]:
    limited = question.within != "register" and not question.keep_asking
    until = milliseconds(now + timedelta(days=OPEN_DAYS)) if limited else None
    return {
        **asdict(question), "search_id": search_id, "district": district, "requested_by": actor.actor,
        "status": "asked", "asked_at": now.isoformat(), "until": until,
    }  # fmt: skip


def _asked(node: dict[str, Any]) -> dict[str, Any]:
    """What link must know of a search."""
    return {name: node[name] for name in ("search_id", "case_id", "within", "limit", "keep_asking", "until")}


def _entry(
    search_id: str, question: Question, probes: Sequence[str], actor: Person, now: datetime, *, turn: int = 0
) -> audit.Act:
    content = {**asdict(question), "probes": list(probes), **({"turn": turn} if turn else {})}
    digest = audit.content_digest(content)
    return audit.Act(now, actor.actor, AuditAction.SEARCH_ASKED, search_id, question.purpose, digest)
