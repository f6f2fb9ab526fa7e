"""From labelled faces to the map that they are compared by: see `graph.domain.score`. Pure."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from graph.domain.score import Crowd, ScoreMap
from infra.evaluation.accuracy.people import Codes
from infra.evaluation.calibration.labelled import LabelledFaces
from infra.evaluation.calibration.likelihood import Flags, Floats

CHILDREN: Final = ((0, 3), (4, 8), (9, 12), (13, 17))
ADULTS: Final = ((18, 29), (30, 200))
"""Ages in years, from and to. Who has no age in the file's name counts as an adult, but for the directions of age."""
AGE_DIRECTIONS: Final = 3
"""Main directions in which the means of the age bands differ; a fourth changed nothing."""
DEFECTS_OFF: Final = 4
"""Directions of defects that are removed; more cost adults (LFW, one picture on file: a point with eight)."""
DEFECTS: Final = 12
"""Directions of defects that predict how crowded a face's neighbourhood is."""
RIDGE: Final = 2.0
"""Added to the within-person covariance, in units of its mean variance: 0.3 overfits."""
FROM_COPIES: Final = 0.3
"""Share of the within-person covariance that comes from the differences of copies to their pictures."""
ENOUGH: Final = 25
"""Fewest faces of an age band or of a kind of copy that are used."""
GOOD: Final = 200
"""Fewest original pictures of adults that alone define the typical similarity of strangers."""
AT_MOST: Final = 900
"""Faces of one kind that are compared with each other."""
TYPICAL: Final = 0.9
"""Share of the good pictures of adults outside crowded neighbourhoods: their vectors keep length 1."""
FAR, SEEN = 1e-3, 8
"""The share of strangers at which all kinds are made alike; or so many pairs, where that would be fewer."""
BEYOND: Final = 3.0
"""Standard deviations above a face's mean score with strangers of its kind: its predicted high score."""
ROUNDS: Final = 5
SMOOTHED: Final = 3.0
"""Ridge of the regression, in faces."""
DIGITS: Final = 5


def fit_score(faces: LabelledFaces) -> ScoreMap:
    """The map of these faces; without ages in the names no direction is of age, without copies none of defects."""
    vectors = faces.vectors.astype(np.float64)
    original = faces.kind == 0
    mean = _mean(vectors[original], faces.age[original])
    ages = _age_directions(vectors[original], faces.age[original])
    moved = _moved(faces, vectors)
    defects = _main_directions(np.array([each.mean(axis=0) for each in moved.values()]), DEFECTS, ages)
    off = np.concatenate([ages, defects[:DEFECTS_OFF]])
    mapped = _whitening(faces, vectors, moved, np.eye(len(mean)) - off.T @ off)
    score = ScoreMap(_row(mean), tuple(map(_row, mapped)), None)
    directions = np.concatenate([ages, defects])
    crowd = _crowd(faces, vectors - mean, (vectors - mean) @ mapped, directions) if len(directions) else None
    return ScoreMap(score.mean, score.map, crowd)


def _row(numbers: Floats) -> tuple[float, ...]:
    return tuple(numbers.round(DIGITS).tolist())


def _adult(age: Floats) -> Flags:
    return ~(age < CHILDREN[-1][1] + 1)


def _mean(vectors: Floats, age: Floats) -> Floats:
    """Half of it are children, of each age alike, where there are any."""
    bands = [vectors[(age >= low) & (age <= high)] for low, high in CHILDREN]
    children = [band.mean(axis=0) for band in bands if len(band) >= ENOUGH]
    adults = vectors[_adult(age)]
    parts = ([np.mean(children, axis=0)] if children else []) + ([adults.mean(axis=0)] if len(adults) else [])
    return np.mean(parts, axis=0)


def _age_directions(vectors: Floats, age: Floats) -> Floats:
    """(k, d): in which directions the means of the age bands differ most."""
    bands = [vectors[(age >= low) & (age <= high)] for low, high in (*CHILDREN, *ADULTS)]
    means = np.array([band.mean(axis=0) for band in bands if len(band) >= ENOUGH])
    if len(means) <= AGE_DIRECTIONS:
        return np.zeros((0, vectors.shape[1]))
    return np.linalg.svd(means - means.mean(axis=0), full_matrices=False)[2][:AGE_DIRECTIONS]


def _moved(faces: LabelledFaces, vectors: Floats) -> Mapping[int, Floats]:
    """By kind of copy the differences (n, d) of the copies to their pictures."""
    row_of = {int(faces.picture[at]): at for at in np.flatnonzero(faces.kind == 0)}
    found: dict[int, Floats] = {}
    for kind in np.unique(faces.kind[faces.kind > 0]).tolist():
        mine = [at for at in np.flatnonzero(faces.kind == kind).tolist() if int(faces.picture[at]) in row_of]
        if len(mine) >= ENOUGH:
            found[kind] = vectors[mine] - vectors[[row_of[int(faces.picture[at])] for at in mine]]
    return found


def _main_directions(means: Floats, count: int, without: Floats) -> Floats:
    """(k, d): the main directions of these means, orthogonal to the directions `without`."""
    if not len(means):
        return without[:0]
    return np.linalg.svd(means - (means @ without.T) @ without, full_matrices=False)[2][:count]


def _whitening(faces: LabelledFaces, vectors: Floats, moved: Mapping[int, Floats], projected: Floats) -> Floats:
    """(d, d): the projection, and within it the inverse root of the within-person covariance with its ridge."""
    has_age = np.isfinite(faces.age)
    parts = [
        _within(vectors[some], faces.person[some])
        for some in ((faces.kind == 0) & has_age, (faces.kind == 0) & ~has_age)
    ]
    known = [part for part in parts if part is not None]
    if not known:
        return projected
    covariance = np.mean(known, axis=0)
    if moved:
        copies = np.mean([each.T @ each / len(each) for each in moved.values()], axis=0) / 2
        covariance = (1 - FROM_COPIES) * covariance + FROM_COPIES * copies
    covariance = projected @ covariance @ projected
    variance = np.trace(covariance) / len(covariance)
    strength, directions = np.linalg.eigh(covariance + RIDGE * variance * np.eye(len(covariance)))
    return np.sqrt(variance) * projected @ (directions / np.sqrt(strength)) @ directions.T @ projected


def _within(vectors: Floats, person: Codes) -> Floats | None:
    """The covariance (d, d) of pictures about their person's mean; None without two of one person."""
    several = [vectors[person == one] for one in np.unique(person) if (person == one).sum() > 1]
    if not several:
        return None
    centred = np.concatenate([some - some.mean(axis=0) for some in several])
    return centred.T @ centred / (len(centred) - len(several))


def _crowd(faces: LabelledFaces, moved: Floats, mapped: Floats, directions: Floats) -> Crowd:
    """Predicts from a face's position along the directions how similar strangers of its kind are to it.

    Kinds are age bands and copies. A regression on mean and spread of the scores with strangers of the kind; then, in
    ROUNDS, the remaining error at FAR is added to the kind's goals, because scores of strangers are not normally
    distributed.
    """
    unit = mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
    along = moved @ directions.T
    left = np.log(np.linalg.norm(moved - along @ directions, axis=1))
    known = np.column_stack([np.ones(len(moved)), 3 * along, 9 * along**2, left])  # scaled to about one
    kinds, good = _kinds(faces)
    member = np.unique(np.concatenate([*kinds, good]))
    typical_high = _high_score(unit[good], faces.person[good])
    goal = np.zeros(len(moved))
    weight = np.zeros(len(moved))
    for rows in (*kinds, good):
        goal[rows] = np.log(_high_score(unit[rows], faces.person[rows]) / typical_high.mean()) / 2
        weight[rows] = 1 / np.sqrt(len(rows))
    weighed = known[member] * (weight[member] / weight[member].mean())[:, None]
    scores = [_strangers(unit[rows], faces.person[rows]) for rows in kinds]
    scores_of_good = _strangers(unit[good], faces.person[good])
    line = _regression(known, weighed, goal, member, good)
    for _ in range(ROUNDS):
        length = np.exp(-np.maximum(known @ line, 0.0))
        of_good = _reached(scores_of_good, length[good])
        for rows, pairs in zip(kinds, scores, strict=True):
            reached = _reached(pairs, length[rows])
            share = max(FAR, SEEN / len(reached))
            there, typical = np.quantile(reached, 1 - share), np.quantile(of_good, 1 - share)
            goal[rows] += np.log(max(there, 0.05) / max(typical, 0.05)) / 2
        line = _regression(known, weighed, goal, member, good)
    k = len(directions)
    return Crowd(
        tuple(map(_row, directions)),
        round(float(line[0]), DIGITS),
        _row(3 * line[1 : k + 1]),
        _row(9 * line[k + 1 : -1]),
        round(float(line[-1]), DIGITS),
    )


def _regression(known: Floats, weighed: Floats, goal: Floats, member: Codes, good: Codes) -> Floats:
    """The line over `known` that predicts the members' goals; it is 0 or less for TYPICAL of the good ones."""
    ridge = SMOOTHED * np.diag([0.0] + [1.0] * (known.shape[1] - 1))
    line = np.asarray(np.linalg.solve(weighed.T @ known[member] + ridge, weighed.T @ goal[member]), np.float64)
    line[0] -= np.quantile(known[good] @ line, TYPICAL)
    return line


def _kinds(faces: LabelledFaces) -> tuple[list[Codes], Codes]:
    """The rows of each age band and each kind of copy, and those of good pictures of adults."""
    original = faces.kind == 0
    bands = [original & (faces.age >= low) & (faces.age <= high) for low, high in CHILDREN]
    bands += [faces.kind == kind for kind in np.unique(faces.kind[faces.kind > 0])]
    kinds = [np.flatnonzero(band)[:AT_MOST] for band in bands if band.sum() >= ENOUGH]
    good = original & _adult(faces.age)
    return kinds, np.flatnonzero(good if good.sum() >= GOOD else original)[:AT_MOST]


def _high_score(unit: Floats, person: Codes) -> Floats:
    """The score (n,) that few strangers of its kind reach with each face."""
    scores, other = unit @ unit.T, person[:, None] != person[None]
    number = np.maximum(other.sum(axis=1), 1)
    mean = (scores * other).sum(axis=1) / number
    spread = np.sqrt(((scores - mean[:, None]) ** 2 * other).sum(axis=1) / number)
    return np.maximum(mean + BEYOND * spread, 0.05)


def _strangers(unit: Floats, person: Codes) -> tuple[Floats, Codes, Codes]:
    """The scores of all pairs of two people, and both faces of each pair."""
    a, b = np.nonzero(np.triu(person[:, None] != person[None], 1))
    return (unit @ unit.T)[a, b], a, b


def _reached(pairs: tuple[Floats, Codes, Codes], length: Floats) -> Floats:
    scores, a, b = pairs
    return scores * length[a] * length[b]
