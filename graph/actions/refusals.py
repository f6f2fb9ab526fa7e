"""What a refusal tells, and that it is in the audit: facts to who says for what purpose, and every miss counted."""

from __future__ import annotations

from graph.actions.access import Look, Views
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict


async def record_miss(views: Views, look: Look, request: str, path: str) -> None:
    """Returns when the miss is in the audit: which kind of request, and of what was asked for the digest alone.

    Many misses of one person are a hunt for ids.
    """
    await views.record(look.act(AuditAction.ACCESS_MISSED, request, shown=[path]))


async def disclose(views: Views, look: Look, request: str, path: str, refused: Conflict) -> Conflict:
    """The refusal with what stands now, once that is in the audit; without a purpose the refusal alone."""
    if not refused.current or not look.purpose:
        return Conflict(refused.message, code=refused.code)
    await views.record(look.act(AuditAction.ACCESS_REFUSED, request, shown=[path, refused.disclosed]))
    return Conflict(refused.disclosed, code=refused.code, current=refused.current)
