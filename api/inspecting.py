"""Who looks at the audit or at the quarantine, and why: auditors and operators, who see no case and no face."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends

from api.identity import Actor, PurposeHeader, StatedPurpose
from graph.actions.views import Look
from graph.domain.people import check_purpose


async def inspection(who: Actor, _required: PurposeHeader, purpose: StatedPurpose) -> Look:
    """Who looks and why; whether they may is the action's to say. 403 `purpose_missing` without a purpose."""
    return Look(who, check_purpose(purpose), datetime.now(UTC))


Inspecting = Annotated[Look, Depends(inspection)]
