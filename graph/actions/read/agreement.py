"""Reads how often two people of a district agreed: for supervisors, and for one band after one's own verdict."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from graph.actions.access import Access
from graph.actions.read.links import find_links
from graph.domain.agreement import Agreement, Verdicts, by_band, by_month
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import NotFound
from graph.domain.people import Permission, check_district
from graph.store.queries import figures as queries
from graph.store.session import Tx

WINDOW: Final = timedelta(days=365)
VERDICTS_MAX: Final = 5000
"""The newest verdicts that are counted: read in under half a second."""
BAND_VERDICTS_MAX: Final = 1000
"""As VERDICTS_MAX, for the line about one pair, which comes with every verdict."""


@dataclass(frozen=True, slots=True)
class DistrictAgreement:
    """The agreement of one district over the verdicts `since` a time: the newest `verdicts`, if `cut` not all."""

    district: str
    since: str
    verdicts: int
    cut: bool
    bands: tuple[Agreement, ...]
    months: tuple[Agreement, ...]


async def read_agreement(access: Access) -> DistrictAgreement:
    """The agreement of the supervisor's district over the last twelve months, by band of the score and by month."""
    district = check_district(access.person, Permission.APPROVE)
    found = await access.store.read(lambda tx: _verdicts(tx, access, district, VERDICTS_MAX))
    await access.record(AuditAction.AGREEMENT_SEEN, f"district:{district}")
    number = sum(item.number for item in found)
    months = _months(access.at)
    return DistrictAgreement(
        district,
        since=_since(access.at),
        verdicts=number,
        cut=number == VERDICTS_MAX,
        bands=by_band(found),
        months=by_month(found, months),
    )


async def read_agreement_on(access: Access, link_id: str) -> Agreement | None:
    """How pairs with a score in the band of this link were judged in the person's district.

    None while the link's score is sealed to them: the band would give it away. NotFound where they see no such link.
    """
    district = check_district(access.person, Permission.SEE)

    async def work(tx: Tx) -> Agreement | None:
        link = (await find_links(tx, [link_id], viewer=access.person)).get(link_id)
        if link is None:
            raise NotFound("there is no such link")
        if link.band is None:
            return None
        words, _, _ = link.band.partition(";")
        found = await _verdicts(tx, access, district, BAND_VERDICTS_MAX)
        return Agreement.of(words, [item for item in found if item.band == words])

    found = await access.store.read(work)
    await access.record(AuditAction.AGREEMENT_SEEN, link_id)
    return found


async def _verdicts(tx: Tx, access: Access, district: str, limit: int) -> list[Verdicts]:
    rows = await tx.rows(queries.VERDICTS, district=district, since=_since(access.at), limit=limit)
    return [Verdicts(**row) for row in rows]


def _since(now: datetime) -> str:
    return (now - WINDOW).astimezone(UTC).isoformat()


def _months(now: datetime) -> list[str]:
    """The last twelve months, this one last, as `2026-11`."""
    number = now.year * 12 + now.month - 1
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(number - 11, number + 1)]
