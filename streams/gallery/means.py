"""The mean vector of each victim's faces: new faces are scored against it and against single faces.

For people with three stored pictures it found 99.3 %, the best single picture 98.6 % (one false alarm in a hundred
strangers, press photographs of adults). Only faces that the whole register is compared with count for a mean, so that
it reveals nothing of a face with a smaller scope.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.gallery.columns import NONE
from streams.gallery.face_table import FaceTable
from streams.gallery.matrix import Matrix, Neighbours, Vectors, all_scores
from streams.gallery.overlay import Overlay

MIN_FACES: Final = 2
"""Faces of a mean."""
MAX_FACES: Final = 100
"""Faces of a mean, the smallest ids: more hardly change it, and it is recomputed for each of them."""

MEAN_PENALTY: Final = 0.02
"""Subtracted from a score with a mean, to make it comparable with a score of two faces.

Measured on cosines of stored vectors, before the score map existed, and not since. Strangers reach a cosine with a mean
about twice as often (LFW sample, 2 to 5 faces of each of 320 people: at 0.40 3.4e-4 against 1.9e-4), in addition to
those who reach it with a single face. Without the penalty a mean added 20 to 50 % to a person's false candidates and no
true one at thresholds below 0.44. With it, a sixth of these remain, and two thirds of the up to 1.5 % of true faces
that only the mean finds at 0.5 and above.
"""


@dataclass(frozen=True, slots=True)
class VictimMean:
    """A victim's mean `vector` (d,) over `faces`, whose scored vectors are the rows of `vectors` (n, d)."""

    victim_id: str
    vector: Vectors
    faces: tuple[str, ...]
    vectors: Vectors

    def nearest(self, vector: Vectors) -> tuple[str, float]:
        """The face of the mean most similar to `vector` (d,), the smaller id if tied, and their score."""
        scores = all_scores(vector[None], self.vectors)[0]
        best = int(np.argmax(scores))  # the first of the highest, and `faces` are sorted
        return self.faces[best], float(scores[best])


def mean(vectors: Vectors) -> Vectors:
    """The mean direction (d,) of vectors (n, d), with their average length; summed in float64."""
    exact = vectors.astype(np.float64)
    total, length = exact.sum(axis=0), np.linalg.norm(exact, axis=1).mean()
    return (total * (length / max(np.linalg.norm(total), np.finfo(np.float64).tiny))).astype(np.float32)


def mean_of(victim_id: str, vectors: Mapping[str, Vectors]) -> VictimMean | None:
    """The mean of vectors by face id, of the MAX_FACES smallest ids; None of fewer than MIN_FACES."""
    names = tuple(sorted(vectors)[:MAX_FACES])
    if len(names) < MIN_FACES:
        return None
    stacked = np.stack([vectors[name] for name in names])
    return VictimMean(victim_id, mean(stacked), names, stacked)


class VictimMeans(Mapping[str, VictimMean]):
    """The committed means by victim; `matrix` holds their vectors, `victim_at` the victim of each row."""

    def __init__(self, faces: FaceTable) -> None:
        self.matrix = Matrix()
        self.victim_at: list[str] = []
        self._table = faces
        self._row: dict[str, int] = {}
        self._in_mean: dict[str, NDArray[np.int32]] = {}
        self._faces: dict[str, NDArray[np.int32]] = {}

    def __len__(self) -> int:
        return len(self._row)

    def __iter__(self) -> Iterator[str]:
        return iter(self._row)

    def __getitem__(self, victim_id: str) -> VictimMean:
        numbers = self._in_mean[victim_id]
        vectors = self._table.matrix.take(self._table.row[numbers].astype(np.int64))
        names = tuple(self._table.ids.names(numbers))
        return VictimMean(victim_id, self.matrix.row(self._row[victim_id]), names, vectors)

    def faces(self, victim_id: str) -> frozenset[str]:
        """All faces of the victim, also those that do not count for its mean."""
        return frozenset(self._table.ids.names(self._faces.get(victim_id, ())))

    def put(self, victim_id: str, faces: Collection[str], found: VictimMean | None) -> None:
        """Stores the victim's faces, all of them in the face table, and its mean; None: it has no mean."""
        self._faces.pop(victim_id, None)
        if faces:
            self._faces[victim_id] = self._numbers(sorted(faces))
        if found is None:
            self._in_mean.pop(victim_id, None)
            if (row := self._row.pop(victim_id, None)) is not None:
                self.matrix.remove(row)
            return
        self._in_mean[victim_id] = self._numbers(found.faces)
        if (row := self._row.get(victim_id)) is not None:
            self.matrix.put(row, found.vector)
            return
        (self._row[victim_id],) = self.matrix.append(found.vector[None])
        self.victim_at.append(victim_id)

    def load(self) -> None:
        """Computes the means of all victims from the face table."""
        table = self._table
        of_victim = np.flatnonzero(table.victim[: len(table.ids)] != NONE)
        of_victim = of_victim[table.media_of[of_victim] != NONE]
        of_victim = of_victim[np.argsort(table.victim[of_victim], kind="stable")]
        register = table.media.codes.register[table.media.code[table.media_of[of_victim]]]
        counts = register & (table.state[of_victim] == 0) & (table.row[of_victim] != NONE)
        starts = np.flatnonzero(np.diff(table.victim[of_victim], prepend=NONE))
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(of_victim)], strict=False):
            numbers = of_victim[start:end]
            able = numbers[counts[start:end]]
            vectors = table.matrix.take(table.row[able].astype(np.int64))
            by_face = dict(zip(table.ids.names(able), vectors, strict=True))
            victim_id = table.victims.name(int(table.victim[numbers[0]]))
            assert victim_id is not None, "only faces with a victim were selected"
            self.put(victim_id, table.ids.names(numbers), mean_of(victim_id, by_face))

    def _numbers(self, faces: Iterable[str]) -> NDArray[np.int32]:
        numbers = [self._table.ids.get(face) for face in faces]
        assert None not in numbers, "the faces of a victim are in the table"
        return np.array(numbers, np.int32)


class StagedMeans:
    """A batch's uncommitted changes of the means.

    `vector_of` returns the present vector (d,) of a face, None if the face does not count for a mean.
    """

    def __init__(self, base: VictimMeans, vector_of: Callable[[str], Vectors | None]) -> None:
        self.base = base
        self.touched: set[str] = set()
        self._vector_of = vector_of
        self._faces: dict[str, frozenset[str]] = {}
        self._now: Overlay[str, VictimMean] = Overlay(base)
        self._before: dict[str, frozenset[str]] = {}

    def faces(self, victim_id: str) -> frozenset[str]:
        """All faces of the victim, also those that do not count for its mean."""
        found = self._faces.get(victim_id)
        return found if found is not None else self.base.faces(victim_id)

    def get(self, victim_id: str) -> VictimMean | None:
        """The victim's present mean; None if too few of its faces count for one."""
        if victim_id in self.touched and victim_id not in self._now.changed:
            self._now.changed[victim_id] = self._computed(victim_id)
        return self._now.get(victim_id)

    def touch(self, victims: Iterable[str | None]) -> None:
        """Must be called before a face of these victims, or the scope of its media, changes."""
        for victim_id in victims:
            if victim_id is None:
                continue
            if victim_id not in self._before:
                found = self.get(victim_id)
                self._before[victim_id] = frozenset(found.faces if found is not None else ())
            self.touched.add(victim_id)
            self._now.changed.pop(victim_id, None)

    def move_face(self, face_id: str, old: str | None, new: str | None) -> None:
        """Moves the face from the `old` victim to the `new` one; call `touch` for both before."""
        if old != new:
            if old is not None:
                self._faces[old] = self.faces(old) - {face_id}
            if new is not None:
                self._faces[new] = self.faces(new) | {face_id}

    def grown(self, always: Collection[str] = ()) -> list[VictimMean]:
        """The means that gained a face since the last call, and those of the victims `always`."""
        before, self._before = self._before, {}
        found = [self.get(victim_id) for victim_id in sorted({*before, *always})]
        return [
            each
            for each in found
            if each is not None and (each.victim_id in always or not before[each.victim_id].issuperset(each.faces))
        ]

    def committed_neighbours(self, queries: Vectors, floor: float) -> list[Neighbours]:
        """For each of the (q, d) queries the committed means that `similar_victims` takes as `committed`."""
        return self.base.matrix.above(queries, floor + MEAN_PENALTY)

    def similar_victims(self, query: Vectors, committed: Neighbours, floor: float) -> list[tuple[str, float]]:
        """The victims whose mean scores at least `floor` with the query (d,), and the score less MEAN_PENALTY; the
        highest first."""
        rows: list[int] = committed.rows.tolist()
        scored = zip(rows, committed.scores.tolist(), strict=True)
        found = [(self.base.victim_at[row], float(score) - MEAN_PENALTY) for row, score in scored]
        found = [(name, score) for name, score in found if name not in self.touched]
        recomputed = [each for each in map(self.get, sorted(self.touched)) if each is not None]
        if recomputed:
            (scores,) = all_scores(query[None], np.stack([each.vector for each in recomputed]))
            high = np.flatnonzero(scores >= floor + MEAN_PENALTY)
            found += [(recomputed[at].victim_id, float(scores[at]) - MEAN_PENALTY) for at in high]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def _computed(self, victim_id: str) -> VictimMean | None:
        counted: dict[str, Vectors] = {}
        for face_id in sorted(self.faces(victim_id)):
            if (vector := self._vector_of(face_id)) is not None:
                counted[face_id] = vector
                if len(counted) == MAX_FACES:
                    break
        return mean_of(victim_id, counted)
