"""Groups of one case's faces as link knows them, with those of a batch that is not committed yet.

A face is in one group of a case at the most. Groups only grow by new faces, and shrink by what people decide, erase or
narrow: link never takes a group apart to build it anew while somebody reviews it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from graph.domain import ids
from graph.domain.group import FaceSet, grown_group, without_cannot_links
from streams.gallery.matrix import Vectors, all_scores
from streams.gallery.overlay import Overlay

OUT_OF_REACH = -2.0
"""Below every score: the weakest pair of two units that may not be one group."""


@dataclass(frozen=True, slots=True)
class Group:
    group_id: str
    case_id: str
    faces: FaceSet


@dataclass(frozen=True, slots=True)
class Member:
    """What a face brings to a group: its scored vector, (d,), its media, and whose face people say it is."""

    vector: Vectors
    media_id: str
    victim_id: str | None


@dataclass(slots=True)
class Groups:
    """The committed groups; `of_face` maps a face to its group in each case, `apart` a face to who is not it."""

    by_id: dict[str, Group] = field(default_factory=dict[str, Group])
    of_face: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    apart: dict[str, FaceSet] = field(default_factory=dict[str, FaceSet])


class StagedGroups:
    """A batch's changes over groups that they do not touch."""

    def __init__(self, base: Groups) -> None:
        self._by_id = Overlay(base.by_id)
        self._of_face = Overlay(base.of_face)
        self._apart = Overlay(base.apart)

    def take_into(self, base: Groups) -> None:
        """Makes a committed batch part of the groups."""
        self._by_id.take_into(base.by_id)
        self._of_face.take_into(base.of_face)
        self._apart.take_into(base.apart)

    def groups_of(self, face_id: str) -> Mapping[str, str]:
        """The face's group in each case that it has one in: case id to group id."""
        return self._of_face.get(face_id) or {}

    def group(self, group_id: str) -> Group | None:
        return self._by_id.get(group_id)

    def apart_from(self, face_id: str) -> FaceSet:
        return self._apart.get(face_id) or frozenset()

    def put(self, group: Group) -> None:
        """Stages the group as it is now, and each face's place in it; a single face is no group."""
        after = group.faces if len(group.faces) > 1 else frozenset[str]()
        before = old.faces if (old := self.group(group.group_id)) is not None else frozenset[str]()
        for face in before - after:
            left = {case: name for case, name in self.groups_of(face).items() if case != group.case_id}
            self._of_face.changed[face] = left or None
        for face in after - before:
            self._of_face.put(face, {**self.groups_of(face), group.case_id: group.group_id})
        self._by_id.changed[group.group_id] = replace(group, faces=after) if after else None

    def join(
        self, face_id: str, case_id: str, close: Iterable[str], member: Callable[[str], Member], strict: float,
        offset: int,
    ) -> None:  # fmt: skip
        """Puts a face that has no group in the case into one with those of the faces `close` to it that it fits.

        `close` are the faces of the case whose score with it is `strict` or more; `member` gives any of them. A new
        group is named by the log's offset, so that no id ever comes back with other faces.
        """
        reach = set(close)
        units = {self._unit(face, case_id) for face in reach}
        grown, taken = grown_group(face_id, (unit for unit in units if unit <= reach), _Weakest(self, member), strict)
        if not taken:
            return
        old = {self.groups_of(face)[case_id] for unit in taken if len(unit) > 1 for face in list(unit)[:1]}
        sizes = {group_id: len(group.faces) for group_id in old if (group := self.group(group_id)) is not None}
        kept = min(sizes, key=lambda name: (-sizes[name], name), default=None)
        for group_id in old:
            self.put(Group(group_id, case_id, frozenset()))
        self.put(Group(kept or ids.digest("group", case_id, face_id, offset), case_id, grown))

    def leave(self, faces: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Takes each face out of its groups in these cases; of a group that one face is left of, nothing stays."""
        leaving: defaultdict[str, set[str]] = defaultdict(set)
        for face_id, cases in faces:
            own = self.groups_of(face_id)
            for case_id in cases:
                if case_id in own:
                    leaving[own[case_id]].add(face_id)
        for group_id, gone in leaving.items():
            if (group := self.group(group_id)) is not None:
                self.put(replace(group, faces=group.faces - gone))

    def judge(self, pairs: Iterable[tuple[str, str]], *, apart: bool) -> set[str]:
        """Keeps in mind that people hold these pairs to be two people, or not any more.

        Returns the faces that may fit another group now: those that had to leave theirs, and those of pairs that are
        not apart any more.
        """
        freed: set[str] = set()
        for a, b in pairs:
            for one, other in ((a, b), (b, a)):
                known = self.apart_from(one)
                self._apart.changed[one] = (known | {other} if apart else known - {other}) or None
            if not apart:
                freed |= {a, b}
                continue
            shared = set(self.groups_of(a).items()) & set(self.groups_of(b).items())
            for case_id, group_id in sorted(shared):
                group = self.group(group_id)
                assert group is not None
                gone = group.faces - without_cannot_links(
                    group.faces, {face: self.apart_from(face) for face in group.faces}
                )
                self.leave((face, [case_id]) for face in gone)
                freed |= {face for face in group.faces if case_id not in self.groups_of(face)}
        return freed

    def rows(self) -> list[dict[str, Any]]:
        """What the batch changed, a row a group: who joined it and who left it."""
        found: list[dict[str, Any]] = []
        for group_id, now in sorted(self._by_id.changed.items(), key=lambda item: item[0]):
            old = self._by_id.base.get(group_id)
            before, after = (group.faces if group is not None else frozenset[str]() for group in (old, now))
            if (known := now or old) is not None and before != after:
                changed = {"joined": sorted(after - before), "left": sorted(before - after)}
                found.append({"group_id": group_id, "case_id": known.case_id, **changed})
        return found

    def _unit(self, face_id: str, case_id: str) -> FaceSet:
        group = self.group(self.groups_of(face_id).get(case_id, ""))
        return group.faces if group is not None else frozenset({face_id})


class _Weakest:
    """The lowest likeness between two units; OUT_OF_REACH where a pair is one picture's, or people say two people."""

    def __init__(self, groups: StagedGroups, member: Callable[[str], Member]) -> None:
        self._groups = groups
        self._member = member

    def __call__(self, one: FaceSet, other: FaceSet) -> float:
        ours, theirs = sorted(one), sorted(other)
        mine, others = [self._member(face) for face in ours], [self._member(face) for face in theirs]
        if not {each.media_id for each in mine}.isdisjoint(each.media_id for each in others):
            return OUT_OF_REACH
        if len({each.victim_id for each in (*mine, *others)} - {None}) > 1:
            return OUT_OF_REACH
        if any(not self._groups.apart_from(face).isdisjoint(other) for face in ours):
            return OUT_OF_REACH
        vectors = (np.stack([each.vector for each in some]) for some in (mine, others))
        return float(all_scores(*vectors).min())
