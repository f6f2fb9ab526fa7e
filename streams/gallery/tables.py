"""The committed media and faces of a register as columns; a `Media` or a `Face` is made where one is asked for.

All of a register's faces are walked for every new one, so what a comparison needs lies in arrays. Reads of single ones
go through `Mapping`.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.domain.comparison import HIDDEN_LABELS, TOO_POOR_BELOW, InScope, Scope
from streams.gallery.columns import DigestIndex, Names, Numbers, with_room
from streams.gallery.entities import Face, Media, Membership
from streams.gallery.matrix import Matrix, Vectors

SCOPES: Final = tuple(Scope)
NONE: Final = -1
SEVERAL: Final = -2
"""In a column for the usual case of one: the media has several, which lie in a dict."""
BY_SEARCH: Final = 1 << 7
POOR, HIDDEN, LEADS_ONLY = 1, 2, 4


class ScopeCodes:
    """Numbers for what decides comparison: the register bit and the set of counting cases. Few distinct ones exist."""

    def __init__(self) -> None:
        self._scopes: list[InScope] = []
        self.register = np.zeros(0, np.bool_)
        self._codes: dict[tuple[bool, frozenset[str]], int] = {}
        self._touching: defaultdict[str, list[int]] = defaultdict(list)

    def __getitem__(self, code: int) -> InScope:
        return self._scopes[code]

    def code(self, scope: InScope) -> int:
        """The number of a media's scope, a new one where it has none."""
        key = scope.register, scope.cases
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self._scopes)
            self._scopes.append(InScope("", scope.register, scope.cases))
            self.register = with_room(self.register, code + 1)
            self.register[code] = scope.register
            for case_id in scope.cases:
                self._touching[case_id].append(code)
        return code

    def counted_in(self, cases: Iterable[str]) -> NDArray[np.bool_]:
        """For each code whether a face of it counts against the caps of one of the cases: see `similar`."""
        found = np.zeros(len(self._scopes), np.bool_)
        for case_id in cases:
            found[[code for code in self._touching.get(case_id, []) if min(self._scopes[code].cases) == case_id]] = True
        return found

    def touching(self, cases: Iterable[str]) -> NDArray[np.bool_]:
        """For each code whether it counts in one of the cases."""
        found = np.zeros(len(self._scopes), np.bool_)
        for case_id in cases:
            found[self._touching.get(case_id, [])] = True
        return found


class MediaTable(Mapping[str, Media]):
    """Media by number: the scope's code, the one membership, and the faces where these lie side by side.

    Of the few media with several memberships, or with faces that were added later, these lie in dicts.
    """

    def __init__(self, face_ids: DigestIndex) -> None:
        self.ids = DigestIndex()
        self.codes = ScopeCodes()
        self.code = np.zeros(0, np.int32)
        """NONE of a media that is gone."""
        self._face_ids = face_ids
        self._cases = Names()
        self._case = np.zeros(0, np.int32)
        self._kind = np.zeros(0, np.uint8)
        self._submitted = np.zeros(0, np.int64)
        self._first = np.zeros(0, np.int32)
        self._count = np.zeros(0, np.uint16)
        self._memberships: dict[int, dict[str, Membership]] = {}
        self._faces: dict[int, tuple[int, ...]] = {}
        self._of_case: dict[int, array[int]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids.names(np.flatnonzero(self.code[: len(self.ids)] != NONE)))

    def __contains__(self, media_id: object) -> bool:
        return isinstance(media_id, str) and self.number(media_id) is not None

    def __getitem__(self, media_id: str) -> Media:
        number = self.number(media_id)
        if number is None:
            raise KeyError(media_id)
        scope = replace(self.scope_at(number), media_id=media_id)
        faces = tuple(self._face_ids.names(self.faces(number)))
        return Media(media_id, self._memberships_of(number), faces, scope)

    def scope_at(self, number: int) -> InScope:
        """What decides comparison for the media of this number; without its id."""
        return self.codes[int(self.code[number])]

    def number(self, media_id: str) -> int | None:
        """The number of a media that is there."""
        number = self.ids.get(media_id)
        return number if number is not None and self.code[number] != NONE else None

    def faces(self, number: int) -> Sequence[int]:
        """The numbers of the media's faces, in their order."""
        if (several := self._faces.get(number)) is not None:
            return several
        first = int(self._first[number])
        return range(first, first + int(self._count[number]))

    def faces_of(self, numbers: Numbers) -> Numbers:
        """The numbers of all faces of these media."""
        counts = self._count[numbers].astype(np.int64)
        starts = np.repeat(self._first[numbers].astype(np.int64) - np.cumsum(counts) + counts, counts)
        found = starts + np.arange(len(starts))
        if self._faces:
            more = [face for number in numbers.tolist() for face in self._faces.get(number, ())]
            found = np.concatenate([found, np.array(more, np.int64)])
        return found

    def in_case(self, case_id: str) -> Numbers:
        """The numbers of all media that have, or had, a membership in the case; each once, in order."""
        case = self._cases.get(case_id)
        listed = self._of_case.get(case) if case is not None else None
        return np.unique(np.frombuffer(listed, np.int32)).astype(np.int64) if listed else np.zeros(0, np.int64)

    def extend(
        self,
        names: Sequence[str],
        memberships: Sequence[Mapping[str, Membership]],
        scopes: Sequence[InScope],
        counts: Sequence[int],
        first: int,
    ) -> range:
        """Stores media that are all new, for many at once: `counts` are the numbers of their faces, which lie side by
        side from face number `first` on."""
        numbers = self.ids.extend(names)
        self._grow(len(self.ids))
        self._size += len(numbers)
        for number, of, scope in zip(numbers, memberships, scopes, strict=True):
            self.code[number] = self.codes.code(scope)
            self._set_memberships(number, of)
            for case_id in of:
                self._of_case.setdefault(self._cases.number(case_id), array("i")).append(number)
        self._count[numbers.start : numbers.stop] = counts
        ends = np.cumsum(counts)
        self._first[numbers.start : numbers.stop] = first + ends - counts
        return numbers

    def put(self, media: Media) -> None:
        """Stores a media with its scope; its faces have numbers already."""
        number = self.ids.number(media.media_id)
        self._grow(len(self.ids))
        self._size += self.code[number] == NONE
        assert media.scope is not None, "a stored media has a scope"
        self.code[number] = self.codes.code(media.scope)
        before = self._memberships_of(number)
        self._set_memberships(number, media.memberships)
        for case_id in media.memberships.keys() - before.keys():
            self._of_case.setdefault(self._cases.number(case_id), array("i")).append(number)
        self._set_faces(number, [self._face_ids.number(face) for face in media.faces])

    def remove(self, media_id: str) -> None:
        if (number := self.number(media_id)) is not None:
            self._size -= 1
            self.code[number] = NONE
            self._set_memberships(number, {})
            self._set_faces(number, [])

    def reserve(self, size: int) -> None:
        """Makes room for so many media in all."""
        self.ids.reserve(size)
        self._grow(size, spare=False)

    def _grow(self, size: int, *, spare: bool = True) -> None:
        self.code = with_room(self.code, size, NONE, spare=spare)
        self._case = with_room(self._case, size, NONE, spare=spare)
        self._kind = with_room(self._kind, size, spare=spare)
        self._submitted = with_room(self._submitted, size, spare=spare)
        self._first = with_room(self._first, size, spare=spare)
        self._count = with_room(self._count, size, spare=spare)

    def _memberships_of(self, number: int) -> dict[str, Membership]:
        case = int(self._case[number])
        if case == SEVERAL:
            return self._memberships[number]
        name = self._cases.name(case)
        if name is None:
            return {}
        kind = int(self._kind[number])
        scope = SCOPES[kind & ~BY_SEARCH]
        return {name: Membership(scope, int(self._submitted[number]), bool(kind & BY_SEARCH))}

    def _set_memberships(self, number: int, memberships: Mapping[str, Membership]) -> None:
        self._memberships.pop(number, None)
        if len(memberships) > 1:
            self._case[number] = SEVERAL
            self._memberships[number] = dict(memberships)
            return
        self._case[number] = NONE
        for case_id, member in memberships.items():
            self._case[number] = self._cases.number(case_id)
            self._kind[number] = SCOPES.index(member.scope) | (BY_SEARCH if member.by_search else 0)
            self._submitted[number] = member.submitted_at

    def _set_faces(self, number: int, faces: Sequence[int]) -> None:
        self._faces.pop(number, None)
        self._count[number] = 0
        first = faces[0] if faces else 0
        if all(face == first + place for place, face in enumerate(faces)):
            self._first[number], self._count[number] = first, len(faces)
        else:
            self._faces[number] = tuple(faces)


@dataclass(frozen=True, slots=True)
class OwnCases:
    """Of some cases: which scope codes count in one of them, the rows of their faces, and whose faces these are."""

    codes: NDArray[np.bool_]
    rows: Numbers
    victims: frozenset[str]


class FaceTable(Mapping[str, Face]):
    """Faces by number, and their scored vectors by row: of those that are compared in `matrix`, of those that are too
    poor in another one that no comparison reads."""

    def __init__(self) -> None:
        self.ids = DigestIndex()
        self.media = MediaTable(self.ids)
        self.matrix = Matrix()
        self.face_at = np.zeros(0, np.int32)
        """Row of `matrix` to number of the face."""
        self.media_of = np.zeros(0, np.int32)
        """NONE of a face that is gone."""
        self.state = np.zeros(0, np.uint8)
        """POOR, HIDDEN, LEADS_ONLY."""
        self.row = np.zeros(0, np.int32)
        self.victim = np.zeros(0, np.int32)
        """The number in `victims` of whose face it counts as: the assigned victim, else the declared one."""
        self.victims = Names()
        self._declared = np.zeros(0, np.int32)
        self._label = np.zeros(0, np.int8)
        self._labels = Names()
        self._marked_on: dict[int, Mapping[str, int]] = {}
        self._assigned = np.zeros(0, np.bool_)
        self._poor = Matrix()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids.names(np.flatnonzero(self.media_of[: len(self.ids)] != NONE)))

    def __contains__(self, face_id: object) -> bool:
        return isinstance(face_id, str) and self.number(face_id) is not None

    def __getitem__(self, face_id: str) -> Face:
        number = self.number(face_id)
        if number is None:
            raise KeyError(face_id)
        return self.at(number)

    def number(self, face_id: str) -> int | None:
        """The number of a face that is there."""
        number = self.ids.get(face_id)
        return number if number is not None and self.media_of[number] != NONE else None

    def at(self, number: int) -> Face:
        """The face of this number."""
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
        """The row in `matrix` of a face that is compared."""
        number = self.number(face_id)
        row = NONE if number is None or self.state[number] & POOR else int(self.row[number])
        return row if row != NONE else None

    def code(self, number: int) -> int:
        """The scope code of the media of this face."""
        return int(self.media.code[self.media_of[number]])

    def codes_at(self, rows: Numbers) -> NDArray[np.int32]:
        """The scope codes of the media of the faces in these rows of `matrix`."""
        return self.media.code[self.media_of[self.face_at[rows]]]

    def visible_to_all(self, rows: Numbers) -> NDArray[np.bool_]:
        """Whether the faces in these rows of `matrix` are compared with every other one of the register."""
        return self._compared(self.face_at[rows]) & self.media.codes.register[self.codes_at(rows)]

    def of_cases(self, cases: frozenset[str]) -> OwnCases:
        """The faces that are compared with one that counts in these cases because they share one of them.

        With `visible_to_all` of the others this is `graph.domain.comparison.may_compare`, many faces at a time.
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
        """The rows in `matrix`, ascending, of those of these faces that are compared and not hidden."""
        able = numbers[self._compared(numbers) & (self.media_of[numbers] != NONE) & (self.row[numbers] != NONE)]
        return np.sort(self.row[able].astype(np.int64))

    def put_all(self, faces: Iterable[Face]) -> None:
        """Stores faces, whose media are stored afterwards."""
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
        """Stores faces that are all new, as `GALLERY_FACES` gives them, with the numbers of their media and the scored
        vectors (n, d) of those that have one: for many at once."""
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
        if (asked := poor & has).any():
            self.row[numbers[asked]] = np.array(self._poor.append(vectors[asked[has]]))

    def remove(self, face_id: str) -> None:
        if (number := self.number(face_id)) is None:
            return
        self._size -= 1
        self._drop_vector(number)
        self.media_of[number], self.state[number] = NONE, 0
        self._marked_on.pop(number, None)

    def _compared(self, numbers: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether faces are neither too poor nor hidden."""
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
        self.face_at = with_room(self.face_at, len(self.matrix))
        self.face_at[rows] = numbers
        self.row[numbers] = rows

    def reserve(self, size: int) -> None:
        """Makes room for so many faces in all."""
        self.ids.reserve(size)
        self._grow(size, spare=False)
        self.face_at = with_room(self.face_at, size, spare=False)

    def _grow(self, size: int, *, spare: bool = True) -> None:
        self.media_of = with_room(self.media_of, size, NONE, spare=spare)
        self.state = with_room(self.state, size, spare=spare)
        self.row = with_room(self.row, size, NONE, spare=spare)
        self.victim = with_room(self.victim, size, NONE, spare=spare)
        self._declared = with_room(self._declared, size, NONE, spare=spare)
        self._label = with_room(self._label, size, NONE, spare=spare)
        self._assigned = with_room(self._assigned, size, spare=spare)
