"""Audits refused and missed requests, and decides how much a refusal discloses."""

from graph.actions.access import AccessEvent, AccessLog
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict


async def record_miss(access_log: AccessLog, access: AccessEvent, request: str, path: str) -> None:
    """Returns when the audit holds the kind of request and the digest of its path, for a request that found nothing.

    Many misses by one person indicate a search for valid ids.
    """
    await access_log.record(access.act(AuditAction.ACCESS_MISSED, request, shown=[path]))


async def disclose(access_log: AccessLog, access: AccessEvent, request: str, path: str, refused: Conflict) -> Conflict:
    """The refusal with the current state, once the audit has it; without a stated purpose the bare refusal."""
    if not refused.current or not access.purpose:
        return Conflict(refused.message, code=refused.code)
    await access_log.record(access.act(AuditAction.ACCESS_REFUSED, request, shown=[path, refused.disclosed]))
    return Conflict(refused.disclosed, code=refused.code, current=refused.current)
