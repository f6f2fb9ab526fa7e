"""A register of any size for `bench search`, drawn by chance, the same for a seed, and never whole in memory."""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.domain.score import ScoreMap

Vectors = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

EFFECTIVE: Final = 93
"""Dimensions of the sphere that scored vectors are drawn on, uniformly. Of pairs drawn there 1.0e-2 reach 0.2398,
1.0e-3 reach 0.3137, 1.1e-4 reach 0.3727 and 9.6e-6 reach 0.4254: the floor of the packaged calibration, and its three
false-accept rates of 1e-3, 1e-4 and 1e-5."""
DIMENSIONS: Final = 128
"""Numbers of a vector where no score map says how many."""
BLOCK: Final = 5000
"""Faces that are drawn together: a block is drawn again whenever it is asked for."""
SINGLE: Final = 4000
"""The first faces of a block, of a person each; the others are of people with several faces."""
FACES_OF_PERSON: Final = 4
PEOPLE: Final = (BLOCK - SINGLE) // FACES_OF_PERSON
SAME_PERSON: Final = 0.6
"""The mean score of two faces of one person."""
CROWDS: Final = ((400, 700, 100), (700, 1000, 175))
"""In the first block 300 faces of one victim, and 300 of one person who is no victim: (from, to, person)."""
WITH_VICTIM: Final = 10
"""One in so many people with several faces is a declared victim."""
FACES_OF_CASE: Final = 500
SCOPES: Final = ("register", "case", "none")
SHARE_OF_SCOPE: Final = (0.7, 0.25, 0.05)
HIDDEN, CLOSED, TWO_CASES, SAME_CASE = 0.02, 0.05, 0.05, 0.5
"""Shares: faces labelled unrelated, closed cases, media in two cases; a person's faces in the case of the first one."""
_BLOCKS, _NEW, _FACTS, _BASIS = range(4)
"""Streams of random numbers under one seed."""


class Space:
    """Where the stored vectors lie whose scored ones are uniform on a sphere of EFFECTIVE dimensions."""

    def __init__(self, score: ScoreMap | None, seed: int) -> None:
        size = DIMENSIONS if score is None else len(score.mean)
        reached, self._mean, back = np.eye(size), np.zeros(size), np.eye(size)
        if score is not None:
            mapped = np.array(score.map, np.float64)
            reached = np.linalg.svd(mapped)[2][: np.linalg.matrix_rank(mapped, tol=1e-3)]
            self._mean, back = np.array(score.mean, np.float64), np.linalg.pinv(mapped, rcond=1e-3)
        drawn = np.random.default_rng([seed, _BASIS]).standard_normal((len(reached), EFFECTIVE))
        self._back = (np.linalg.qr(drawn)[0].T @ reached @ back).astype(np.float32)

    def stored(self, drawn: Vectors) -> Vectors:
        """Stored unit vectors (n, d) for drawn ones (n, EFFECTIVE), whose length does not matter."""
        across = _unit(drawn) @ self._back
        along = (across @ self._mean.astype(np.float32)).astype(np.float64)
        square = np.einsum("nd,nd->n", across, across).astype(np.float64)
        # How far from the mean the line in this direction meets the unit sphere.
        far = (-along + np.sqrt(along**2 + square * (1 - self._mean @ self._mean))) / square
        return (self._mean + far[:, None] * across).astype(np.float32)


class Register:
    """`faces` media with one face each; of face n the vector is drawn when asked for, everything else is column[n].

    Face n is the one of media n.
    """

    def __init__(self, faces: int, seed: int, score: ScoreMap | None) -> None:
        self.faces, self.seed = faces, seed
        self._space = Space(score, seed)
        chance = np.random.default_rng([seed, _FACTS])
        self.cases = max(faces // FACES_OF_CASE, 4)
        self.is_open: Flags = chance.random(self.cases) >= CLOSED
        self.person = _people(faces)
        self.case: Whole = chance.integers(self.cases, size=faces, dtype=np.int32)
        first = np.unique(self.person, return_index=True)
        firsts = dict(zip(first[0].tolist(), first[1].tolist(), strict=True))
        together = np.nonzero((self.person >= 0) & (chance.random(faces) < SAME_CASE))[0]
        self.case[together] = self.case[[firsts[person] for person in self.person[together].tolist()]]
        second = chance.integers(self.cases, size=faces, dtype=np.int32)
        self.second_case: Whole = np.where(
            (chance.random(faces) < TWO_CASES) & (second != self.case), second, np.int32(-1)
        )
        self.scope: Whole = chance.choice(len(SCOPES), size=faces, p=SHARE_OF_SCOPE).astype(np.int32)
        self.is_hidden: Flags = chance.random(faces) < HIDDEN
        has_victim = (self.person >= 0) & (self.person % WITH_VICTIM == 0)
        self.victim: Whole = np.where(has_victim, self.person // WITH_VICTIM, np.int32(-1))

    def vectors(self, start: int, stop: int) -> Vectors:
        """The stored unit vectors of the faces from `start` to `stop`, without the latter."""
        parts = [
            self._block(block)[max(start - block * BLOCK, 0) : stop - block * BLOCK]
            for block in range(start // BLOCK, (stop + BLOCK - 1) // BLOCK)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, DIMENSIONS), np.float32)

    def new_faces(self, batch: int, size: int, people: list[int]) -> Vectors:
        """Stored vectors (size, d) that the register does not hold; the first are of these people, then strangers."""
        chance = np.random.default_rng([self.seed, _NEW, batch])
        drawn = chance.standard_normal((size, EFFECTIVE), np.float32)
        for row, person in enumerate(people):
            drawn[row] = _of_person(self._people_of(person // PEOPLE)[0][person % PEOPLE], drawn[row])
        return self._space.stored(drawn)

    def face_id(self, face: int) -> str:
        """Rises with the number, and is as spread as a digest."""
        return self._id(face, "face")

    def media_id(self, face: int) -> str:
        return self._id(face, "media")

    def number(self, text: str) -> int:
        """The number of a face or a media, of its id; -1 of an empty text."""
        return int(text[:16], 16) // self._step if text else -1

    @property
    def _step(self) -> int:
        return 2**64 // (self.faces + 1)

    def _id(self, number: int, kind: str) -> str:
        return f"{number * self._step:016x}" + hashlib.sha256(f"{kind} {number}".encode()).hexdigest()[:48]

    def _people_of(self, block: int) -> tuple[Vectors, np.random.Generator]:
        """The drawn vectors of a block's people, and the stream from which its faces are drawn next."""
        chance = np.random.default_rng([self.seed, _BLOCKS, block])
        return chance.standard_normal((PEOPLE, EFFECTIVE), np.float32), chance

    def _block(self, block: int) -> Vectors:
        people, chance = self._people_of(block)
        drawn = chance.standard_normal((BLOCK, EFFECTIVE), np.float32)
        size = min(BLOCK, self.faces - block * BLOCK)
        person = self.person[block * BLOCK : block * BLOCK + size]
        several = np.nonzero(person >= 0)[0]
        drawn[several] = _of_person(people[person[several] - block * PEOPLE], drawn[several])
        return self._space.stored(drawn[:size])


def case_id(case: int) -> str:
    return f"bench:{case:05d}"


def victim_id(victim: int) -> str:
    return f"bench-{victim:07d}"


def _people(faces: int) -> Whole:
    """Whose face each is; -1: of somebody who has no other."""
    number = np.arange(faces, dtype=np.int64)
    block, within = np.divmod(number, BLOCK)
    within -= SINGLE
    person = np.where(within >= 0, block * PEOPLE + within // FACES_OF_PERSON, -1)
    for start, stop, one in CROWDS:
        person[(block == 0) & (within >= start) & (within < stop)] = one
    return person.astype(np.int32)


def _of_person(person: Vectors, drawn: Vectors) -> Vectors:
    """Faces of a person: what is drawn by chance, moved so far towards the person that two score SAME_PERSON."""
    moved = np.sqrt(SAME_PERSON) * _unit(person) + np.sqrt(1 - SAME_PERSON) * _unit(drawn)
    return moved.astype(np.float32)


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
