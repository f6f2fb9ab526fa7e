"""What link knows of a case, a media, a membership and a face."""

from __future__ import annotations

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
    """That a media belongs to a case, as far as comparison and erasure depend on it.

    `submitted_at` is in Kafka milliseconds. A membership that only a search's upload made (`by_search`) yields to any
    event of a case system.
    """

    scope: Scope
    submitted_at: int
    by_search: bool = False


@dataclass(frozen=True, slots=True)
class Face:
    """A face and its scored vector (d,): `vector`, or `poor` where the face is too poor to be compared and people may
    only ask by it. One with a quality below TOO_POOR_BELOW is `leads_only`: where it is compared all the same, it
    counts for no mean and joins no group.

    `declared` is the smallest victim that a case system declared for it, `assigned` the one that people's acts made.
    `marked_on` is of a face that a person marked: the memberships that it stands on, as `MarkSubmitted` has them.
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
        """When an event last put it into a case, in Kafka milliseconds: what is erased later than that stays erased."""
        return max((member.submitted_at for member in self.memberships.values()), default=-1)
