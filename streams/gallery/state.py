"""The gallery: what link knows of every case, media and face, and the changes of a batch that is not committed yet.

Everything in it is immutable and replaced whole, so a batch is staged beside the gallery and taken in after the
commit, or dropped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from graph.domain.comparison import HIDDEN_LABELS, InScope, Scope
from streams.gallery.calibration import Calibrations, packaged
from streams.gallery.counts import ScopeCounts
from streams.gallery.groups import Groups, StagedGroups
from streams.gallery.matrix import Matrix, Vectors
from streams.gallery.open_searches import OpenSearches, Reach, StagedSearches
from streams.gallery.templates import StagedTemplates, Templates


@dataclass(frozen=True, slots=True)
class Case:
    case_id: str
    district: str
    open: bool = True
    version: int = 0


@dataclass(frozen=True, slots=True)
class Membership:
    """That a media belongs to a case; the event with the latest (submitted_at, ce_id) says how.

    A membership that only a search's upload made (`by_search`) yields to any event of a case system, whenever that was
    submitted: a search overtakes ingestion and must not switch off the comparison that is still to come.

    `captured_at` (ISO 8601) is when the picture was taken, by the latest event that says so; that one was submitted at
    `captured_told`.
    """

    scope: Scope
    purpose: str
    legal_basis: str
    urgency: str
    submitted_at: int
    ce_id: str
    exhibits: tuple[str, ...] = ()
    by_search: bool = False
    captured_at: str | None = None
    captured_told: int | None = None

    @property
    def age(self) -> tuple[bool, int, str]:
        return (not self.by_search, self.submitted_at, self.ce_id)

    def says(self, other: Membership) -> bool:
        """Whether both say the same of the media, whenever and by whichever event."""
        told = other.captured_told
        return replace(self, submitted_at=other.submitted_at, ce_id=other.ce_id, captured_told=told) == other

    @property
    def date(self) -> tuple[int, str]:
        """Orders what events said of the picture's date: the later one counts, and any before none."""
        return (-1, "") if self.captured_at is None else (self.captured_told or 0, self.captured_at)


@dataclass(frozen=True, slots=True)
class Face:
    """`vector` is the scored one, None where the face is too poor to compare; `poor` is it then, for people's questions
    alone. One that is compared although its quality is below TOO_POOR_BELOW is `leads_only`: it counts for no mean and
    joins no group.

    `declared` is the smallest victim that a case system declared for it, `assigned` the one that people's acts made.
    `marked_on` is of a face that a person marked: the memberships that it stands on, as `MarkSubmitted` has them.
    """

    face_id: str
    media_id: str
    vector: Vectors | None
    label: str | None = None
    declared: str | None = None
    assigned: str | None = None
    marked_on: Mapping[str, int] | None = None
    poor: Vectors | None = None
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


class Gallery:
    """The committed state: a cache of the graph, rebuilt from it at start.

    `calibrations` are what its faces are compared by; the packaged ones where none are given.
    """

    def __init__(self, calibrations: Calibrations | None = None) -> None:
        self.calibrations = calibrations or packaged()
        self.cases: dict[str, Case] = {}
        self.media: dict[str, Media] = {}
        self.faces: dict[str, Face] = {}
        self.erasures: dict[str, int] = {}
        self.case_media: defaultdict[str, set[str]] = defaultdict(set)
        self.matrix = Matrix()
        self.face_at: list[str] = []
        self.row_of: dict[str, int] = {}
        self.compared = ScopeCounts()
        self.too_poor = ScopeCounts()
        self.no_face = ScopeCounts()
        self.groups = Groups()
        self.templates = Templates()
        self.searches = OpenSearches()

    def take_in(self, staged: Staged) -> None:
        """Makes a committed batch part of the gallery."""
        self.templates.take_in(staged.templates)
        new = [face for face in staged.faces.values() if face.vector is not None and face.face_id not in self.row_of]
        self.cases.update(staged.cases)
        self.media.update(staged.media)
        self.faces.update(staged.faces)
        self.erasures.update(staged.erasures)
        for media_id in staged.gone_media:
            gone = self.media.pop(media_id, None)
            for case_id in gone.memberships if gone else ():
                self.case_media[case_id].discard(media_id)
        for face_id in staged.gone_faces:
            self.faces.pop(face_id, None)
            if (row := self.row_of.pop(face_id, None)) is not None:
                self.matrix.remove(row)
        for media_id, media in staged.media.items():
            for case_id in media.memberships:
                self.case_media[case_id].add(media_id)
        if new:
            rows = self.matrix.append(np.stack([face.vector for face in new if face.vector is not None]))
            for row, face in zip(rows, new, strict=True):
                self.face_at.append(face.face_id)
                self.row_of[face.face_id] = row
                self.faces[face.face_id] = replace(face, vector=self.matrix.row(row))
        self.compared.merge(staged.compared)
        self.too_poor.merge(staged.too_poor)
        self.no_face.merge(staged.no_face)
        self.groups.take_in(staged.groups)
        self.searches.take_in(staged.searches)


class Staged:
    """A batch's changes over a gallery that they do not touch; reads see both."""

    def __init__(self, base: Gallery) -> None:
        self.base = base
        self.cases: dict[str, Case] = {}
        self.media: dict[str, Media] = {}
        self.faces: dict[str, Face] = {}
        self.erasures: dict[str, int] = {}
        self.gone_media: set[str] = set()
        self.gone_faces: set[str] = set()
        self.compared = ScopeCounts()
        self.too_poor = ScopeCounts()
        self.no_face = ScopeCounts()
        self.groups = StagedGroups(base.groups)
        self.templates = StagedTemplates(base.templates, self._for_mean)
        self.dimensions: int | None = base.matrix.dimensions
        self.searches = StagedSearches(base.searches)
        self.media_before: dict[str, Media | None] = {}
        self.faces_before: dict[str, Face | None] = {}

    def begin_record(self) -> None:
        """From here on `media_before` and `faces_before` hold what the changes to come replace."""
        self.media_before = {}
        self.faces_before = {}

    def case(self, case_id: str) -> Case | None:
        return self.cases.get(case_id) or self.base.cases.get(case_id)

    def one_media(self, media_id: str) -> Media | None:
        if media_id in self.gone_media:
            return None
        return self.media.get(media_id) or self.base.media.get(media_id)

    def face(self, face_id: str) -> Face | None:
        if face_id in self.gone_faces:
            return None
        return self.faces.get(face_id) or self.base.faces.get(face_id)

    def erased_at(self, *subjects: str) -> int:
        """The latest time, in Kafka milliseconds, at which one of these was asked to be erased; -1 where none was."""
        return max(max(self.erasures.get(name, -1), self.base.erasures.get(name, -1)) for name in subjects)

    def media_of_case(self, case_id: str) -> list[Media]:
        """All media with a membership in the case, in the order of their ids."""
        ids = set(self.base.case_media.get(case_id, ()))
        ids |= {media.media_id for media in self.media.values() if case_id in media.memberships}
        found = (self.one_media(media_id) for media_id in sorted(ids))
        return [media for media in found if media is not None and case_id in media.memberships]

    def scope_of(self, face: Face) -> InScope | None:
        """What decides comparison for a face now, its label too; None where its media is gone."""
        media = self.one_media(face.media_id)
        if media is None or media.scope is None:
            return None
        return replace(media.scope, hidden=True) if face.label in HIDDEN_LABELS else media.scope

    def put_case(self, case: Case) -> None:
        self.cases[case.case_id] = case

    def put_media(self, media: Media) -> Media:
        """Stages a media, whose faces are staged already, with the scope that its memberships give it now."""
        self._count(self._was(media.media_id), -1)
        self._touch(media.faces)
        staged = replace(media, scope=self._scope(media))
        self.gone_media.discard(media.media_id)
        self.media[media.media_id] = staged
        self._count(staged, +1)
        return staged

    def lift(self, media: Media) -> None:
        """Takes a known media out of the counts until it is put again, so that its faces may change meanwhile."""
        self._count(self._was(media.media_id), -1)
        self._touch(media.faces)
        self.media[media.media_id] = replace(media, scope=None)

    def _was(self, media_id: str) -> Media | None:
        """The media as it stands, kept as it was before this record."""
        media = self.one_media(media_id)
        self.media_before.setdefault(media_id, media)
        return media

    def put_face(self, face: Face) -> None:
        old = self.face(face.face_id)
        self.faces_before.setdefault(face.face_id, old)
        before = old.victim_id if old is not None else None
        self.templates.touch((before, face.victim_id))
        self.templates.move(face.face_id, before, face.victim_id)
        self.gone_faces.discard(face.face_id)
        self.faces[face.face_id] = face
        if self.dimensions is None and face.vector is not None:
            self.dimensions = len(face.vector)

    def forget_face(self, face_id: str) -> None:
        if (face := self.face(face_id)) is not None:
            self.templates.touch([face.victim_id])
            self.templates.move(face_id, face.victim_id, None)
        self.groups.leave([(face_id, list(self.groups.groups_of(face_id)))])
        self.faces.pop(face_id, None)
        self.gone_faces.add(face_id)

    def forget_media(self, media: Media) -> None:
        self._count(media, -1)
        for face_id in media.faces:
            self.forget_face(face_id)
        self.media.pop(media.media_id, None)
        self.gone_media.add(media.media_id)

    def fresh_faces(self) -> list[Face]:
        """Faces that this batch brought and the matrix does not hold yet."""
        return [f for f in self.faces.values() if f.vector is not None and f.face_id not in self.base.row_of]

    def comparable(self, scope: InScope) -> tuple[int, int]:
        """How many other faces are compared with one of this scope, and how many of them are too poor to be."""
        return (
            self.base.compared.comparable(scope) + self.compared.comparable(scope),
            self.base.too_poor.comparable(scope) + self.too_poor.comparable(scope),
        )

    def findable(self, asking_case: str, within: str) -> Reach:
        """What a search covers."""
        return Reach(
            self.base.compared.findable(asking_case, within) + self.compared.findable(asking_case, within),
            self.base.too_poor.findable(asking_case, within) + self.too_poor.findable(asking_case, within),
            self.base.no_face.findable(asking_case, within) + self.no_face.findable(asking_case, within),
        )

    def size(self) -> int:
        """Faces that are compared at all."""
        return self.base.compared.total + self.compared.total

    def _count(self, media: Media | None, sign: int) -> None:
        if media is None or media.scope is None:
            return
        if not media.faces:
            self.no_face.add(media.scope, sign)
        for face in filter(None, map(self.face, media.faces)):
            if face.label not in HIDDEN_LABELS:
                (self.too_poor if face.vector is None else self.compared).add(media.scope, sign)

    def _touch(self, face_ids: Iterable[str]) -> None:
        self.templates.touch(face.victim_id for face in map(self.face, face_ids) if face is not None)

    def _for_mean(self, face_id: str) -> Vectors | None:
        """The vector of a face that the whole register is compared with, else None."""
        face = self.face(face_id)
        scope = self.scope_of(face) if face is not None else None
        if face is None or face.leads_only or scope is None or not scope.register or scope.hidden:
            return None
        return face.vector

    def _scope(self, media: Media) -> InScope:
        known = ((case_id, self.case(case_id)) for case_id in media.memberships)
        still_open: Iterable[str] = [case_id for case_id, case in known if case is None or case.open]
        scopes = {case_id: membership.scope for case_id, membership in media.memberships.items()}
        return InScope.of(media.media_id, scopes, still_open, None)
