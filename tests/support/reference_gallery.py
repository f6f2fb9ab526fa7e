"""Link's meaning of the gallery log in plain Python: one record at a time, every face with every other in float64."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import exp, log

import numpy as np

from graph.domain import ids
from graph.domain.comparison import (
    HIDDEN_LABELS,
    SEARCH_LIMIT,
    TOO_POOR_BELOW,
    InScope,
    Scope,
    Similar,
    may_compare,
    may_find,
    order,
    people_within,
    similar,
    within_caps,
)
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import Calibrations, calibration_of, packaged
from streams.gallery.means import MAX_FACES, MEAN_PENALTY
from streams.link.declared_victims import declared_face
from streams.link.vectors import unit_vector
from streams.records.gallery import (
    CaseRecord,
    ErasureRecord,
    GalleryRecord,
    LabelChanged,
    MarkEmbedded,
    MediaEmbedded,
    PairsJudged,
    SearchAsked,
    SearchEnded,
    VictimRecord,
    VictimsAssigned,
)

Counts = tuple[int, int]


@dataclass
class Member:
    scope: Scope
    age: tuple[int, str]
    exhibits: set[str]


Item = tuple[str, float, bool]
"""A face that a search returned, its score, and whether it is similar or a mere lead."""


@dataclass
class Part:
    """What was added to a search's answer at a record; one that returned nothing grows."""

    offset: int
    compared: int
    too_poor: int
    no_face: int
    items: list[Item]


@dataclass
class Known:
    members: dict[str, Member] = field(default_factory=dict)
    faces: dict[str, np.ndarray | None] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """When an event last put it into a case."""
        return max(member.age[0] for member in self.members.values())


class Reference:
    """`links` maps a pair to its state, score, band and threshold, `answers` a search to what it returned.

    `compared` counts faces.
    """

    def __init__(self, model_id: str = MODEL_ID, calibrations: Calibrations | None = None) -> None:
        self.model_id = model_id
        self.calibration = calibration_of(calibrations or packaged(), model_id)
        self.cases: dict[str, tuple[str, bool, int]] = {}
        self.media: dict[str, Known] = {}
        self.victims: dict[str, str] = {}
        self.assigned: dict[str, str] = {}
        self.poor: dict[str, np.ndarray] = {}
        """Vectors of faces that are too poor to compare."""
        self.leads_only: set[str] = set()
        """Faces that are compared although their quality is that of poor ones."""
        self.labels: dict[str, str | None] = {}
        self.erased: dict[str, int] = {}
        self.marks: dict[str, dict[str, int]] = {}
        self.links: dict[tuple[str, str], tuple[str, float, str, float]] = {}
        self.answers: dict[str, list[Item]] = {}
        self.cut: dict[str, tuple[int, list[str]]] = {}
        """Face to the number of others that are as similar as those proposed, and the first of their ids."""
        self.compared: dict[str, Counts] = {}
        self.searched: dict[str, Counts] = {}
        self.quarantined: list[str] = []
        self.apart: set[frozenset[str]] = set()
        self.group_of: Mapping[str, str] = {}
        """Face to group, as link has them now: told by the test, for nothing here makes groups."""
        self.asked: dict[str, SearchAsked] = {}
        """The searches that are open."""
        self.parts: dict[str, list[Part]] = {}

    def apply(self, offset: int, record: GalleryRecord) -> None:
        """Applies the record, and compares with each open search what that could not find before it."""
        before = {name: (self._findable(asked), self._covered(asked)) for name, asked in self.asked.items()}
        self._apply(offset, record)
        submitted_at = record.origin.submitted_at if hasattr(record, "origin") else None  # type: ignore[union-attr]
        for name, seen in before.items():
            if name in self.asked:
                self._append(offset, submitted_at, self.asked[name], seen)

    def _apply(self, offset: int, record: GalleryRecord) -> None:
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
            case SearchEnded():
                self.asked.pop(record.search_id, None)
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
            counts = vector is not None and face not in self.leads_only
            if counts and victim is not None and scope.register and not scope.hidden:
                found.setdefault(victim, []).append(face)
        return {victim: faces[:MAX_FACES] for victim, faces in found.items() if len(faces) > 1}

    def by_mean(self, media_id: str, face: str, vector: np.ndarray, victim: str) -> tuple[str, float, float] | None:
        """The victim's face nearest to this one, its cosine and the mean's score; None: the victim is no answer."""
        scope = self.face_scope(media_id, face)
        theirs = {other for _, other, _ in self.everyone() if self.victim_of(other) == victim}
        apart = any(frozenset((face, other)) in self.apart for other in theirs)
        if not scope.register or scope.hidden or apart or theirs & self.media[media_id].faces.keys():
            return None
        return self.like_mean(vector, victim)

    def middle(self, vectors: list[np.ndarray]) -> np.ndarray:
        """The vector in the middle of these, as long as they are on average."""
        exact = [vector.astype(np.float64) for vector in vectors]
        found = np.mean(exact, axis=0)
        return (found * (np.mean([np.linalg.norm(each) for each in exact]) / np.linalg.norm(found))).astype(np.float32)

    def like_mean(self, vector: np.ndarray, victim: str) -> tuple[str, float, float]:
        vectors = {other: stored for _, other, stored in self.everyone()}
        middle = self.middle([vectors[other] for other in self.means()[victim]])
        single, nearest = min((-self.score(vector, vectors[other]), other) for other in self.means()[victim])
        return nearest, -single, self.score(vector, middle) - MEAN_PENALTY

    def _compare_mean(self, victim: str, faces: list[str]) -> None:
        homes = {face: media_id for media_id, face, _ in self.everyone()}
        cases = frozenset[str]().union(*(self.face_scope(homes[face], face).cases for face in faces))
        whole = InScope("", register=True, cases=cases)
        found, nearest = [], {}
        for media_id, face, vector in self.everyone():
            near = self.by_mean(media_id, face, vector, victim) if vector is not None else None
            if near is not None and near[2] >= self.calibration.floor:
                nearest[face] = near[0]
                scope = self.face_scope(media_id, face)
                found.append(similar(whole, scope, face, max(near[1:]), self.victim_of(face)))
        able = [self.face_scope(media_id, face) for media_id, face, vector in self.everyone() if vector is not None]
        compared = sum(not scope.hidden and (scope.register or bool(cases & scope.cases)) for scope in able)
        for item in within_caps(found):
            self._link(item.face_id, nearest[item.face_id], item.score, compared)

    def _link(self, a: str, b: str, score: float, compared: int) -> None:
        needed = self.calibration.threshold(compared)
        state = "candidate" if score >= needed and self.leads_only.isdisjoint((a, b)) else "lead"
        self.links[ids.ordered(a, b)] = (state, score, self.calibration.band(score), needed)

    def _cut(self, face: str, found: list[Similar], kept: list[Similar], needed: float) -> None:
        others = [item for item in found if item not in kept and not item.own_case]
        last = min([item.score for item in kept if not item.own_case], default=2.0)
        more = []
        for item in others:
            with_victim = item.victim_id is not None and any(one.victim_id == item.victim_id for one in kept)
            if not with_victim and (item.score >= last or item.score >= needed):
                more.append(item.face_id)
        self.cut[face] = (len(more), sorted(more)[:200])

    def scored(self, stored: np.ndarray) -> np.ndarray:
        """The vector that a face with this stored one is compared by: as `graph.domain.score` says."""
        if (score := self.calibration.score) is None:
            return stored
        moved = stored.astype(np.float64) - np.array(score.mean)
        mapped = moved @ np.array(score.map)
        length = 1.0
        if (crowd := score.crowd) is not None:
            along = [float(moved @ np.array(way)) for way in crowd.directions]
            left = moved - sum(far * np.array(way) for far, way in zip(along, crowd.directions, strict=True))
            crowded = crowd.base + crowd.rest * log(np.linalg.norm(left))
            crowded += sum(a * u + b * u * u for a, b, u in zip(crowd.along, crowd.squared, along, strict=True))
            length = exp(-max(crowded, 0.0))
        return np.round(mapped * length / np.linalg.norm(mapped), 7).astype(np.float32)

    # --- groups ---

    def strict(self, a: str, b: str) -> bool:
        """Whether the two are as alike as a group asks."""
        vectors = {face: vector for _, face, vector in self.everyone() if vector is not None}
        return self.score(vectors[a], vectors[b]) >= self.calibration.group

    def is_group(self, case_id: str, faces: Collection[str]) -> bool:
        """Whether these faces may be one group of the case: each pair strictly similar, none of it kept apart."""
        homes = {face: media for media, known in self.media.items() for face in known.faces}
        scopes = [self.face_scope(homes[face], face) for face in faces]
        if any(scope.hidden or case_id not in scope.cases for scope in scopes):
            return False
        if not self.leads_only.isdisjoint(faces):
            return False
        if len({homes[face] for face in faces}) < len(faces) or len(faces) < 2:
            return False
        return all(self.strict(a, b) and frozenset((a, b)) not in self.apart for a, b in combinations(faces, 2))

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
            vector = None if face.too_poor_because else self.scored(unit_vector(face.vector))
            erased = self._erased_at("face", face.face_id)
            if face.face_id in known.faces:
                # It stands there, and nothing of another model is compared with it.
                made = record.model_id == self.model_id and known.faces[face.face_id] is None and vector is not None
            else:
                # A media brings its faces once; an erased one comes back with any later submission.
                made = known.last > erased and (is_new or erased >= 0)
            if made:
                known.faces[face.face_id] = vector
                self.poor[face.face_id] = self.scored(unit_vector(face.vector))
                self.leads_only |= {face.face_id} if face.quality < TOO_POOR_BELOW else set()
                gained = True
        after = self.scope(media_id)
        if before is None or gained or (after.register and not before.register) or after.cases - before.cases:
            self._compare(media_id, offset)
        if before is not None:
            self._narrow({media_id})
        if event.victim is not None:
            declared = declared_face(record, event.victim.box)
            # Without a box it is unclear who is meant where a person marked another face.
            unclear = event.victim.box is None and not self.marks.keys().isdisjoint(known.faces)
            if declared in known.faces and not unclear:
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
        vector = self.scored(unit_vector(record.face.vector))
        known.faces[face] = None if record.face.too_poor_because else vector
        self.poor[face] = vector
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
        if changed.status == "closed" and was_open:
            self._end_with(changed.case_id)
        if changed.status == "open" and not was_open:
            for media_id in sorted(of_case):
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
        if kind == "case":
            self._end_with(subject)
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

    def recompare_all(self) -> None:
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
        allowed = [(self.face_scope(m, face), v) for m, face, v in self.everyone()]
        allowed = [(scope, vector) for scope, vector in allowed if may_compare(mine, scope)]
        poor = sum(vector is None for _, vector in allowed)
        compared = len(allowed) - poor
        for face, vector in able.items():
            found: list[Similar] = []
            for other_media, other, stored in self.everyone():
                scope = self.face_scope(other_media, other)
                if stored is None or not may_compare(mine, scope):
                    continue
                score = self.score(vector, stored)
                if score >= self.calibration.floor:
                    found.append(similar(mine, scope, other, score, self.victim_of(other)))
            for victim in self.means():
                near = self.by_mean(media_id, face, vector, victim)
                if near is not None and near[2] >= self.calibration.floor:
                    home = next(media for media, other, _ in self.everyone() if other == near[0])
                    alone = [item for item in found if item.face_id != near[0]]
                    scope = self.face_scope(home, near[0])
                    found = [*alone, similar(mine, scope, near[0], max(near[1:]), self.victim_of(near[0]))]
            kept = within_caps(found)
            for item in kept:
                self._link(face, item.face_id, item.score, compared)
            if mine.register or mine.cases:
                self._cut(face, found, kept, self.calibration.threshold(compared))
        if (mine.register or mine.cases) and able:
            self.compared[ids.comparison_id(media_id, offset)] = (compared, poor)

    def _search(self, asked: SearchAsked) -> None:
        probes = self._probes(asked)
        reach = self._findable(asked)
        able = {face: vector for face, vector in reach.items() if vector is not None}
        # The counts of a search in a closed case are not exact, and no promise is made of them.
        still_open = self.cases.get(asked.within.removeprefix("case:"), ("", True, 0))[1]
        if asked.within == "register" or still_open:
            self.searched[asked.search_id] = (len(able) if probes else 0, len(reach) - len(able))
        means = self.means() if asked.within == "register" else {}
        by_mean = [(*self.like_mean(vector, victim), probe) for probe, vector in probes for victim in means]
        self.answers[asked.search_id] = self._best(asked, able, len(able), by_mean)
        asking_open = self.cases.get(asked.case_id, ("", True, 0))[1]
        if probes and still_open and asking_open and (asked.keep_asking or asked.within != "register"):
            self.asked[asked.search_id] = asked

    def _probes(self, asked: SearchAsked) -> list[tuple[str, np.ndarray]]:
        good = self._good_probes(asked)
        return good or [(face, self.poor[face]) for _, face, _ in self.everyone() if face in asked.faces]

    def _good_probes(self, asked: SearchAsked) -> list[tuple[str, np.ndarray]]:
        asked_for = set(asked.faces) - self.leads_only
        return [(face, v) for _, face, v in self.everyone() if face in asked_for and v is not None]

    def _findable(self, asked: SearchAsked) -> dict[str, np.ndarray | None]:
        """Every face that the search may find, but for those of its own faces' pictures."""
        own_media = {media_id for media_id, face, _ in self.everyone() if face in asked.faces}
        found: dict[str, np.ndarray | None] = {}
        for media_id, face, stored in self.everyone():
            scopes = {case: member.scope for case, member in self.media[media_id].members.items()}
            seen = self.face_scope(media_id, face)
            if media_id not in own_media and may_find(seen, scopes, asked.case_id, asked.within):
                found[face] = stored
        return found

    def _covered(self, asked: SearchAsked) -> set[str]:
        """Every media that the search may cover."""
        members = {media_id: known.members for media_id, known in self.media.items()}
        return {
            media_id
            for media_id, of in members.items()
            if may_find(self.scope(media_id), {c: m.scope for c, m in of.items()}, asked.case_id, asked.within)
        }

    def _best(
        self,
        asked: SearchAsked,
        able: Mapping[str, np.ndarray],
        compared: int,
        by_mean: Sequence[tuple[str, float, float, str]] = (),
    ) -> list[Item]:
        """What is returned of these faces, by the threshold of all faces that the search has compared."""
        found: list[Similar] = []
        similar: dict[str, bool] = {}
        for face, stored in able.items():
            tries = [(self.score(vector, stored), probe) for probe, vector in self._probes(asked)]
            tries += [(mean, probe) for nearest, _, mean, probe in by_mean if nearest == face]
            tries += self._by_mean_of_asked(asked, stored)
            score = max((score for score, _ in tries), default=0.0)
            if score >= self.calibration.floor:
                found.append(Similar(face, score, "", False))
                threshold = self.calibration.threshold(compared)
                surely = bool(self._good_probes(asked)) and face not in self.leads_only
                similar[face] = surely and score >= threshold
        if asked.within == "register":
            found = people_within(found, asked.limit or SEARCH_LIMIT, self._person)
        return [(item.face_id, item.score, similar[item.face_id]) for item in sorted(found, key=order)]

    def _by_mean_of_asked(self, asked: SearchAsked, stored: np.ndarray) -> list[tuple[float, str]]:
        """The score of a face with the mean of the faces that are asked for, and the nearest of these."""
        good = sorted(self._good_probes(asked), key=lambda probe: probe[0])
        if len(good) < 2:
            return []
        score = self.score(stored, self.middle([vector for _, vector in good])) - MEAN_PENALTY
        _, nearest = min((-self.score(stored, vector), probe) for probe, vector in good)
        return [(score, nearest)] if score >= self.calibration.floor else []

    def _person(self, face: str) -> str:
        return self.assigned.get(face) or self.victims.get(face) or self.group_of.get(face, face)

    def _append(
        self,
        offset: int,
        submitted_at: int | None,
        asked: SearchAsked,
        before: tuple[Mapping[str, np.ndarray | None], set[str]],
    ) -> None:
        after, seen = self._findable(asked), before[0]
        new = {f: v for f, v in after.items() if f not in seen or (v is not None and seen[f] is None)}
        # One that lost its faces to an erasure is not new.
        empty = {media_id for media_id in self._covered(asked) - before[1] if not self.media[media_id].faces}
        if not (new or empty) or not self._probes(asked):
            return
        if asked.until is not None and submitted_at is not None and submitted_at > asked.until:
            del self.asked[asked.search_id]
            return
        able = {face: vector for face, vector in new.items() if vector is not None}
        covered = sum(vector is not None for vector in after.values())
        part = Part(offset, len(able), len(new) - len(able), len(empty), self._best(asked, able, covered))
        parts = self.parts.setdefault(asked.search_id, [])
        if parts and not parts[-1].items and not part.items:
            last = parts.pop()
            sums = (last.compared + part.compared, last.too_poor + part.too_poor, last.no_face + part.no_face)
            part = Part(offset, *sums, [])
        parts.append(part)

    def _end_with(self, case_id: str) -> None:
        """A closed case ends the searches that it asks, and those that ask in it."""
        ended = [name for name, asked in self.asked.items() if case_id in (asked.case_id, asked.within[5:])]
        for name in ended:
            del self.asked[name]
