"""The gallery: what link knows of every case, media and face, and the changes of a batch that is not committed yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from graph.domain.comparison import HIDDEN_LABELS, InScope
from streams.gallery.calibration import Calibrations, packaged
from streams.gallery.columns import Numbers
from streams.gallery.counts import ScopeCounts
from streams.gallery.entities import Case, Face, Media
from streams.gallery.face_table import FaceTable
from streams.gallery.groups import Groups, StagedGroups
from streams.gallery.matrix import Vectors
from streams.gallery.means import StagedMeans, VictimMeans
from streams.gallery.overlay import Overlay
from streams.gallery.standing_searches import Reach, StagedSearches, StandingSearches


class Gallery:
    """The committed state: a cache of the graph, rebuilt from it at start.

    `calibrations` are what its faces are compared by; the packaged ones where none are given.
    """

    def __init__(self, calibrations: Calibrations | None = None) -> None:
        self.calibrations = calibrations or packaged()
        self.cases: dict[str, Case] = {}
        self.erasures: dict[str, int] = {}
        self.faces = FaceTable()
        self.media = self.faces.media
        self.compared = ScopeCounts()
        self.too_poor = ScopeCounts()
        self.no_face = ScopeCounts()
        self.groups = Groups()
        self.means = VictimMeans(self.faces)
        self.searches = StandingSearches()

    def take_in(self, staged: Staged) -> None:
        """Makes a committed batch part of the gallery."""
        means = [(name, staged.means.faces(name), staged.means.of(name)) for name in sorted(staged.means.touched)]
        staged.cases.take_into(self.cases)
        staged.erasures.take_into(self.erasures)
        for face_id, face in staged.faces.changed.items():
            if face is None:
                self.faces.remove(face_id)
        self.faces.put_all(staged.faces.staged())
        for media_id, media in staged.media.changed.items():
            if media is None:
                self.media.remove(media_id)
            else:
                self.media.put(media)
        for name, faces, mean in means:
            self.means.put(name, faces, mean)
        self.compared.merge(staged.compared)
        self.too_poor.merge(staged.too_poor)
        self.no_face.merge(staged.no_face)
        staged.groups.take_into(self.groups)
        staged.searches.take_into(self.searches)


class Staged:
    """A batch's changes over a gallery that they do not touch; reads see both."""

    def __init__(self, base: Gallery) -> None:
        self.base = base
        self.cases = Overlay(base.cases)
        self.media = Overlay(base.media)
        self.faces = Overlay(base.faces)
        self.erasures = Overlay(base.erasures)
        self.compared = ScopeCounts()
        self.too_poor = ScopeCounts()
        self.no_face = ScopeCounts()
        self.groups = StagedGroups(base.groups)
        self.means = StagedMeans(base.means, self._for_mean)
        self.dimensions: int | None = base.faces.matrix.dimensions
        self.searches = StagedSearches(base.searches)
        self.fresh: dict[str, Face] = {}
        """Faces that this batch brought and the matrix does not hold yet."""
        self.moved: dict[str, list[int]] = {}
        """The rows, in the gallery's matrix, of a media or face of which this batch changed what candidates depend on:
        scope, label or victim. By the id of the media or face."""
        self.moved_version, self.fresh_version = 0, 0
        """Each rises whenever its dict changes."""
        self.media_before: dict[str, Media | None] = {}
        self.faces_before: dict[str, Face | None] = {}

    def begin_record(self) -> None:
        """From here on `media_before` and `faces_before` hold what the changes to come replace."""
        self.media_before = {}
        self.faces_before = {}

    def case(self, case_id: str) -> Case | None:
        return self.cases.get(case_id)

    def one_media(self, media_id: str) -> Media | None:
        return self.media.get(media_id)

    def face(self, face_id: str) -> Face | None:
        return self.faces.get(face_id)

    def erased_at(self, *subjects: str) -> int:
        """The latest time, in Kafka milliseconds, at which one of these was asked to be erased; -1 where none was."""
        return max(found if (found := self.erasures.get(name)) is not None else -1 for name in subjects)

    def media_of_case(self, case_id: str) -> list[Media]:
        """All media with a membership in the case, in the order of their ids."""
        stored = self.base.media
        ids = {name for name in stored.ids.names(stored.in_case(case_id)) if name in stored}
        ids |= {media.media_id for media in self.media.staged() if case_id in media.memberships}
        found = (self.one_media(media_id) for media_id in sorted(ids))
        return [media for media in found if media is not None and case_id in media.memberships]

    def scope_of(self, face: Face) -> InScope | None:
        """What decides comparison for a face now, its label too; None where its media is gone."""
        media = self.one_media(face.media_id)
        if media is None or media.scope is None:
            return None
        return replace(media.scope, hidden=True) if face.label in HIDDEN_LABELS else media.scope

    def put_case(self, case: Case) -> None:
        self.cases.put(case.case_id, case)

    def put_media(self, media: Media) -> Media:
        """Stages a media, whose faces are staged already, with the scope that its memberships give it now."""
        self._count(self._was(media.media_id), -1)
        self._touch(media.faces)
        staged = replace(media, scope=self.scope_by_memberships(media))
        self.media.put(media.media_id, staged)
        self._note_moved(staged)
        self._count(staged, +1)
        return staged

    def lift(self, media: Media) -> None:
        """Takes a known media out of the counts until it is put again, so that its faces may change meanwhile."""
        self._count(self._was(media.media_id), -1)
        self._touch(media.faces)
        self.media.put(media.media_id, replace(media, scope=None))

    def _was(self, media_id: str) -> Media | None:
        """The media as it stands, kept as it was before this record."""
        media = self.one_media(media_id)
        self.media_before.setdefault(media_id, media)
        return media

    def put_face(self, face: Face) -> None:
        old = self.face(face.face_id)
        self.faces_before.setdefault(face.face_id, old)
        before = old.victim_id if old is not None else None
        self.means.touch((before, face.victim_id))
        self.means.move(face.face_id, before, face.victim_id)
        self.faces.put(face.face_id, face)
        if face.vector is None:
            return
        self.dimensions = self.dimensions or len(face.vector)
        row = self.base.faces.row_of(face.face_id)
        if row is None:
            self.fresh[face.face_id] = face
            self.fresh_version += 1
        elif old is not None and (old.label, old.victim_id) != (face.label, face.victim_id):
            self.moved[face.face_id] = [row]
            self.moved_version += 1

    def forget_face(self, face_id: str) -> None:
        if (face := self.face(face_id)) is not None:
            self.means.touch([face.victim_id])
            self.means.move(face_id, face.victim_id, None)
        self.groups.leave([(face_id, list(self.groups.groups_of(face_id)))])
        self.faces.remove(face_id)
        self.fresh.pop(face_id, None)
        self.fresh_version += 1

    def forget_media(self, media: Media) -> None:
        self._count(media, -1)
        for face_id in media.faces:
            self.forget_face(face_id)
        self.media.remove(media.media_id)

    def changed_rows(self) -> Numbers:
        """The rows, in the gallery's matrix, of all faces that this batch changed or whose media it changed."""
        names = {*self.faces.changed, *(face_id for media in self.media.staged() for face_id in media.faces)}
        rows = (self.base.faces.row_of(name) for name in names)
        return np.array(sorted(row for row in rows if row is not None), np.int64)

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

    def scope_by_memberships(self, media: Media) -> InScope:
        """What its memberships and the cases as they are now make of a media's comparison."""
        known = ((case_id, self.case(case_id)) for case_id in media.memberships)
        still_open: Iterable[str] = [case_id for case_id, case in known if case is None or case.open]
        scopes = {case_id: membership.scope for case_id, membership in media.memberships.items()}
        return InScope.of(media.media_id, scopes, still_open, None)

    def _count(self, media: Media | None, sign: int) -> None:
        if media is None or media.scope is None:
            return
        if not media.faces:
            self.no_face.add(media.scope, sign)
        for face in filter(None, map(self.face, media.faces)):
            if face.label not in HIDDEN_LABELS:
                (self.too_poor if face.vector is None else self.compared).add(media.scope, sign)

    def _touch(self, face_ids: Iterable[str]) -> None:
        self.means.touch(face.victim_id for face in map(self.face, face_ids) if face is not None)

    def _note_moved(self, media: Media) -> None:
        stored = self.base.media
        if (number := stored.number(media.media_id)) is None:
            return
        was, now = stored.scope_at(number), media.scope
        if now is not None and (was.register, was.cases) != (now.register, now.cases):
            rows = (self.base.faces.row_of(face_id) for face_id in media.faces)
            self.moved[media.media_id] = [row for row in rows if row is not None]
        elif self.moved.pop(media.media_id, None) is None:
            return
        self.moved_version += 1

    def _for_mean(self, face_id: str) -> Vectors | None:
        """The vector of a face that the whole register is compared with, else None."""
        face = self.face(face_id)
        scope = self.scope_of(face) if face is not None else None
        if face is None or face.leads_only or scope is None or not scope.register or scope.hidden:
            return None
        return face.vector
