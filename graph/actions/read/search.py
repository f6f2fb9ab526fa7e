"""Asks and ends searches: one person's face against the register or one case, for a stated purpose.

A request writes the search, its audit entry and the outbox record in one transaction; link answers it. A search in one
case stays open: media that the case gets later are compared too, until the case is closed, the asker ends the search,
or OPEN_DAYS have passed. A case is never known to be complete, since its case system may always send more; an answer
therefore counts the events known to be on their way (`graph.actions.read.answers`). The time is limited because nobody
may look after a forgotten search, and a person's face must not be compared for ever. A search with *keep asking*, also
in the register, ends with the asking case or by its asker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from graph.actions.access import Access
from graph.actions.known import find_victim
from graph.domain import audit, ids
from graph.domain.audit_actions import AuditAction
from graph.domain.box import TURNS
from graph.domain.comparison import SEARCH_LIMIT
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.people import Permission, Person, check_may, check_own_words, check_stated, may
from graph.domain.visibility import may_see_case, may_see_face
from graph.files import MediaStore
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import read as read_queries
from graph.store.queries import search as queries
from graph.store.session import Row, Tx

LIMIT_MAX = 100
FACES_MAX = 20
VICTIM_FACES_MAX = 100
"""The best faces of a victim that are searched for: more of them find nobody else."""
OPEN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Question:
    """The request of a search: `within` is `register` or `case:<id>`, `limit` the most people listed."""

    case_id: str
    purpose: str
    legal_basis: str
    within: str
    limit: int = SEARCH_LIMIT
    keep_asking: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """An uploaded picture, and the degrees clockwise by which to turn it before detection, besides as it is."""

    data: bytes
    content_type: str
    rotate: int = 0


async def ask_with_faces(access: Access, question: Question, faces: list[str]) -> str:
    """The id of the new search for known faces of one person; it is in the outbox and in the audit.

    Raises NotFound where a case or a face is unknown to this person, Invalid where the question is incomplete or two
    of the faces are in one picture.
    """
    probes, actor = sorted(set(faces)), access.person
    if not 1 <= len(probes) <= FACES_MAX:
        raise Invalid(f"faces: from 1 to {FACES_MAX} of them")

    async def find(tx: Tx) -> list[str]:
        known = await tx.rows(read_queries.FACES, faces=probes, leads=False)
        if sum(may_see_face(actor, row) for row in known) != len(probes):
            raise NotFound("there is no such face", code="face_unknown")
        seen = {"faces": probes, "district": actor.district}
        media = [row["media_id"] for row in await tx.rows(queries.MEDIA_OF_FACES, **seen)]
        if len(set(media)) != len(media):
            raise Invalid(
                "faces: two of them are in one picture: ask for each, or state first that it shows one person twice"
            )
        return probes

    return await _ask_with_known(access, question, find, {})


async def ask_with_victim(access: Access, question: Question, victim_id: str) -> str:
    """The id of the new search for the faces that a victim has now and this person may see; as `ask_with_faces`.

    NotFound where there are none. Of a victim with very many faces the best VICTIM_FACES_MAX are used.
    """

    async def find(tx: Tx) -> list[str]:
        found = await find_victim(tx, victim_id, access.person)
        mine = [row["face_id"] for row in await tx.rows(queries.BEST_FIRST, faces=sorted(found.faces & found.view.own))]
        if not mine:
            raise NotFound("there is no such victim")
        return sorted(mine[:VICTIM_FACES_MAX])

    return await _ask_with_known(access, question, find, {"victim_id": victim_id})


async def _ask_with_known(
    access: Access, question: Question, find: Callable[[Tx], Awaitable[list[str]]], fields: Row
) -> str:
    """The id of the new search for the faces that `find` returns; `fields` are further fields of its node."""
    check_question(question)
    search_id = ids.new_id()

    async def work(tx: Tx, head: log.Head) -> None:
        district = await _check_cases(tx, question, access.person)
        faces = await find(tx)
        node = {**_node(search_id, question, district, access), **fields}
        await tx.do(queries.CREATE_SEARCH, search=node, faces=faces)
        entry = _entry(search_id, question, faces, access)
        await log.append(tx, head, [entry], [Outgoing("search", search_id, {**_asked(node), "faces": faces})])

    await log.write(access.store, work)
    return search_id


async def ask_with_picture(
    access: Access, files: MediaStore, question: Question, picture: Picture, search_id: str = ""
) -> str:
    """The id of the new search for the faces of an uploaded picture, which is stored first, as it came.

    A caller that made `search_id` (32 hex digits) may repeat the request, and asks once. Raises Invalid where another
    search has that id, and for an angle that is not in TURNS. The picture gets an event of its own with scope `none` in
    the asking case: it is kept there with its search, and no link or other search finds it. A picture stored without
    its search (a crash in between) is in no case and has no effect; the same upload names the same file.
    """
    check_question(question)
    if not picture.data:
        raise Invalid("the file is empty", code="empty_file")
    if picture.rotate not in TURNS:
        raise Invalid("rotate: 0, 90, 180 or 270")
    await access.store.read(lambda tx: _check_cases(tx, question, access.person))
    media_id = await asyncio.to_thread(files.put_upload, picture.data)
    search_id = search_id or ids.new_id()
    sent = {"picture": media_id, "turn": picture.rotate}

    async def work(tx: Tx, head: log.Head) -> None:
        district = await _check_cases(tx, question, access.person)
        if (known := await tx.one(queries.STATE, search_id=search_id)) is not None:
            asked = {**asdict(question), **sent, "requested_by": access.person.actor}
            if asked.items() <= known["search"].items():
                return
            raise Invalid("search_id: another search has it")
        node = {**_node(search_id, question, district, access), **sent, "uploaded": True}
        await tx.do(queries.CREATE_SEARCH, search=node, faces=[])
        event = {
            **_asked(node),
            "district": district,
            "url": files.upload_url(media_id),
            "sha256": media_id,
            "content_type": picture.content_type,
            "purpose": question.purpose,
            "legal_basis": question.legal_basis,
            "scope": "none",
            "turn": picture.rotate,
        }
        entry = _entry(search_id, question, [media_id], access, turn=picture.rotate)
        await log.append(tx, head, [entry], [Outgoing("probe", search_id, event)])

    await log.write(access.store, work)
    return search_id


async def ask_in_register(access: Access, files: MediaStore, search_id: str) -> str:
    """The id of a new search in the whole register for what this search asked for, with its purpose and legal basis.

    Of a search with a picture that is the picture as it is stored: its faces are not of one person. NotFound where the
    person may not see the search, or the picture was erased.
    """
    row = await access.store.read(lambda tx: tx.one(queries.SEARCH, search_id=search_id))
    search = check_sees(row["search"] if row else None, access.person)
    assert row is not None
    question = Question(search["case_id"], search["purpose"], search["legal_basis"], "register")
    if search["picture"] is not None:
        data = await asyncio.to_thread(files.read_upload, search["picture"])
        picture = Picture(data, "application/octet-stream", search["turn"])
        return await ask_with_picture(access, files, question, picture)
    if search["victim_id"] is not None:
        return await ask_with_victim(access, question, search["victim_id"])
    return await ask_with_faces(access, question, [face["face_id"] for face in row["probes"] if not face["stub"]])


async def do_end(access: Access, search_id: str) -> None:
    """Ends an open search; its answer stays.

    Raises NotFound where the person may not see it, Forbidden for anybody but its asker and their district's
    supervisor, Conflict `not_open` where it has ended, or has no answer yet.
    """

    async def work(tx: Tx, head: log.Head) -> None:
        row = await tx.one(queries.STATE, search_id=search_id)
        search = check_sees(row["search"] if row else None, access.person)
        check_may(access.person, Permission.END_SEARCH, [search["district"]], made_by=search["requested_by"])
        if not is_open(search, access.at):
            raise Conflict("this search is not open", code="not_open", current={"status": search["status"]})
        await tx.do(queries.END, search_id=search_id, at=access.at.isoformat(), by=access.person.actor)
        act = access.act(AuditAction.SEARCH_ENDED, search_id, purpose=access.purpose or search["purpose"])
        await log.append(tx, head, [act], [Outgoing("search_ended", search_id, {"search_id": search_id})])

    await log.write(access.store, work)


def check_sees(search: Row | None, person: Person) -> Row:
    """The search, for its asker and in the district of its asking case; NotFound for others."""
    if search is None or not may(person, Permission.SEE_SEARCH, [search["district"]], made_by=search["requested_by"]):
        raise NotFound("there is no such search")
    return search


def is_open(search: Row, now: datetime) -> bool:
    """Whether link may still add to the answer."""
    return search["open"] and (search["until"] is None or search["until"] > milliseconds(now))


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970, UTC."""
    return int(moment.timestamp() * 1000)


def check_question(question: Question) -> None:
    """Raises Forbidden or Invalid where purpose or legal basis are missing, or limit or scope are impossible."""
    check_own_words(question.purpose)
    check_stated("legal_basis", question.legal_basis)
    if not 1 <= question.limit <= LIMIT_MAX:
        raise Invalid(f"limit: from 1 to {LIMIT_MAX}")
    if question.within != "register" and not question.within.startswith("case:"):
        raise Invalid("in: `register` or `case:<case id>`")


async def _check_cases(tx: Tx, question: Question, actor: Person) -> str:
    """The district of the asking case; NotFound unless the person may search for it, and see the searched case."""
    asking = await tx.one(queries.DISTRICT_OF_CASE, case_id=question.case_id)
    if asking is None or not may(actor, Permission.SEARCH, [asking["district"]]):
        raise NotFound("there is no such case to ask for", code="case_unknown")
    if question.within != "register":
        within = question.within.removeprefix("case:")
        searched = await tx.one(queries.DISTRICT_OF_CASE, case_id=within)
        if searched is None or not may_see_case(actor, searched):
            raise NotFound("there is no such case to search", code="case_unknown")
    return asking["district"]


def _node(search_id: str, question: Question, district: str, access: Access) -> Row:
    limited = question.within != "register" and not question.keep_asking
    until = milliseconds(access.at + timedelta(days=OPEN_DAYS)) if limited else None
    return {
        **asdict(question),
        "search_id": search_id,
        "district": district,
        "requested_by": access.person.actor,
        "status": "asked",
        "asked_at": access.at.isoformat(),
        "until": until,
    }


def _asked(node: Row) -> Row:
    """The fields of a search that link needs."""
    return {name: node[name] for name in ("search_id", "case_id", "within", "limit", "keep_asking", "until")}


def _entry(search_id: str, question: Question, probes: Sequence[str], access: Access, *, turn: int = 0) -> audit.Act:
    content = {**asdict(question), "probes": list(probes), **({"turn": turn} if turn else {})}
    digest = audit.content_digest(content)
    return access.act(AuditAction.SEARCH_ASKED, search_id, digest=digest, purpose=question.purpose)
