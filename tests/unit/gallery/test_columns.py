"""The register's columns hold what dicts of objects would, and say of many faces at once what may be compared."""

import random
from dataclasses import replace

import numpy as np
import pytest

from graph.domain import ids
from graph.domain.comparison import InScope, Scope, may_compare
from streams.gallery import columns
from streams.gallery.columns import DigestIndex, Names
from streams.gallery.entities import Face, Media, Membership
from streams.gallery.face_table import FaceTable

CASES = ["local:a", "local:b", "local:c"]
LABELS = [None, None, "child", "suspect"]


@pytest.mark.parametrize("recent", [1, 3, 1000])
def test_ids_are_numbered_in_the_order_in_which_they_come_and_found_again(
    recent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "RECENT", recent)
    index, expected = DigestIndex(), list[str]()
    for size in (5, 1, 40, 0, 7):
        one_by_one = [ids.digest("one", len(expected) + n) for n in range(size)]
        assert [index.number(name) for name in one_by_one] == list(range(len(expected), len(expected) + size))
        expected += one_by_one
        at_once = [ids.digest("more", len(expected) + n) for n in range(size)]
        assert list(index.extend(at_once)) == list(range(len(expected), len(expected) + size))
        expected += at_once
        assert [index.get(name) for name in expected] == list(range(len(expected)))
        assert [index.number(name) for name in expected] == list(range(len(expected)))
    assert index.names(range(len(index))) == expected
    assert index.get(ids.digest("unknown")) is None


def test_ids_with_equal_first_bytes_are_distinguished_by_the_rest() -> None:
    index = DigestIndex()
    alike = ["ab" * 8 + ids.digest(n)[16:] for n in range(20)]
    index.extend(alike)
    assert [index.get(name) for name in alike] == list(range(20))
    assert index.get("ab" * 8 + ids.digest("another")[16:]) is None


@pytest.mark.parametrize("text", ["", "face-1", "AB" * 32, "ab" * 31, " " + "a" * 63, "ab " * 21 + "a"])
def test_a_text_that_is_no_id_has_no_number(text: str) -> None:
    index = DigestIndex()
    index.number("ab" * 32)
    assert index.get(text) is None
    with pytest.raises(ValueError, match="64 hex digits"):
        index.number(text)


def test_few_texts_have_numbers_and_none_has_none() -> None:
    names = Names()
    assert [names.number(name) for name in ("a", None, "b", "a")] == [0, -1, 1, 0]
    assert [names.name(number) for number in (0, 1, -1)] == ["a", "b", None]
    assert (names.get("b"), names.get("c"), len(names)) == (1, None, 2)


class Model:
    """The same register as dicts."""

    def __init__(self, seed: int) -> None:
        self.rng, self.numbers = random.Random(seed), np.random.default_rng(seed)
        self.media: dict[str, Media] = {}
        self.faces: dict[str, Face] = {}

    def change(self, table: FaceTable) -> None:
        """One random change, to both."""
        media_id = ids.media_id(str(self.rng.randrange(12)).encode())
        known = self.media.get(media_id)
        if known is not None and self.rng.random() < 0.25:
            for face_id in known.faces:
                table.remove(face_id)
                del self.faces[face_id]
            table.media.remove(media_id)
            del self.media[media_id]
            return
        cases = self.rng.sample(CASES, self.rng.choice([0, 1, 1, 2, 3]))
        memberships = {
            case: Membership(self.rng.choice(list(Scope)), self.rng.randrange(100), self.rng.random() < 0.2)
            for case in cases
        }
        still_open = self.rng.sample(CASES, 2)
        scope = InScope.of(media_id, {case: member.scope for case, member in memberships.items()}, still_open, None)
        kept = [face for face in (known.faces if known else ()) if self.rng.random() < 0.8]
        for gone in set(known.faces if known else ()) - set(kept):
            table.remove(gone)
            del self.faces[gone]
        names = [*kept, *(ids.face_id(media_id, "d", self.rng.randrange(5)) for _ in range(self.rng.randrange(3)))]
        names = list(dict.fromkeys(names))
        faces = [self.face(name, media_id) for name in names]
        table.put_all(faces)
        table.media.put(Media(media_id, memberships, tuple(names), scope))
        self.media[media_id] = Media(media_id, memberships, tuple(names), scope)
        self.faces |= {face.face_id: face for face in faces}

    def face(self, name: str, media_id: str) -> Face:
        vector, poor = self.numbers.standard_normal(8).astype(np.float32), self.rng.random() < 0.2
        return Face(
            name,
            media_id,
            None if poor else vector,
            self.rng.choice(LABELS),
            self.rng.choice([None, "v1", "v2"]),
            self.rng.choice([None, None, "v3"]),
            {"local:a": 3} if self.rng.random() < 0.1 else None,
            vector if poor and self.rng.random() < 0.7 else None,
        )


def same(one: Face, other: Face) -> bool:
    vectors = ((one.vector, other.vector), (one.poor, other.poor))
    return one == other and all(
        (a is None) == (b is None) and (a is None or b is None or (a == b).all()) for a, b in vectors
    )


@pytest.mark.parametrize("seed", range(20))
def test_columns_hold_what_dicts_do(seed: int) -> None:
    model, table = Model(seed), FaceTable()
    for _ in range(80):
        model.change(table)
        assert dict(table.media) == model.media
        assert table.keys() == model.faces.keys()
        assert all(same(table[name], face) for name, face in model.faces.items())
        assert (len(table), len(table.media)) == (len(model.faces), len(model.media))
        rows = {name: table.row_of(name) for name in table}
        assert {name for name, row in rows.items() if row is not None} == {
            name for name, face in model.faces.items() if face.vector is not None
        }


@pytest.mark.parametrize("seed", range(20))
def test_of_many_faces_at_once_those_may_be_compared_of_which_the_domain_says_so(seed: int) -> None:
    model, table = Model(seed), FaceTable()
    for _ in range(40):
        model.change(table)
    hidden = {"suspect", "unrelated"}
    scopes = {
        name: replace(model.media[face.media_id].scope or InScope("", False, frozenset()), hidden=face.label in hidden)
        for name, face in model.faces.items()
        if face.vector is not None
    }
    every = np.array(sorted(row for name in scopes if (row := table.row_of(name)) is not None), np.int64)
    for register in (False, True):
        for number in range(8):
            cases = frozenset(case for bit, case in enumerate(CASES) if number >> bit & 1)
            new = InScope("new", register, cases)
            own = table.of_cases(cases)
            others = every[table.open_to_register(every) & ~own.codes[table.codes_at(every)]] if register else every[:0]
            found = [table.at(int(table.face_at[row])).face_id for row in (*others, *own.rows)]
            assert len(found) == len(set(found))
            assert set(found) == {name for name, scope in scopes.items() if may_compare(new, scope)}
