"""Reads what became of every picture of a case; every access is in the audit before its answer leaves."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from graph.actions.access import Access
from graph.actions.read.answers import Coming, read_coming
from graph.actions.read.case_list import find_case
from graph.domain.audit_actions import AuditAction
from graph.domain.comparison import HIDDEN_LABELS
from graph.paging import Page
from graph.store.queries import case_pages as queries
from graph.store.session import Row, Tx

HIDDEN: Final = sorted(HIDDEN_LABELS)


class Outcome(StrEnum):
    """What became of a media in a case; `TOO_POOR`: all its faces without a label that hides them are too poor."""

    COMPARED = "compared"
    TOO_POOR = "too_poor"
    NO_FACE = "no_face"
    NOT_COMPARED = "not_compared"
    """Stored and compared with nothing: its scope in this case is `none`, or labels hide all its faces."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events of a case in quarantine for one reason; `since` is the oldest submission in milliseconds, UTC."""

    code: str
    events: int
    since: int | None


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many media of a case were compared, and how many only a person can look at.

    `in_part` counts media of which not everything was examined, whatever their outcome. `faces` counts all faces,
    `too_poor_faces` those too poor to compare, also of compared media. `coming` are events on their way, of the whole
    source where nobody knows of which case they are.
    """

    media: dict[Outcome, int]
    in_part: int
    faces: int
    too_poor_faces: int
    coming: Coming
    quarantined: tuple[Waiting, ...]

    @property
    def total(self) -> int:
        """All media of the case that the graph holds."""
        return sum(self.media.values())


@dataclass(frozen=True, slots=True)
class OutcomeFace:
    """A face of a media; `too_poor_because` is None where it was good enough to compare."""

    face_id: str
    quality: float | None
    quality_because: str | None
    too_poor_because: str | None
    label: str | None


@dataclass(frozen=True, slots=True)
class MediaOutcome:
    """A media of a case with what became of it; `submitted_at` in milliseconds since 1970, UTC."""

    media_id: str
    outcome: Outcome
    kind: str | None
    partial_percent: int | None
    frames: int
    frames_examined: int
    exhibits: tuple[str, ...]
    submitted_at: int | None
    faces: tuple[OutcomeFace, ...]


async def read_completeness(access: Access, case_id: str) -> Completeness:
    """The counts of what became of the case's media, and of what is still to come."""

    async def work(tx: Tx) -> Completeness:
        await find_case(tx, case_id, access.person)
        rows = await tx.rows(queries.OUTCOMES, case_id=case_id, hidden=HIDDEN)
        waiting = await tx.rows(queries.QUARANTINED, case_id=case_id)
        return Completeness(
            media={outcome: sum(row["media"] for row in rows if row["outcome"] == outcome) for outcome in Outcome},
            in_part=sum(row["in_part"] for row in rows),
            faces=sum(row["faces"] for row in rows),
            too_poor_faces=sum(row["too_poor"] for row in rows),
            coming=await read_coming(tx, f"case:{case_id}"),
            quarantined=tuple(Waiting(**row) for row in waiting),
        )

    found = await access.store.read(work)
    await access.record(AuditAction.CASE_MEDIA_SEEN, case_id)
    return found


async def read_outcomes(
    access: Access,
    case_id: str,
    *,
    outcomes: Collection[Outcome] = tuple(Outcome),
    in_part: bool = False,
    after: str = "",
    limit: int,
) -> Page[MediaOutcome]:
    """At most `limit` media of the case with one of the outcomes, by media id; `in_part`: not examined whole."""
    asked = {"outcomes": [outcome.value for outcome in outcomes], "in_part": in_part, "hidden": HIDDEN}

    async def work(tx: Tx) -> list[Row]:
        await find_case(tx, case_id, access.person)
        return await tx.rows(queries.MEDIA_BY_OUTCOME, case_id=case_id, after=after, limit=limit + 1, **asked)

    rows = await access.store.read(work)
    page = [_media_outcome(row) for row in rows[:limit]]
    shown = [name for item in page for name in (item.media_id, *(face.face_id for face in item.faces))]
    await access.record(AuditAction.CASE_MEDIA_SEEN, case_id, shown=shown)
    return Page(page, page[-1].media_id if len(rows) > limit else None)


def _media_outcome(row: Row) -> MediaOutcome:
    typed: Row = {
        "outcome": Outcome(row["outcome"]),
        "exhibits": tuple(row["exhibits"] or ()),
        "faces": tuple(OutcomeFace(**face) for face in row["faces"]),
    }
    return MediaOutcome(**{**row, **typed})
