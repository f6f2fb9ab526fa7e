"""A person requests an erasure: its subject is hidden at once, and link erases it at its place in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, LiteralString

from graph.actions.access import Access
from graph.actions.known import find_victim
from graph.actions.read.search import milliseconds
from graph.domain import ids
from graph.domain.audit import content_digest
from graph.domain.audit_actions import AuditAction
from graph.domain.erasure import ErasureCode, code_of
from graph.domain.errors import Forbidden, NotFound
from graph.domain.people import Permission, Person, check_may, check_stated, may
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import erase as queries
from graph.store.session import Row, Tx

Kind = Literal["media_id", "case_id", "face_id", "victim_id"]

_FIND: Final[Mapping[Kind, LiteralString]] = {
    "media_id": queries.OF_MEDIA,
    "case_id": queries.OF_CASE,
    "face_id": queries.OF_FACES,
    "victim_id": queries.OF_FACES,
}
_HIDE: Final[Mapping[Kind, LiteralString]] = {
    "media_id": queries.HIDE_MEDIA,
    "face_id": queries.HIDE_FACES,
    "victim_id": queries.HIDE_FACES,
}
PAGE: Final = 500
"""Media of a case that are hidden in one transaction: one second on two cores, so that others write in between."""


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """A requested erasure; `waiting` counts those of its `subjects` that are hidden and not erased yet."""

    erasure_id: str
    state: Literal["asked", "done"]
    subject: dict[Kind, str]
    subjects: int
    waiting: int
    reason: str
    code: ErasureCode
    by: str
    at: str
    done_at: str | None


@dataclass(frozen=True, slots=True)
class _Subject:
    """One media, case or face to erase. `newest` is the time of the latest submission that it covers, in ms."""

    kind: Kind
    subject: str
    cases: list[Row]
    newest: int | None
    label: str | None = None

    @property
    def name(self) -> str:
        return f"{self.kind.removesuffix('_id')}:{self.subject}"

    def record(self, erasure_id: str, number: int, reason: str, code: ErasureCode | None, now: datetime) -> Row:
        """The gallery log's record, which notifies every source whose cases it concerns.

        The relay advances `submitted_at` to the moment of publication.
        """
        sources = sorted({case["source"] for case in self.cases if case["source"]})
        event, coded = f"erasures/{erasure_id}/{number}", code_of(code, reason, self.label)
        return {
            "erasure": {"subject": {self.kind: self.subject}, "reason": reason, "code": coded},
            "origin": {
                "event": event,
                "topic": "",
                "partition": 0,
                "offset": number,
                "ce_id": event,
                "source": sources[0] if len(sources) == 1 else "",
                "submitted_at": max(self.newest or 0, milliseconds(now)),
            },
            "erasure_id": erasure_id,
            "sources": sources,
        }


async def do_erase(access: Access, kind: Kind, subject: str, reason: str, code: ErasureCode | None = None) -> str:
    """The id of the erasure; from here on nobody sees its subject, and link erases it. Of a victim: all its faces.

    A large case is hidden page by page after the request is stored. If that is interrupted, link erases the rest while
    it is still visible.

    Raises NotFound if the person may not see the subject, Forbidden unless the person is a supervisor of every district
    that it lies in.
    """
    check_stated("reason", reason)
    erasure_id, actor = ids.new_id(), access.person

    async def work(tx: Tx, head: log.Head) -> _Subject | None:
        named = [subject]
        if kind == "victim_id":
            named = sorted((await find_victim(tx, subject, actor)).faces)
        subjects = [_Subject(**row) for row in await tx.rows(_FIND[kind], subjects=named)]
        districts = sorted({case["district"] for item in subjects for case in item.cases})
        _check(actor, districts)
        left = await _hide(tx, kind, subjects)
        names = [item.name for item in subjects]
        request = {
            "erasure_id": erasure_id,
            "kind": kind,
            "subject": subject,
            "reason": reason,
            "code": code_of(code, reason, subjects[0].label if kind == "face_id" else None),
            "by": actor.actor,
            "districts": districts,
            "at": access.at.isoformat(),
            "state": "asked",
            "waiting": names,
            "subjects": names,
        }
        await tx.do(queries.CREATE_REQUEST, request=request)
        name = f"{kind.removesuffix('_id')}:{subject}"
        act = access.act(AuditAction.ERASURE_ASKED, name, digest=content_digest(names), purpose=reason)
        outgoing = [
            Outgoing("erasure", item.subject, item.record(erasure_id, number, reason, code, access.at))
            for number, item in enumerate(subjects)
        ]
        await log.append(tx, head, [act], outgoing)
        return left

    async def hide_next(tx: Tx, case: _Subject) -> _Subject | None:
        await log.lock_head(tx)
        return await _hide(tx, kind, [case])

    left = await log.write(access.store, work)
    while left is not None:
        left = await access.store.write(lambda tx, case=left: hide_next(tx, case))
    return erasure_id


async def _hide(tx: Tx, kind: Kind, subjects: list[_Subject]) -> _Subject | None:
    """Hides these subjects; returns a case of which more media are left to hide."""
    named = [item.subject for item in subjects]
    left = None
    if kind == "case_id":
        [case] = subjects
        page = await tx.rows(queries.HIDE_CASE, case_id=case.subject, newest=case.newest or 0, limit=PAGE)
        named = [row["media_id"] for row in page]
        left = case if len(page) == PAGE else None
    else:
        await tx.do(_HIDE[kind], subjects=named)
    await tx.do(queries.DROP_UNDECIDED, subjects=named)
    return left


async def read_erasure(access: Access, erasure_id: str) -> ErasureReceipt:
    """The receipt: asked, or done once link has erased everything; the access is audited."""
    row = await access.store.read(lambda tx: tx.one(queries.REQUEST, erasure_id=erasure_id))
    if row is None or not may(access.person, Permission.ERASE, row["request"]["districts"]):
        raise NotFound("there is no such erasure")
    await access.record(AuditAction.ERASURE_SEEN, erasure_id)
    request: Row = row["request"]
    return ErasureReceipt(
        **{name: request[name] for name in ("erasure_id", "state", "reason", "by", "at", "done_at")},
        code=ErasureCode(request["code"] or ErasureCode.OTHER),
        subject={request["kind"]: request["subject"]},
        subjects=len(request["subjects"]),
        waiting=len(request["waiting"]),
    )


def _check(actor: Person, districts: list[str]) -> None:
    if not may(actor, Permission.SEE, districts):
        raise NotFound("there is nothing of this id to erase")
    check_may(actor, Permission.ERASE, districts)
    if not all(may(actor, Permission.ERASE, [district]) for district in districts):
        raise Forbidden("it lies in a case of another district too, which has to decide as well", code="other_district")
