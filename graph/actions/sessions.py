"""Sessions of the pages: sign-in, sign-out, and what a person states once a session.

A browser holds a random secret; the graph holds its SHA-256, so that a copy of the graph signs nobody in.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from graph.actions.access import Access
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Invalid
from graph.domain.people import Person, Role, check_own_words
from graph.store import log
from graph.store.queries import sessions as queries
from graph.store.session import Row, Store, Tx

IDLE: Final = timedelta(minutes=30)
"""A session ends when nobody has used it for so long."""
LONGEST: Final = timedelta(hours=12)
"""A session ends so long after its sign-in, whatever happens: roles may have changed since."""
SEEN_EVERY: Final = timedelta(seconds=60)
"""How exactly the time of the last use is stored."""
WIDER_VIEW: Final = timedelta(hours=1)
"""For so long a reason opens the surroundings of a case's faces."""


@dataclass(frozen=True, slots=True)
class WiderView:
    """Until when the surroundings of a case's faces are shown, and the reason stated for it."""

    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Session:
    """One person's use of the pages in one browser; `purpose` is empty until they state it. Times: ISO 8601, UTC."""

    session_id: str
    person: Person
    purpose: str
    began_at: str
    seen_at: str
    wider_views: Mapping[str, WiderView]
    """By case id; some may be over."""

    @property
    def mark(self) -> str:
        """What tells this session from the next one in the same browser; it signs nobody in."""
        return self.session_id[:16]

    def is_over(self, now: datetime) -> bool:
        return self.seen_at < (now - IDLE).isoformat() or self.began_at < (now - LONGEST).isoformat()

    def wider_view(self, case_id: str, now: datetime) -> WiderView | None:
        """The reason stated for this case within the last hour."""
        found = self.wider_views.get(case_id)
        return found if found is not None and found.until > now.isoformat() else None


async def do_sign_in(access: Access) -> str:
    """The secret of a new session of this person; sessions that are over are deleted."""
    secret, now = secrets.token_urlsafe(32), access.at.isoformat()
    person, session_id = access.person, _id_of(secret)
    roles = sorted(role.value for role in person.roles)

    async def work(tx: Tx, head: log.Head) -> None:
        await tx.do(queries.DELETE_OVER, idle_since=(access.at - IDLE).isoformat())
        facts = {"session_id": session_id, "actor": person.actor, "roles": roles, "district": person.district}
        await tx.do(queries.BEGIN, **facts, now=now)
        await log.append(tx, head, [access.act(AuditAction.SESSION_BEGUN, _subject(session_id), purpose="sign-in")])

    await log.write(access.store, work)
    return secret


async def do_sign_out(access: Access, session: Session) -> None:
    """Ends the session."""

    async def work(tx: Tx, head: log.Head) -> None:
        await tx.do(queries.END, session_id=session.session_id)
        act = access.act(AuditAction.SESSION_ENDED, _subject(session.session_id), purpose="sign-out")
        await log.append(tx, head, [act])

    await log.write(access.store, work)


async def find_session(store: Store, secret: str, now: datetime, *, in_use: bool = True) -> Session | None:
    """The session with this secret, None where there is none or it is over; `in_use` keeps it from becoming idle."""
    row = await store.read(lambda tx: tx.one(queries.FIND, session_id=_id_of(secret)))
    session = _session_of(row) if row is not None else None
    if session is None or session.is_over(now):
        return None
    if in_use and session.seen_at < (now - SEEN_EVERY).isoformat():
        moment = now.isoformat()
        await store.write(lambda tx: tx.do(queries.SEEN, session_id=session.session_id, now=moment))
        return replace(session, seen_at=moment)
    return session


async def state_purpose(store: Store, session: Session, purpose: str) -> None:
    """Stores for what purpose the person looks from now on; each later access names it in the audit."""
    stated = _own_words(purpose)
    await store.write(lambda tx: tx.do(queries.STATE_PURPOSE, session_id=session.session_id, purpose=stated))


async def allow_wider_view(store: Store, session: Session, case_id: str, reason: str, now: datetime) -> None:
    """Stores the reason for which the surroundings of a case's faces are shown for an hour."""
    views = {case: view for case, view in session.wider_views.items() if view.until > now.isoformat()}
    views[case_id] = WiderView((now + WIDER_VIEW).isoformat(), _own_words(reason))
    text = json.dumps({case: [view.until, view.reason] for case, view in views.items()})
    await store.write(lambda tx: tx.do(queries.ALLOW_WIDER_VIEWS, session_id=session.session_id, wider_views=text))


def _own_words(purpose: str) -> str:
    """The purpose, if it is a valid one in words."""
    stated = check_own_words(purpose)
    if not any(letter.isalpha() for letter in stated):
        raise Invalid("purpose: say it in words")
    return stated


def _id_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _subject(session_id: str) -> str:
    return f"session:{session_id[:16]}"


def _session_of(row: Row) -> Session:
    roles = frozenset(role for role in Role if role.value in row["roles"])
    views = {case: WiderView(*view) for case, view in json.loads(row["wider_views"]).items()}
    person = Person(row["actor"], roles, row["district"])
    return Session(row["session_id"], person, row["purpose"], row["began_at"], row["seen_at"], views)
