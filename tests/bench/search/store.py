"""A drawn register as the graph would tell of it to whoever loads the gallery: without servers, page by page."""

from collections.abc import Awaitable, Callable
from typing import Any, LiteralString, TypeVar

from graph.store.queries import gallery as queries
from graph.store.session import Row, Store, Tx
from tests.bench.search.draw import SCOPES, Register, case_id, victim_id

T = TypeVar("T")
SUBMITTED_MS = 1_790_000_000_000
LABEL = "unrelated"


class DrawnTx(Tx):
    """Answers the statements that the gallery is loaded with."""

    def __init__(self, register: Register) -> None:
        self._register = register

    async def rows(self, query: LiteralString, **values: Any) -> list[Row]:
        register = self._register
        match query:
            case queries.GALLERY_CASES:
                return [case_row(register, case) for case in range(register.cases)]
            case queries.GALLERY_FACES:
                return face_rows(register, values["after"], values["last"])
            case queries.GALLERY_MEDIA:
                return media_rows(register, values["after"], values["limit"])
            case _:
                return []


class DrawnStore(Store):
    """Read from, never written to."""

    def __init__(self, register: Register) -> None:
        self._tx = DrawnTx(register)

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await work(self._tx)

    async def close(self) -> None:
        """Nothing is open."""


def case_row(register: Register, case: int) -> Row:
    status = "open" if register.is_open[case] else "closed"
    return {"case_id": case_id(case), "district": f"d{case % 4}", "status": status, "version": 1}


def face_rows(register: Register, after: str, last: str) -> list[Row]:
    """The faces of the media behind `after`, up to `last`, as GALLERY_FACES has them."""
    start, stop = register.number(after) + 1, register.number(last) + 1
    vectors = register.vectors(start, stop)
    return [
        {
            "media_id": register.media_id(face),
            "face_id": register.face_id(face),
            "label": LABEL if register.is_hidden[face] else None,
            "too_poor_because": None,
            "vector": vector.tobytes(),
            "quality": 0.9,
            "marked_on": None,
            "marked_since": None,
            "declared": victim_id(int(register.victim[face])) if register.victim[face] >= 0 else None,
            "assigned": None,
        }
        for face, vector in zip(range(start, stop), vectors, strict=True)
    ]


def media_rows(register: Register, after: str, limit: int) -> list[Row]:
    """The media behind the one with the id `after`, as GALLERY_MEDIA has them."""
    start = register.number(after) + 1
    return [
        {
            "media_id": register.media_id(face),
            "memberships": [
                [case_id(case), SCOPES[int(register.scope[face])], SUBMITTED_MS + face, False]
                for case in cases_of(register, face)
            ],
        }
        for face in range(start, min(start + limit, register.faces))
    ]


def cases_of(register: Register, face: int) -> list[int]:
    """The numbers of the cases that a face's media is in."""
    return [case for case in (int(register.case[face]), int(register.second_case[face])) if case >= 0]
