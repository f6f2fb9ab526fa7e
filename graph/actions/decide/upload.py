"""A person uploads a picture to a case: the file is stored, then an event like a case system's is sent."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from graph.actions.access import Access
from graph.actions.read.search import Picture
from graph.domain import ids
from graph.domain.audit import content_digest
from graph.domain.audit_actions import AuditAction
from graph.domain.comparison import Scope
from graph.domain.errors import Invalid, NotFound
from graph.domain.people import Permission, Person, check_may, check_own_words, check_stated, may
from graph.files import MediaStore
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import media as queries
from graph.store.session import Row, Tx

Urgency = Literal["routine", "urgent", "danger_now"]


@dataclass(frozen=True, slots=True)
class Submission:
    """The statements about an uploaded picture; those that decide how far it is compared have no default."""

    case_id: str
    purpose: str
    legal_basis: str
    scope: Scope
    urgency: Urgency = "routine"
    exhibit: str | None = None
    captured_at: datetime | None = None
    source_ref: str | None = None


async def do_upload(access: Access, files: MediaStore, submission: Submission, picture: Picture) -> str:
    """The id of the media, which embed and link take from here; its event is in the outbox and in the audit.

    A file that is stored without its event (a crash in between) is in no case and harms nobody; the same bytes name
    the same file, and their second event is told as a duplicate. Raises NotFound where the caller may not see the
    case, Forbidden where the caller may not upload, Invalid where something is not submission.
    """
    check_own_words(submission.purpose)
    check_stated("legal_basis", submission.legal_basis)
    if not picture.data:
        raise Invalid("the file is empty", code="empty_file")
    await access.store.read(lambda tx: _check_case(tx, submission.case_id, access.person))
    media_id = await asyncio.to_thread(files.put_upload, picture.data)
    facts = {
        **asdict(submission),
        "scope": submission.scope.value,
        "sha256": media_id,
        "url": files.upload_url(media_id),
        "captured_at": submission.captured_at.isoformat() if submission.captured_at else None,
        "content_type": picture.content_type,
        "ce_id": ids.new_id(),
    }

    async def work(tx: Tx, head: log.Head) -> None:
        case = await _check_case(tx, submission.case_id, access.person)
        event = {**facts, "district": case["district"]}
        digest = content_digest(event)
        entry = access.act(AuditAction.MEDIA_UPLOADED, media_id, digest=digest, purpose=submission.purpose)
        await tx.do(queries.CREATE_UPLOAD, ce_id=event["ce_id"], media_id=media_id, case_id=submission.case_id)
        await log.append(tx, head, [entry], [Outgoing("media", media_id, event, source=case["source"])])

    await log.write(access.store, work)
    return media_id


async def _check_case(tx: Tx, case_id: str, actor: Person) -> Row:
    row = await tx.one(queries.CASE, case_id=case_id)
    if row is None or not may(actor, Permission.SEE, [row["case"]["district"]]):
        raise NotFound("there is no such case", code="case_unknown")
    check_may(actor, Permission.UPLOAD, [row["case"]["district"]])
    return row["case"]
