"""Cases, media, memberships and faces as link holds them in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.domain.comparison import InScope, Scope
from streams.gallery.matrix import Vectors


@dataclass(frozen=True, slots=True)
class Case:
    case_id: str
    district: str
    open: bool = True
    version: int = 0


@dataclass(frozen=True, slots=True)
class Membership:
    """The part of a membership that comparison and erasure depend on.

    `submitted_at` is in Kafka milliseconds. `by_search`: only a search's upload made it, and any event of a case system
    replaces it.
    """

    scope: Scope
    submitted_at: int
    by_search: bool = False


@dataclass(frozen=True, slots=True)
class Face:
    """A face with its scored vector (d,).

    The vector is `vector`, or `poor` if the face is too poor to be compared: then it serves as a query only. With
    `leads_only` (quality below TOO_POOR_BELOW) it is proposed as a lead at most, counts for no mean and joins no group.
    `declared` is the smallest victim id that a case system declared for it, `assigned` the victim that
    people decided. `marked_on` is set for a face that a person marked: the memberships it depends on, as in
    `MarkSubmitted`.
    """

    face_id: str
    media_id: str
    vector: Vectors | None = field(compare=False)
    label: str | None = None
    declared: str | None = None
    assigned: str | None = None
    marked_on: Mapping[str, int] | None = None
    poor: Vectors | None = field(default=None, compare=False)
    leads_only: bool = False

    @property
    def victim_id(self) -> str | None:
        return self.assigned or self.declared


@dataclass(frozen=True, slots=True)
class Media:
    media_id: str
    memberships: Mapping[str, Membership] = field(default_factory=dict[str, Membership])
    faces: tuple[str, ...] = ()
    scope: InScope | None = None

    @property
    def last_submitted_at(self) -> int:
        """The latest submission to any case, in Kafka milliseconds; an erasure after it stays in effect."""
        return max((member.submitted_at for member in self.memberships.values()), default=-1)
