"""Link's meaning of the gallery log in plain Python: one record at a time, every face with every other in float64."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from graph.domain import ids
from graph.domain.comparison import (
    FLOOR,
    HIDDEN_LABELS,
    SEARCH_LIMIT,
    THRESHOLD,
    InScope,
    Scope,
    may_compare,
    may_find,
    similar,
    within_caps,
)
from graph.domain.group import STRICT
from streams.faces.models import MODEL_ID
from streams.gallery import rows
from streams.gallery.templates import MOST
from streams.records import (
    CaseRecord,
    ErasureRecord,
    GalleryRecord,
    LabelChanged,
    MarkEmbedded,
    MediaEmbedded,
    PairsJudged,
    SearchAsked,
    VictimRecord,
    VictimsAssigned,
)

Counts = tuple[int, int]


@dataclass
class Member:
    scope: Scope
    age: tuple[int, str]
    exhibits: set[str]


@dataclass
class Known:
    members: dict[str, Member] = field(default_factory=dict)
    faces: dict[str, np.ndarray | None] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """When an event last put it into a case."""
        return max(member.age[0] for member in self.members.values())


class Reference:
    """`links` maps a pair to its state and score, `answers` a search to what it returned, `compared` counts faces."""

    def __init__(self, model_id: str = MODEL_ID) -> None:
        self.model_id = model_id
        self.cases: dict[str, tuple[str, bool, int]] = {}
        self.media: dict[str, Known] = {}
        self.victims: dict[str, str] = {}
        self.assigned: dict[str, str] = {}
        self.labels: dict[str, str | None] = {}
        self.erased: dict[str, int] = {}
        self.marks: dict[str, dict[str, int]] = {}
        self.links: dict[tuple[str, str], tuple[str, float]] = {}
        self.answers: dict[str, list[tuple[str, float]]] = {}
        self.compared: dict[str, Counts] = {}
        self.searched: dict[str, Counts] = {}
        self.quarantined: list[str] = []
        self.apart: set[frozenset[str]] = set()

    def apply(self, offset: int, record: GalleryRecord) -> None:
        before = {victim: set(faces) for victim, faces in self.means().items()}
        decided: set[str | None] = set()
        if isinstance(record, VictimsAssigned):
            decided = set(record.faces.values())
        self._read(offset, record)
        for victim, faces in sorted(self.means().items()):
            if victim in decided or set(faces) - before.get(victim, set()):
                self._compare_mean(victim, faces)

    def _read(self, offset: int, record: GalleryRecord) -> None:
        match record:
            case MediaEmbedded():
                self._media(offset, record)
            case MarkEmbedded():
                self._mark(offset, record)
            case CaseRecord():
                self._case(offset, record)
            case ErasureRecord():
                self._erase(record)
            case SearchAsked():
                self._search(record)
            case LabelChanged():
                self._label(offset, record)
            case PairsJudged():
                change = self.apart.update if record.apart else self.apart.difference_update
                change(frozenset(pair) for pair in record.pairs)
            case VictimsAssigned():
                known = {face for _, face, _ in self.everyone()}
                for face in known & record.faces.keys():
                    self.assigned.pop(face, None)
                    if (victim := record.faces[face]) is not None:
                        self.assigned[face] = victim
            case VictimRecord():
                pass

    # --- scopes ---

    def scope(self, media_id: str) -> InScope:
        known = self.media[media_id]
        still_open = [case for case in known.members if self.cases.get(case, ("", True, 0))[1]]
        return InScope.of(media_id, {case: member.scope for case, member in known.members.items()}, still_open, None)

    def face_scope(self, media_id: str, face: str) -> InScope:
        return replace(self.scope(media_id), hidden=self.labels.get(face) in HIDDEN_LABELS)

    def everyone(self) -> list[tuple[str, str, np.ndarray | None]]:
        return [(m, face, vector) for m, known in self.media.items() for face, vector in known.faces.items()]

    def score(self, one: np.ndarray, other: np.ndarray) -> float:
        return float(np.round(np.dot(one.astype(np.float64), other.astype(np.float64)), 9))

    # --- victims ---

    def victim_of(self, face: str) -> str | None:
        return self.assigned.get(face) or self.victims.get(face)

    def means(self) -> dict[str, list[str]]:
        """By victim the faces whose mean it is scored by; only of those with two at least."""
        found: dict[str, list[str]] = {}
        for media_id, face, vector in sorted(self.everyone(), key=lambda known: known[1]):
            scope, victim = self.face_scope(media_id, face), self.victim_of(face)
            if vector is not None and victim is not None and scope.register and not scope.hidden:
                found.setdefault(victim, []).append(face)
        return {victim: faces[:MOST] for victim, faces in found.items() if len(faces) > 1}

    def by_mean(self, media_id: str, face: str, vector: np.ndarray, victim: str) -> tuple[str, float, float] | None:
        """The victim's face nearest to this one, its cosine and the mean's; None where the victim is no answer."""
        scope = self.face_scope(media_id, face)
        theirs = {other for _, other, _ in self.everyone() if self.victim_of(other) == victim}
        apart = any(frozenset((face, other)) in self.apart for other in theirs)
        if not scope.register or scope.hidden or apart or theirs & self.media[media_id].faces.keys():
            return None
        vectors = {other: stored for _, other, stored in self.everyone()}
        counted = [vectors[other].astype(np.float64) for other in self.means()[victim]]
        middle = np.mean(counted, axis=0)
        middle = (middle / np.linalg.norm(middle)).astype(np.float32)
        single, nearest = min((-self.score(vector, vectors[other]), other) for other in self.means()[victim])
        return nearest, -single, self.score(vector, middle)

    def _compare_mean(self, victim: str, faces: list[str]) -> None:
        homes = {face: media_id for media_id, face, _ in self.everyone()}
        cases = frozenset[str]().union(*(self.face_scope(homes[face], face).cases for face in faces))
        whole = InScope("", register=True, cases=cases)
        found, nearest = [], {}
        for media_id, face, vector in self.everyone():
            near = self.by_mean(media_id, face, vector, victim) if vector is not None else None
            if near is not None and near[2] >= FLOOR:
                nearest[face] = near[0]
                scope = self.face_scope(media_id, face)
                found.append(similar(whole, scope, face, max(near[1:]), self.victim_of(face)))
        for item in within_caps(found):
            self._link(item.face_id, nearest[item.face_id], item.score)

    def _link(self, a: str, b: str, score: float) -> None:
        self.links[ids.ordered(a, b)] = ("candidate" if score >= THRESHOLD else "lead", score)

    # --- groups ---

    def is_group(self, case_id: str, faces: Collection[str]) -> bool:
        """Whether these faces may be one group of the case: each pair strictly similar, none of it kept apart."""
        homes = {face: media for media, known in self.media.items() for face in known.faces}
        vectors = {face: self.media[homes[face]].faces[face] for face in faces}
        scopes = [self.face_scope(homes[face], face) for face in faces]
        if any(scope.hidden or case_id not in scope.cases for scope in scopes):
            return False
        if len({homes[face] for face in faces}) < len(faces) or len(faces) < 2:
            return False
        return all(
            self.score(vectors[a], vectors[b]) >= STRICT and frozenset((a, b)) not in self.apart
            for a, b in combinations(faces, 2)
        )

    # --- records ---

    def _media(self, offset: int, record: MediaEmbedded) -> None:
        event, source, media_id = record.submitted, record.origin, record.media_id
        if self.cases.get(event.case_id, (event.district,))[0] != event.district:
            self.quarantined.append(source.event)
            return
        if source.submitted_at <= max(self._erased_at("media", media_id), self._erased_at("case", event.case_id)):
            return
        is_new = media_id not in self.media
        if record.model_id != self.model_id and self._brings(record):
            self.quarantined.append(source.event)
            return
        self.cases.setdefault(event.case_id, (event.district, True, 0))
        before = None if is_new else self.scope(media_id)
        known = self.media.setdefault(media_id, Known())
        age = (source.submitted_at, source.ce_id or source.event)
        exhibits = {event.exhibit} if event.exhibit else set()
        old = known.members.get(event.case_id)
        if old is None:
            known.members[event.case_id] = Member(event.scope, age, exhibits)
        else:
            old.exhibits |= exhibits
            if age > old.age:
                old.scope, old.age = event.scope, age
        gained = False
        for face in record.faces:
            vector = None if face.too_poor_because else rows.vector(face)
            erased = self._erased_at("face", face.face_id)
            if face.face_id in known.faces:
                # It stands there, and nothing of another model is compared with it.
                made = record.model_id == self.model_id and known.faces[face.face_id] is None and vector is not None
            else:
                # A media brings its faces once; an erased one comes back with any later submission.
                made = known.last > erased and (is_new or erased >= 0)
            if made:
                known.faces[face.face_id] = vector
                gained = True
        after = self.scope(media_id)
        if before is None or gained or (after.register and not before.register) or after.cases - before.cases:
            self._compare(media_id, offset)
        if before is not None:
            self._narrow({media_id})
        if event.victim is not None:
            declared = rows.declared_face(record, event.victim.box)
            if declared in known.faces:
                names = filter(None, (self.victims.get(declared), event.victim.victim_id))
                self.victims[declared] = min(names)

    def _brings(self, record: MediaEmbedded) -> bool:
        """Whether the media may have faces by this record that it has not now."""
        known = self.media.get(record.media_id)
        if known is None:
            return bool(record.faces)
        last = max(known.last, record.origin.submitted_at)
        new = [face.face_id for face in record.faces if face.face_id not in known.faces]
        return any(0 <= self._erased_at("face", face) < last for face in new)

    def _mark(self, offset: int, record: MarkEmbedded) -> None:
        media_id, face = record.media_id, record.face.face_id
        known = self.media.get(media_id)
        if known is not None and face in known.faces:
            return
        if self._mark_erased(media_id, face, record.mark.marked_on):
            return
        if known is None or record.model_id != self.model_id:
            self.quarantined.append(record.origin.event)
            return
        self.marks[face] = record.mark.marked_on
        known.faces[face] = None if record.face.too_poor_because else rows.vector(record.face)
        self._compare(media_id, offset, {face})

    def _mark_erased(self, media_id: str, face: str, marked_on: dict[str, int]) -> bool:
        """A membership that the mark stands on ends with an erasure of its media or case that is not older."""
        left = [
            case
            for case, at in marked_on.items()
            if at > self._erased_at("media", media_id) and at > self._erased_at("case", case)
        ]
        return not left or self._erased_at("face", face) >= 0

    def _case(self, offset: int, record: CaseRecord) -> None:
        changed = record.changed
        known = changed.case_id in self.cases
        district, was_open, version = self.cases.get(changed.case_id, (changed.district, True, 0))
        if district != changed.district:
            self.quarantined.append(record.origin.event)
            return
        if known and changed.version <= version:
            return
        self.cases[changed.case_id] = (district, changed.status == "open", changed.version)
        of_case = {media_id for media_id, media in self.media.items() if changed.case_id in media.members}
        if changed.status == "open" and not was_open:
            for media_id in of_case:
                self._compare(media_id, offset)
        self._narrow(of_case)

    def _erase(self, record: ErasureRecord) -> None:
        ((kind, subject),) = record.erasure.subject.items()
        kind, at = kind.removesuffix("_id"), record.origin.submitted_at
        self.erased[f"{kind}:{subject}"] = max(at, self._erased_at(kind, subject))
        if kind == "face":
            for known in self.media.values():
                if subject in known.faces and (subject in self.marks or known.last <= at):
                    del known.faces[subject]
                    self._forget({subject})
            return
        for media_id in [media_id for media_id in self.media if kind == "case" or media_id == subject]:
            members = self.media[media_id].members
            for case in [case for case in members if kind == "media" or case == subject]:
                if members[case].age[0] <= at:
                    del members[case]
            if not members:
                self._forget(set(self.media.pop(media_id).faces))
                continue
            faces = self.media[media_id].faces
            gone = [face for face in faces if self._erased_at("face", face) >= self.media[media_id].last]
            gone += [f for f in faces if f in self.marks and self._mark_erased(media_id, f, self.marks[f])]
            for face in dict.fromkeys(gone):
                del faces[face]
                self._forget({face})
            self._narrow({media_id})

    def _erased_at(self, kind: str, subject: str) -> int:
        return self.erased.get(f"{kind}:{subject}", -1)

    def _forget(self, faces: set[str]) -> None:
        self.links = {pair: link for pair, link in self.links.items() if not faces & set(pair)}
        for face in faces:
            self.victims.pop(face, None)
            self.assigned.pop(face, None)
            self.labels.pop(face, None)

    def _narrow(self, media: set[str]) -> None:
        home = {face: media_id for media_id, face, _ in self.everyone()}
        for a, b in list(self.links):
            touched = home[a] in media or home[b] in media
            if touched and not may_compare(self.face_scope(home[a], a), self.face_scope(home[b], b)):
                del self.links[a, b]

    def _label(self, offset: int, record: LabelChanged) -> None:
        home = {face: media_id for media_id, face, _ in self.everyone()}
        faces = [face for face in record.faces if face in home]
        self.labels |= dict.fromkeys(faces, record.label)
        media = list(dict.fromkeys(home[face] for face in faces))
        if record.label in HIDDEN_LABELS:
            self._narrow(set(media))
            return
        for media_id in media:
            if back := {face for face in faces if home[face] == media_id} & set(record.taken_back):
                self._compare(media_id, offset, back)

    # --- comparison ---

    def compare_anew(self) -> None:
        """The links are those that every face has with every other, and none else."""
        self.links = {}
        for media_id in sorted(self.media):
            self._compare(media_id, -1)
        for victim, faces in sorted(self.means().items()):
            self._compare_mean(victim, faces)

    def _compare(self, media_id: str, offset: int, only: set[str] | None = None) -> None:
        mine = self.scope(media_id)
        own = {f: v for f, v in self.media[media_id].faces.items() if self.labels.get(f) not in HIDDEN_LABELS}
        able = {face: vector for face, vector in own.items() if vector is not None and (only is None or face in only)}
        for face, vector in able.items():
            found = []
            for other_media, other, stored in self.everyone():
                scope = self.face_scope(other_media, other)
                if stored is None or not may_compare(mine, scope):
                    continue
                score = self.score(vector, stored)
                if score >= FLOOR:
                    found.append(similar(mine, scope, other, score, self.victim_of(other)))
            for victim in self.means():
                near = self.by_mean(media_id, face, vector, victim)
                if near is not None and near[2] >= FLOOR:
                    home = next(media for media, other, _ in self.everyone() if other == near[0])
                    alone = [item for item in found if item.face_id != near[0]]
                    scope = self.face_scope(home, near[0])
                    found = [*alone, similar(mine, scope, near[0], max(near[1:]), self.victim_of(near[0]))]
            for item in within_caps(found):
                self._link(face, item.face_id, item.score)
        if (mine.register or mine.cases) and able:
            allowed = [v for m, face, v in self.everyone() if may_compare(mine, self.face_scope(m, face))]
            poor = sum(vector is None for vector in allowed)
            self.compared[ids.comparison_id(media_id, offset)] = (len(allowed) - poor, poor)

    def _search(self, asked: SearchAsked) -> None:
        home = {face: media_id for media_id, face, _ in self.everyone()}
        probes = {face: self.media[home[face]].faces[face] for face in asked.faces if face in home}
        own_media = {home[face] for face in probes}
        best: dict[str, float] = {}
        reach: list[np.ndarray | None] = []
        for media_id, face, stored in self.everyone():
            scopes = {case: member.scope for case, member in self.media[media_id].members.items()}
            seen = self.face_scope(media_id, face)
            if media_id not in own_media and may_find(seen, scopes, asked.case_id, asked.within):
                reach.append(stored)
        poor = sum(vector is None for vector in reach)
        asks = any(vector is not None for vector in probes.values())
        # The counts of a search in a closed case are not exact, and no promise is made of them.
        if asked.within == "register" or self.cases.get(asked.within.removeprefix("case:"), ("", True, 0))[1]:
            self.searched[asked.search_id] = (len(reach) - poor if asks else 0, poor)
        for vector in probes.values():
            for media_id, other, stored in self.everyone():
                scopes = {case: member.scope for case, member in self.media[media_id].members.items()}
                if vector is None or stored is None or media_id in own_media:
                    continue
                if not may_find(self.face_scope(media_id, other), scopes, asked.case_id, asked.within):
                    continue
                score = self.score(vector, stored)
                if score >= FLOOR:
                    best[other] = max(score, best.get(other, 0.0))
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
        self.answers[asked.search_id] = ranked[: asked.limit or SEARCH_LIMIT] if asked.within == "register" else ranked
