"""Why something was erased, as a code, and what that means for a later submission of the same picture. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class ErasureCode(StrEnum):
    """The reason of an erasure. `no_face`: the box shows no face. `unrelated`: a person who has nothing to do with the
    case. `period_over`: the legal period has ended. `ordered`: a court or authority ordered it."""

    NO_FACE = "no_face"
    UNRELATED = "unrelated"
    PERIOD_OVER = "period_over"
    ORDERED = "ordered"
    OTHER = "other"


STAYS_AWAY: Final = frozenset({ErasureCode.NO_FACE, ErasureCode.UNRELATED})
"""A face erased for these reasons does not come back with a later submission of its picture: the reason is about the
face, not about the submission. A person can mark it, if that was a mistake."""


def code_of(code: ErasureCode | None, reason: str, label: str | None = None) -> ErasureCode:
    """The stated code, else the code that the reason reads like, else a face's label *no face* or *unrelated*."""
    text = reason.strip().lower().replace(" ", "_")
    if code is None and text in set(ErasureCode):
        return ErasureCode(text)
    return code or (ErasureCode(label) if label in STAYS_AWAY else ErasureCode.OTHER)


class Erased(NamedTuple):
    """The latest erasure request of a subject, in Kafka milliseconds, and its reason; older requests have none.

    `districts` are those of the cases that the subject lay in, at any request: they alone may know that it was erased.
    `face_id` is set where the subject is another detector's id of a face: the face's own id.
    """

    requested_at: int
    code: ErasureCode | None = None
    face_id: str | None = None
    districts: tuple[str, ...] = ()
