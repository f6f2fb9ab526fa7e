"""The committed faces of a register as columns beside their vectors; a `Face` object is built when one is read.

Every new face is compared with all of a register's faces, so whatever comparison needs is in arrays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.domain.comparison import HIDDEN_LABELS, TOO_POOR_BELOW
from streams.gallery.columns import NONE, Names, Numbers, Table, grown
from streams.gallery.entities import Face
from streams.gallery.matrix import Matrix, Vectors
from streams.gallery.media_table import MediaTable

POOR, HIDDEN, LEADS_ONLY = 1, 2, 4
"""Bits of a face's state."""


@dataclass(frozen=True, slots=True)
class OwnCases:
    """For a set of cases: the scope codes that count in one of them, the matrix rows and the victims of their faces."""

    codes: NDArray[np.bool_]
    rows: Numbers
    victims: frozenset[str]


class FaceTable(Table[Face]):
    """Faces by number, and their scored vectors by row: those of compared faces in `matrix`, those of too poor faces in
    a second matrix that no comparison reads."""

    def __init__(self) -> None:
        super().__init__()
        self.media = MediaTable(self.ids)
        self.matrix = Matrix()
        self.face_at = np.zeros(0, np.int32)
        """The face number of each row of `matrix`."""
        self.media_of = np.zeros(0, np.int32)
        """NONE: the face was removed."""
        self.state = np.zeros(0, np.uint8)
        """POOR, HIDDEN, LEADS_ONLY."""
        self.row = np.zeros(0, np.int32)
        self.victim = np.zeros(0, np.int32)
        """The number in `victims` of the assigned victim, else of the declared one."""
        self.victims = Names()
        self._declared = np.zeros(0, np.int32)
        self._label = np.zeros(0, np.int8)
        self._labels = Names()
        self._marked_on: dict[int, Mapping[str, int]] = {}
        self._assigned = np.zeros(0, np.bool_)
        self._poor = Matrix()

    @property
    def _references(self) -> NDArray[np.int32]:
        return self.media_of

    def at(self, number: int) -> Face:
        """The face with this number."""
        poor, row = bool(self.state[number] & POOR), int(self.row[number])
        victim = self.victims.name(int(self.victim[number]))
        vector = None if row == NONE else (self._poor if poor else self.matrix).row(row)
        return Face(
            self.ids.name(number),
            self.media.ids.name(int(self.media_of[number])),
            vector=None if poor else vector,
            label=self._labels.name(int(self._label[number])),
            declared=self.victims.name(int(self._declared[number])),
            assigned=victim if self._assigned[number] else None,
            marked_on=self._marked_on.get(number),
            poor=vector if poor else None,
            leads_only=bool(self.state[number] & LEADS_ONLY),
        )

    def row_of(self, face_id: str) -> int | None:
        """The face's row in `matrix`; None if it is not compared."""
        number = self.number(face_id)
        row = NONE if number is None or self.state[number] & POOR else int(self.row[number])
        return row if row != NONE else None

    def codes_at(self, rows: Numbers) -> NDArray[np.int32]:
        """The scope codes of the media of the faces in these rows of `matrix`."""
        return self.media.code[self.media_of[self.face_at[rows]]]

    def open_to_register(self, rows: Numbers) -> NDArray[np.bool_]:
        """Whether the faces in these rows of `matrix` are compared with the whole register."""
        return self._compared(self.face_at[rows]) & self.media.codes.register[self.codes_at(rows)]

    def of_cases(self, cases: frozenset[str]) -> OwnCases:
        """The faces that a face of these cases is compared with because they share a case.

        Together with `open_to_register` this is `graph.domain.comparison.may_compare` for many faces.
        """
        media = self.media
        codes = media.codes.touching(cases)
        listed = [media.in_case(case_id) for case_id in cases]
        numbers = np.unique(np.concatenate(listed)) if listed else np.zeros(0, np.int64)
        numbers = numbers[media.code[numbers] != NONE]
        rows = self.rows_of(media.faces_of(numbers[codes[media.code[numbers]]]))
        victims = np.unique(self.victim[self.face_at[rows]]).tolist()
        return OwnCases(codes, rows, frozenset(filter(None, map(self.victims.name, victims))))

    def rows_of(self, numbers: Numbers) -> Numbers:
        """The rows in `matrix`, ascending, of these faces, without those that are not compared or are hidden."""
        able = numbers[self._compared(numbers) & (self.media_of[numbers] != NONE) & (self.row[numbers] != NONE)]
        return np.sort(self.row[able].astype(np.int64))

    def put_all(self, faces: Iterable[Face]) -> None:
        """Stores faces; their media must be stored afterwards."""
        new: list[tuple[int, Vectors]] = []
        for face in faces:
            number = self.ids.number(face.face_id)
            self._grow(len(self.ids))
            self._size += self.media_of[number] == NONE
            self.media_of[number] = self.media.ids.number(face.media_id)
            self._declared[number] = self.victims.number(face.declared)
            self._assigned[number] = face.assigned is not None
            self.victim[number] = self.victims.number(face.victim_id)
            self._label[number] = self._labels.number(face.label)
            self._marked_on.pop(number, None)
            if face.marked_on is not None:
                self._marked_on[number] = face.marked_on
            self._set_vector(number, face, new)
            hidden = HIDDEN if face.label in HIDDEN_LABELS else 0
            leads_only = LEADS_ONLY if face.leads_only else 0
            self.state[number] = (POOR if face.vector is None else 0) | hidden | leads_only
        if new:
            self._append([number for number, _ in new], np.stack([vector for _, vector in new]))

    def extend(self, rows: Sequence[Mapping[str, Any]], media: Sequence[int], vectors: Vectors) -> None:
        """Stores many new faces: rows of `GALLERY_FACES`, the numbers of their media, and the scored vectors (n, d) of
        those that have one."""
        numbers = np.array(self.ids.extend([row["face_id"] for row in rows]), np.int64)
        self._grow(len(self.ids))
        self._size += len(rows)
        self.media_of[numbers] = media
        poor = np.zeros(len(rows), np.bool_)
        for place, (number, row) in enumerate(zip(numbers.tolist(), rows, strict=True)):
            poor[place] = row["too_poor_because"] is not None or row["vector"] is None
            if row["quality"] is not None and row["quality"] < TOO_POOR_BELOW:
                self.state[number] |= LEADS_ONLY
            if row["label"] is not None:
                self._label[number] = self._labels.number(row["label"])
                self.state[number] |= HIDDEN if row["label"] in HIDDEN_LABELS else 0
            if row["declared"] is not None:
                self._declared[number] = self.victim[number] = self.victims.number(row["declared"])
            if row["assigned"] is not None:
                self._assigned[number], self.victim[number] = True, self.victims.number(row["assigned"])
            if row["marked_on"] is not None:
                self._marked_on[number] = dict(zip(row["marked_on"], row["marked_since"], strict=True))
        self.state[numbers[poor]] |= POOR
        has = np.array([row["vector"] is not None for row in rows], np.bool_)
        if (able := ~poor).any():
            self._append(numbers[able].tolist(), vectors[able[has]])
        if (queries := poor & has).any():
            self.row[numbers[queries]] = np.array(self._poor.append(vectors[queries[has]]))

    def remove(self, face_id: str) -> None:
        if (number := self.number(face_id)) is None:
            return
        self._size -= 1
        self._drop_vector(number)
        self.media_of[number], self.state[number] = NONE, 0
        self._marked_on.pop(number, None)

    def _compared(self, numbers: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether the faces are neither too poor nor hidden."""
        return (self.state[numbers] & (POOR | HIDDEN)) == 0

    def _set_vector(self, number: int, face: Face, new: list[tuple[int, Vectors]]) -> None:
        row, was_poor = int(self.row[number]), bool(self.state[number] & POOR)
        vector = face.poor if face.vector is None else face.vector
        if vector is not None and row != NONE and was_poor == (face.vector is None):
            matrix = self._poor if was_poor else self.matrix
            if not np.array_equal(matrix.row(row), vector):
                matrix.put(row, vector)
            return
        self._drop_vector(number)
        if face.vector is not None:
            new.append((number, face.vector))
        elif vector is not None:
            (self.row[number],) = self._poor.append(vector[None])

    def _drop_vector(self, number: int) -> None:
        if (row := int(self.row[number])) != NONE:
            (self._poor if self.state[number] & POOR else self.matrix).remove(row)
        self.row[number] = NONE

    def _append(self, numbers: Sequence[int], vectors: Vectors) -> None:
        rows = np.array(self.matrix.append(vectors))
        self.face_at = grown(self.face_at, len(self.matrix))
        self.face_at[rows] = numbers
        self.row[numbers] = rows

    def reserve(self, size: int) -> None:
        """Allocates memory for this many faces in all."""
        self.ids.reserve(size)
        self._grow(size, spare=False)
        self.face_at = grown(self.face_at, size, spare=False)

    def _grow(self, size: int, *, spare: bool = True) -> None:
        self.media_of = grown(self.media_of, size, NONE, spare=spare)
        self.state = grown(self.state, size, spare=spare)
        self.row = grown(self.row, size, NONE, spare=spare)
        self.victim = grown(self.victim, size, NONE, spare=spare)
        self._declared = grown(self._declared, size, NONE, spare=spare)
        self._label = grown(self._label, size, NONE, spare=spare)
        self._assigned = grown(self._assigned, size, spare=spare)
