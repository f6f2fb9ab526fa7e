"""The committed media of a register as columns; a `Media` object is built when one is read."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.domain.comparison import InScope, Scope
from streams.gallery.columns import NONE, DigestIndex, Names, Numbers, Table, grown
from streams.gallery.entities import Media, Membership
from streams.gallery.scope_codes import ScopeCodes

SCOPES: Final = tuple(Scope)
SEVERAL: Final = -2
"""In the column of the one membership: the media has several, stored in a dict."""
BY_SEARCH: Final = 1 << 7


class MediaTable(Table[Media]):
    """Media by number: scope code, membership, and faces as a range of face numbers.

    Dicts hold the memberships of the few media with several, and the faces of media whose faces are not consecutive.
    """

    def __init__(self, face_ids: DigestIndex) -> None:
        super().__init__()
        self.codes = ScopeCodes()
        self.code = np.zeros(0, np.int32)
        """NONE: the media was removed."""
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

    @property
    def _references(self) -> NDArray[np.int32]:
        return self.code

    def at(self, number: int) -> Media:
        """The media with this number."""
        media_id = self.ids.name(number)
        scope = replace(self.scope_at(number), media_id=media_id)
        faces = tuple(self._face_ids.names(self.faces(number)))
        return Media(media_id, self._memberships_of(number), faces, scope)

    def scope_at(self, number: int) -> InScope:
        """The scope of the media with this number; without its id."""
        return self.codes[int(self.code[number])]

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
        """The numbers of all media that have or had a membership in the case, ascending."""
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
        """Stores many new media; `counts` are the numbers of their faces, consecutive from face number `first` on."""
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
        """Stores a media with its scope; its faces already have numbers."""
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
        """Allocates memory for this many media in all."""
        self.ids.reserve(size)
        self._grow(size, spare=False)

    def _grow(self, size: int, *, spare: bool = True) -> None:
        self.code = grown(self.code, size, NONE, spare=spare)
        self._case = grown(self._case, size, NONE, spare=spare)
        self._kind = grown(self._kind, size, spare=spare)
        self._submitted = grown(self._submitted, size, spare=spare)
        self._first = grown(self._first, size, spare=spare)
        self._count = grown(self._count, size, spare=spare)

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
