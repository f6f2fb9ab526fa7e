"""The gallery: link's memory of every case, media and face, and the uncommitted changes of a batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from graph.domain.comparison import HIDDEN_LABELS, InScope, may_compare
from graph.domain.erasure import Erased
from graph.domain.ids import case_key
from streams.gallery.calibration import Calibrations, packaged
from streams.gallery.columns import Numbers
from streams.gallery.counts import Coverage, ScopeCounts
from streams.gallery.entities import Case, Face, Media
from streams.gallery.face_table import FaceTable
from streams.gallery.groups import Groups, StagedGroups
from streams.gallery.matrix import Vectors
from streams.gallery.means import StagedMeans, VictimMeans
from streams.gallery.overlay import Overlay
from streams.gallery.standing_searches import StagedSearches, StandingSearches


class Gallery:
    """The committed state: a cache of the graph, rebuilt from it at start. `calibrations`: by default the packaged."""

    def __init__(self, calibrations: Calibrations | None = None) -> None:
        self.calibrations = calibrations or packaged()
        self.cases: dict[str, Case] = {}
        self._case_of_key: dict[str, str] = {}
        self.erasures: dict[str, Erased] = {}
        self.faces = FaceTable()
        self.media = self.faces.media
        self.counts = ScopeCounts()
        self.groups = Groups()
        self.means = VictimMeans(self.faces)
        self.searches = StandingSearches()

    def alike_case(self, case_id: str) -> str | None:
        """A case whose id can be taken for this one."""
        if not self._case_of_key:
            self._case_of_key = {case_key(known): known for known in self.cases}
        found = self._case_of_key.get(case_key(case_id))
        return found if found in self.cases and found != case_id else None

    def merge(self, staged: Staged) -> None:
        """Applies the changes of a committed batch."""
        means = [(name, staged.means.faces(name), staged.means.get(name)) for name in sorted(staged.means.touched)]
        staged.cases.merge_into(self.cases)
        if self._case_of_key:
            self._case_of_key |= {case_key(case.case_id): case.case_id for case in staged.cases.added()}
        staged.erasures.merge_into(self.erasures)
        for face_id, face in staged.faces.changed.items():
            if face is None:
                self.faces.remove(face_id)
        self.faces.put_all(staged.faces.added())
        for media_id, media in staged.media.changed.items():
            if media is None:
                self.media.remove(media_id)
            else:
                self.media.put(media)
        for name, faces, mean in means:
            self.means.put(name, faces, mean)
        self.counts.merge(staged.counts)
        staged.groups.merge(self.groups)
        staged.searches.merge(self.searches)


class Staged:
    """A batch's uncommitted changes over a gallery that stays untouched; reads see both."""

    def __init__(self, base: Gallery) -> None:
        self.base = base
        self.cases = Overlay(base.cases)
        self.media = Overlay(base.media)
        self.faces = Overlay(base.faces)
        self.erasures = Overlay(base.erasures)
        self.counts = ScopeCounts()
        self.groups = StagedGroups(base.groups)
        self.means = StagedMeans(base.means, self._mean_vector)
        self.dimensions: int | None = base.faces.matrix.dimensions
        self.searches = StagedSearches(base.searches)
        self.new_faces: dict[str, Face] = {}
        """Compared faces of this batch that are not in the gallery's matrix yet."""
        self.reclassified: dict[str, list[int]] = {}
        """By media or face id, the matrix rows whose scope, label or victim this batch changed."""
        self.new_faces_version, self.reclassified_version = 0, 0
        """Each rises whenever its dict changes."""
        self.media_before: dict[str, Media | None] = {}
        self.faces_before: dict[str, Face | None] = {}

    def begin_record(self) -> None:
        """Makes `media_before` and `faces_before` collect what the next record replaces."""
        self.media_before = {}
        self.faces_before = {}

    def erased_at(self, *subjects: str) -> int:
        """The latest erasure request of any of these subjects, in Kafka milliseconds; -1: none."""
        return max(found.requested_at if (found := self.erasures.get(name)) is not None else -1 for name in subjects)

    def media_of_case(self, case_id: str) -> list[Media]:
        """All media with a membership in the case, by id."""
        stored = self.base.media
        ids = {name for name in stored.ids.names(stored.in_case(case_id)) if name in stored}
        ids |= {media.media_id for media in self.media.added() if case_id in media.memberships}
        found = (self.media.get(media_id) for media_id in sorted(ids))
        return [media for media in found if media is not None and case_id in media.memberships]

    def faces_of(self, media: Media) -> list[Face]:
        """The media's faces, in its order."""
        return [face for face in map(self.faces.get, media.faces) if face is not None]

    def scope_of(self, face: Face) -> InScope | None:
        """The face's scope, its label included; None if its media was removed."""
        media = self.media.get(face.media_id)
        if media is None or media.scope is None:
            return None
        return replace(media.scope, hidden=True) if face.label in HIDDEN_LABELS else media.scope

    def may_compare(self, a: str, b: str) -> bool:
        """Whether the machine may compare these two faces, by their ids."""
        faces = self.faces.get(a), self.faces.get(b)
        one, other = (self.scope_of(face) if face is not None else None for face in faces)
        return one is not None and other is not None and may_compare(one, other)

    def put_media(self, media: Media) -> Media:
        """Stages a media, whose faces are staged already, and returns it with the scope of its memberships."""
        self._count(self._before_record(media.media_id), -1)
        self._touch_means(media)
        staged = replace(media, scope=self.scope_by_memberships(media))
        self.media.put(media.media_id, staged)
        self._note_scope_change(staged)
        self._count(staged, +1)
        return staged

    def uncount(self, media: Media) -> None:
        """Removes a known media from the counts until `put_media`, so that its faces may change in between."""
        self._count(self._before_record(media.media_id), -1)
        self._touch_means(media)
        self.media.put(media.media_id, replace(media, scope=None))

    def put_face(self, face: Face) -> None:
        old = self.faces.get(face.face_id)
        self.faces_before.setdefault(face.face_id, old)
        victim_before = old.victim_id if old is not None else None
        self.means.touch((victim_before, face.victim_id))
        self.means.move_face(face.face_id, victim_before, face.victim_id)
        self.faces.put(face.face_id, face)
        if face.vector is None:
            return
        self.dimensions = self.dimensions or len(face.vector)
        row = self.base.faces.row_of(face.face_id)
        if row is None:
            self.new_faces[face.face_id] = face
            self.new_faces_version += 1
        elif old is not None and (old.label, old.victim_id) != (face.label, face.victim_id):
            self.reclassified[face.face_id] = [row]
            self.reclassified_version += 1

    def remove_face(self, face_id: str) -> None:
        if (face := self.faces.get(face_id)) is not None:
            self.means.touch([face.victim_id])
            self.means.move_face(face_id, face.victim_id, None)
        self.groups.remove_faces([(face_id, list(self.groups.groups_of(face_id)))])
        self.faces.remove(face_id)
        self.new_faces.pop(face_id, None)
        self.new_faces_version += 1

    def remove_media(self, media: Media) -> None:
        self._count(media, -1)
        for face_id in media.faces:
            self.remove_face(face_id)
        self.media.remove(media.media_id)

    def changed_rows(self) -> Numbers:
        """The matrix rows of all faces that this batch changed, or whose media it changed."""
        names = {*self.faces.changed, *(face_id for media in self.media.added() for face_id in media.faces)}
        rows = (self.base.faces.row_of(name) for name in names)
        return np.array(sorted(row for row in rows if row is not None), np.int64)

    def comparable(self, scope: InScope) -> Coverage:
        """What a face of this scope is compared with, its own media included."""
        return self.base.counts.comparable(scope) + self.counts.comparable(scope)

    def coverage(self, asking_case: str, within: str) -> Coverage:
        """What a search covers."""
        return self.base.counts.findable(asking_case, within) + self.counts.findable(asking_case, within)

    def size(self) -> int:
        """The number of faces that are compared."""
        return (self.base.counts.total + self.counts.total).compared

    def scope_by_memberships(self, media: Media) -> InScope:
        """The media's scope by its memberships and the present state of their cases."""
        known = ((case_id, self.cases.get(case_id)) for case_id in media.memberships)
        still_open: Iterable[str] = [case_id for case_id, case in known if case is None or case.open]
        scopes = {case_id: membership.scope for case_id, membership in media.memberships.items()}
        return InScope.of(media.media_id, scopes, still_open, None)

    def _before_record(self, media_id: str) -> Media | None:
        """The media as it is now; remembers the first such value of the record."""
        media = self.media.get(media_id)
        self.media_before.setdefault(media_id, media)
        return media

    def _count(self, media: Media | None, sign: int) -> None:
        if media is None or media.scope is None:
            return
        shown = [face for face in self.faces_of(media) if face.label not in HIDDEN_LABELS]
        poor = sum(face.vector is None for face in shown)
        counted = Coverage(len(shown) - poor, poor, int(not media.faces))
        self.counts.add(media.scope, counted if sign > 0 else -counted)

    def _touch_means(self, media: Media) -> None:
        self.means.touch(face.victim_id for face in self.faces_of(media))

    def _note_scope_change(self, media: Media) -> None:
        stored = self.base.media
        if (number := stored.number(media.media_id)) is None:
            return
        was, now = stored.scope_at(number), media.scope
        if now is not None and (was.register, was.cases) != (now.register, now.cases):
            rows = (self.base.faces.row_of(face_id) for face_id in media.faces)
            self.reclassified[media.media_id] = [row for row in rows if row is not None]
        elif self.reclassified.pop(media.media_id, None) is None:
            return
        self.reclassified_version += 1

    def _mean_vector(self, face_id: str) -> Vectors | None:
        """The vector of a face that counts for its victim's mean: one that the whole register is compared with."""
        face = self.faces.get(face_id)
        scope = self.scope_of(face) if face is not None else None
        if face is None or face.leads_only or scope is None or not scope.register or scope.hidden:
            return None
        return face.vector
