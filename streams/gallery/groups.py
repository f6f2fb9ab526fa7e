"""Groups of one case's faces, committed and staged by a batch.

A face is in at most one group per case. Groups grow only by new faces, and shrink by decisions, erasures and reduced
scopes: link never splits and rebuilds a group while somebody reviews it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from graph.domain import ids
from graph.domain.group import FaceSet, grown_group, without_cannot_links
from streams.gallery.matrix import Vectors, all_scores
from streams.gallery.overlay import Overlay

INCOMPATIBLE = -2.0
"""Below every score: the weakest pair of two units that must not become one group."""


@dataclass(frozen=True, slots=True)
class Group:
    group_id: str
    case_id: str
    faces: FaceSet


class Member(NamedTuple):
    """A face as grouping needs it: its scored vector (d,), its media, and its victim if known."""

    vector: Vectors
    media_id: str
    victim_id: str | None


@dataclass(slots=True)
class Groups:
    """The committed groups; `of_face` maps a face to its group in each case, `cannot_link` to the faces that people
    decided are another person."""

    by_id: dict[str, Group] = field(default_factory=dict[str, Group])
    of_face: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    cannot_link: dict[str, FaceSet] = field(default_factory=dict[str, FaceSet])


class StagedGroups:
    """A batch's uncommitted changes of the groups."""

    def __init__(self, base: Groups) -> None:
        self._by_id = Overlay(base.by_id)
        self._of_face = Overlay(base.of_face)
        self._cannot_link = Overlay(base.cannot_link)

    def merge(self, committed: Groups) -> None:
        """Applies the changes to the committed groups."""
        self._by_id.merge_into(committed.by_id)
        self._of_face.merge_into(committed.of_face)
        self._cannot_link.merge_into(committed.cannot_link)

    def groups_of(self, face_id: str) -> Mapping[str, str]:
        """The face's groups: case id to group id."""
        return self._of_face.get(face_id) or {}

    def group(self, group_id: str) -> Group | None:
        return self._by_id.get(group_id)

    def cannot_link(self, face_id: str) -> FaceSet:
        """The faces that people decided show another person than this one."""
        return self._cannot_link.get(face_id) or frozenset()

    def put(self, group: Group) -> None:
        """Stages the group and its faces' membership in it; a group of fewer than two faces is removed."""
        after = group.faces if len(group.faces) > 1 else frozenset[str]()
        before = old.faces if (old := self.group(group.group_id)) is not None else frozenset[str]()
        for face in before - after:
            rest = {case: name for case, name in self.groups_of(face).items() if case != group.case_id}
            self._of_face.changed[face] = rest or None
        for face in after - before:
            self._of_face.put(face, {**self.groups_of(face), group.case_id: group.group_id})
        self._by_id.changed[group.group_id] = replace(group, faces=after) if after else None

    def add_face(
        self,
        face_id: str,
        case_id: str,
        similar: Iterable[str],
        member: Callable[[str], Member],
        *,
        threshold: float,
        offset: int,
    ) -> None:
        """Groups a face that has no group in the case with those of the `similar` faces that it fits.

        `similar` are the case's faces that score at least `threshold` with it; `member` returns any of them. The id of
        a new group contains the log offset, so no id is ever reused for other faces.
        """
        candidates = set(similar)
        units = {self._unit(face, case_id) for face in candidates}
        grown, taken = grown_group(
            face_id, (unit for unit in units if unit <= candidates), _WeakestPair(self, member), threshold
        )
        if not taken:
            return
        old = {self.groups_of(face)[case_id] for unit in taken if len(unit) > 1 for face in list(unit)[:1]}
        sizes = {group_id: len(group.faces) for group_id in old if (group := self.group(group_id)) is not None}
        surviving = min(sizes, key=lambda name: (-sizes[name], name), default=None)
        for group_id in old:
            self.put(Group(group_id, case_id, frozenset()))
        self.put(Group(surviving or ids.digest("group", case_id, face_id, offset), case_id, grown))

    def remove_faces(self, faces: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Removes each face from its groups in these cases; a group with one face left is removed."""
        leaving: defaultdict[str, set[str]] = defaultdict(set)
        for face_id, cases in faces:
            own = self.groups_of(face_id)
            for case_id in cases:
                if case_id in own:
                    leaving[own[case_id]].add(face_id)
        for group_id, removed in leaving.items():
            if (group := self.group(group_id)) is not None:
                self.put(replace(group, faces=group.faces - removed))

    def set_cannot_link(self, pairs: Iterable[tuple[str, str]], *, cannot_link: bool) -> set[str]:
        """Adds or removes cannot-link pairs and splits the groups that hold one.

        Returns the faces that may fit another group now: those that lost theirs, and those of removed pairs.
        """
        ungrouped: set[str] = set()
        for a, b in pairs:
            for one, other in ((a, b), (b, a)):
                known = self.cannot_link(one)
                self._cannot_link.changed[one] = (known | {other} if cannot_link else known - {other}) or None
            if not cannot_link:
                ungrouped |= {a, b}
                continue
            shared = set(self.groups_of(a).items()) & set(self.groups_of(b).items())
            for case_id, group_id in sorted(shared):
                group = self.group(group_id)
                assert group is not None
                rest = without_cannot_links(group.faces, {face: self.cannot_link(face) for face in group.faces})
                self.remove_faces((face, [case_id]) for face in group.faces - rest)
                ungrouped |= {face for face in group.faces if case_id not in self.groups_of(face)}
        return ungrouped

    def rows(self) -> list[dict[str, Any]]:
        """The batch's changes, a row a group: the faces that joined and those that left."""
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


class _WeakestPair:
    """The lowest score between two units; INCOMPATIBLE if they share a media, have two victims, or cannot link."""

    def __init__(self, groups: StagedGroups, member: Callable[[str], Member]) -> None:
        self._groups = groups
        self._member = member

    def __call__(self, one: FaceSet, other: FaceSet) -> float:
        ours, theirs = ([self._member(face) for face in sorted(unit)] for unit in (one, other))
        if not {each.media_id for each in ours}.isdisjoint(each.media_id for each in theirs):
            return INCOMPATIBLE
        if len({each.victim_id for each in (*ours, *theirs)} - {None}) > 1:
            return INCOMPATIBLE
        if any(not self._groups.cannot_link(face).isdisjoint(other) for face in one):
            return INCOMPATIBLE
        vectors = (np.stack([each.vector for each in unit]) for unit in (ours, theirs))
        return float(all_scores(*vectors).min())
