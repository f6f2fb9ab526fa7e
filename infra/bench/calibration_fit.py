"""From pairs of labelled faces to a calibration. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import log10, sqrt
from typing import Final

import numpy as np

from graph.domain.calibration import TYPICAL, Calibration, Population, WeakPairs, log_odds_of
from graph.domain.errors import Invalid
from graph.domain.flaws import Flaws
from infra.bench.accuracy_people import ORIGINAL, Codes
from infra.bench.labelled import KINDS, LabelledFaces
from infra.bench.likelihood import Flags, Floats, logistic
from streams.gallery.flaws import SharedFlaws, less

SHARES: Final = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
MIXED: Final = -1
"""The kind of two faces that are not of one."""
SEEN: Final = 10
"""Pairs of different people that must reach a cosine before its share is believed."""
KNOWN_FROM: Final = round(SEEN / SHARES[0])
"""So many pairs of strangers of a kind tell what they reach."""
STRANGERS_AT_MOST: Final = 3_000_000
"""Pairs of different people of one kind that are looked at, and as many mixed ones: more would take gigabytes."""
AT_ONCE: Final = 500_000
"""Pairs of which what they share is computed together."""
BINS: Final = 10
"""Of the better quality, with as many pairs of strangers in each."""
GOOD_FROM: Final = 0.5
"""Share of the pairs of pictures as they are in which the better one counts as poor, if only a little."""
WAYS: Final = 6
"""Directions that flaws are told by. More take from true pairs too: these leave all of those in good pictures at 1e-3
and 1e-4, eight take a point at 1e-4 (LFW sample)."""
FACES_OF_A_WAY: Final = 100
"""Copies of a kind that must be there before the way in which they differ is believed."""
FAINT: Final = 0.1
"""How far the copies must lie along a direction: the mean of FACES_OF_A_WAY that lie nowhere is off by less."""
ALLOWED: Final = 0.95
"""Share of the strangers in good pictures of whom nothing is taken for a flaw."""
STEP: Final = 0.004
LEVELS: Final = 60
"""What two poor pictures need is raised by up to so many steps of a cosine."""
UP: Final = (1, 2, 4, 8)
"""By how many of them at once."""
CAP_AT_MOST: Final = 4.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of faces of different pictures: where both stand in `faces`, their cosine, the log odds of the worse
    quality, the better quality, and whether they show one person, each (n,).

    `kind` is the place in KINDS of both faces' kind, MIXED where they are not of one.
    """

    faces: LabelledFaces
    a: Codes
    b: Codes
    cosine: Floats
    worse: Floats
    better: Floats
    same: Flags
    kind: Codes

    @property
    def originals(self) -> Flags:
        """Both are of pictures as they are."""
        return self.kind == KINDS.index(ORIGINAL)

    def shared(self, flaws: Flaws | None) -> Floats:
        """How much of the cosines the flaws of both pictures are, (n,)."""
        told = SharedFlaws(flaws)
        along, shared = told.along(self.faces.vectors), np.zeros(len(self.a))
        for start in range(0, len(self.a), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            shared[part] = told.shared(along[self.a[part]], along[self.b[part]])
        return shared

    def likeness(self, flaws: Flaws | None) -> Floats:
        """The cosines less what the flaws of both pictures are, (n,)."""
        return less(self.cosine, self.shared(flaws))


def pairs_of(faces: LabelledFaces, seed: int) -> Pairs:
    """All pairs of one person, and all or a seeded sample of those of different people; none within one picture."""
    count = len(faces.person)
    alike = sum(int(of_kind) * (int(of_kind) - 1) // 2 for of_kind in np.bincount(faces.kind, minlength=len(KINDS)))
    mixed = count * (count - 1) // 2 - alike
    share_alike, share_mixed = (min(1.0, STRANGERS_AT_MOST / max(pairs, 1)) for pairs in (alike, mixed))
    rng = np.random.default_rng(seed)
    left: list[np.ndarray] = []
    right: list[np.ndarray] = []
    cosines: list[np.ndarray] = []
    for one in range(count - 1):
        others = np.arange(one + 1, count)
        kept = np.where(faces.kind[others] == faces.kind[one], share_alike, share_mixed)
        wanted = (faces.person[others] == faces.person[one]) | (rng.random(len(others)) < kept)
        others = others[wanted & (faces.picture[others] != faces.picture[one])]
        left.append(np.full(len(others), one))
        right.append(others)
        cosines.append(faces.vectors[others] @ faces.vectors[one])
    a, b = (np.concatenate(side) if side else np.zeros(0, np.int64) for side in (left, right))
    cosine = np.concatenate(cosines).astype(np.float64) if cosines else np.zeros(0)
    odds = np.array([log_odds_of(quality) for quality in faces.quality.tolist()])
    worse, better = np.minimum(odds[a], odds[b]), np.maximum(faces.quality[a], faces.quality[b])
    kind = np.where(faces.kind[a] == faces.kind[b], faces.kind[a], MIXED)
    same = faces.person[a] == faces.person[b]
    return Pairs(faces, a, b, cosine, worse, better, same, kind)


def fit(pairs: Pairs, model_id: str, population: Population) -> Calibration:
    """The calibration that these pairs give. Invalid where they are too few to say anything."""
    strangers = ~pairs.same & pairs.originals
    shares = [share for share in SHARES if share * strangers.sum() >= SEEN]
    if len(shares) < 2 or not pairs.same.any():
        raise Invalid(
            f"half of the people make {strangers.sum()} pairs of different people and {pairs.same.sum()} of one: "
            f"it takes {SEEN / SHARES[1]:.0f} and some, so about 900 pictures in all"
        )
    flaws = flaws_of(pairs)
    score = pairs.likeness(flaws)
    falling = _falling(score[strangers])
    points = tuple((round(_reached_by(falling, share), 4), share) for share in shares)
    weak = weak_pairs_of(pairs, score, points[0][0], points[1][0])
    offset, (slope, per_worse) = logistic(np.column_stack([score, pairs.worse - log_odds_of(TYPICAL)]), pairs.same)
    evidence = ((0.0, round(offset, 3)), (1.0, round(offset + slope, 3)))
    # A ratio beyond the number of pairs could not have been seen to be wrong.
    cap = round(min(log10(pairs.same.sum()), log10((~pairs.same).sum()), CAP_AT_MOST), 1)
    per_worse = round(min(max(per_worse, -1.0), 1.0), 3)
    return Calibration(model_id, population, points, weak, evidence, per_worse, cap, flaws)


def flaws_of(pairs: Pairs) -> Flaws | None:
    """The directions in which the copies of each kind lie from the pictures that they are of, on average; the WAYS that
    tell most of them apart. None where there are too few copies, or they lie nowhere else.
    """
    faces = pairs.faces
    originals = np.flatnonzero(faces.kind == KINDS.index(ORIGINAL))
    row_of = dict(zip(faces.picture[originals].tolist(), originals.tolist(), strict=True))
    moved: list[Floats] = []
    for kind in range(1, len(KINDS)):
        mine = [at for at in np.flatnonzero(faces.kind == kind).tolist() if int(faces.picture[at]) in row_of]
        if len(mine) >= FACES_OF_A_WAY:
            there = [row_of[int(faces.picture[at])] for at in mine]
            moved.append((faces.vectors[mine].astype(np.float64) - faces.vectors[there]).mean(axis=0))
    if not moved:
        return None
    _, strength, directions = np.linalg.svd(np.stack(moved), full_matrices=False)
    ways = directions[:WAYS][strength[:WAYS] > FAINT].round(4)
    if not len(ways):
        return None
    usual = (faces.vectors[originals].astype(np.float64) @ ways.T).mean(axis=0).round(4)
    all_of_it = Flaws(tuple(map(tuple, ways.tolist())), tuple(usual.tolist()), 0.0)
    allowed = np.quantile(pairs.shared(all_of_it)[~pairs.same & pairs.originals], ALLOWED)
    return replace(all_of_it, allowed=round(float(allowed), 4))


def log_ratios(calibration: Calibration, pairs: Pairs) -> Floats:
    """`Calibration.log_ratio` of each pair, (n,)."""
    cosine, height = (np.array(side) for side in zip(*calibration.evidence, strict=True))
    score = pairs.likeness(calibration.flaws)
    inner = np.interp(score, cosine, height)
    low = (height[1] - height[0]) / (cosine[1] - cosine[0])
    high = (height[-1] - height[-2]) / (cosine[-1] - cosine[-2])
    outer = np.minimum(score - cosine[0], 0) * low + np.maximum(score - cosine[-1], 0) * high
    found = inner + outer + calibration.per_worse * (pairs.worse - log_odds_of(TYPICAL))
    rarity = np.maximum(_rarity(calibration, pairs.better, score), 0)
    return np.minimum(np.clip(found, -calibration.cap, calibration.cap), rarity)


def _rarity(calibration: Calibration, better: Floats, score: Floats) -> Floats:
    """Minus log10 of the share of pairs of different people of this better quality that reach the score, (n,)."""
    cosine, share = (np.array(side) for side in zip(*calibration.false_accepts, strict=True))
    strict = -np.log10(share)
    weak = calibration.weak_pairs or (WeakPairs(0.0, cosine[0], cosine[1]),)
    measured = [row.quality for row in weak]
    often = np.interp(better, measured, [row.often for row in weak])
    stretch = np.interp(better, measured, [row.width for row in weak]) / (cosine[1] - cosine[0])
    beyond = score - often
    as_good = cosine[0] + np.where(beyond > 0, beyond / stretch, beyond)
    low = (strict[1] - strict[0]) / (cosine[1] - cosine[0])
    high = (strict[-1] - strict[-2]) / (cosine[-1] - cosine[-2])
    outer = np.minimum(as_good - cosine[0], 0) * low + np.maximum(as_good - cosine[-1], 0) * high
    return np.asarray(np.interp(as_good, cosine, strict) + outer, np.float64)


def weak_pairs_of(pairs: Pairs, score: Floats, often: float, seldom: float) -> tuple[WeakPairs, ...]:
    """What different people in two poor pictures score too often, by the better quality.

    Faces that are worse in the same way have that way in common, and their vectors do not tell all of it. So what a
    pair needs is raised, where it costs the fewest pairs of one person and for all poorer ones at the least as much,
    until of all strangers in two copies of a kind no more exceed theirs than of those in two good pictures. Between the
    middles of the bins lie straight lines.
    """
    strangers = ~pairs.same
    good = round(float(np.quantile(pairs.better[strangers & pairs.originals], GOOD_FROM)), 4)
    weak = strangers & (pairs.kind > 0) & (pairs.better < good)
    rows = [WeakPairs(good, often, seldom)]
    if weak.sum() < KNOWN_FROM:
        return tuple(rows)
    edges = np.quantile(pairs.better[weak], np.linspace(0, 1, BINS + 1)[1:-1])
    place = np.searchsorted(edges, pairs.better, "right")
    place[pairs.better >= good] = BINS
    raised, further = _raised(pairs, score, place, often, SHARES[0]), _raised(pairs, score, place, seldom, SHARES[1])
    if raised is None:
        return tuple(rows)
    typical = float(score[strangers & pairs.originals].mean())
    for one in range(BINS - 1, -1, -1):
        here, better = weak & (place == one), rows[-1]
        quality = round(float(pairs.better[here].mean()), 4) if here.any() else better.quality
        if quality >= better.quality:  # so many are as good as that, to four digits
            continue
        least = max(round(float(raised[one]), 4), better.often)
        if further is not None:
            width = float(further[one]) - least
        else:  # straight on, as far in proportion to what is usual there
            width = (seldom - often) * (least - float(score[here].mean())) / (often - typical)
        rows.append(WeakPairs(quality, least, round(least + max(width, better.width), 4)))
    return tuple(reversed(rows))


def _raised(pairs: Pairs, score: Floats, place: Codes, at: float, share: float) -> Floats | None:
    """What each bin needs instead of `at`, (BINS + 1,), that strangers of no kind reach more often than good ones.

    A standard error less (of pairs as if each were of other faces, so the least that it can be), as what the pairs at
    hand show may be too few. None where no kind has enough of them.
    """
    strangers = ~pairs.same
    kinds = [strangers & (pairs.kind == kind) for kind in range(1, len(KINDS))]
    known = [kind for kind in kinds if kind.sum() * share >= SEEN]
    if not known:
        return None
    reached = np.searchsorted(at + STEP * np.arange(LEVELS), score, "right")
    good = float(np.mean(score[strangers & pairs.originals] >= at))
    tables = [_reaching(place[kind], reached[kind]) / kind.sum() for kind in known]
    # Where those of good quality alone are too many, the poor ones need not make up for them.
    goals = [
        max(good - sqrt(good / kind.sum()), float(table[BINS, 0] + good * np.mean(place[kind] < BINS)))
        for table, kind in zip(tables, known, strict=True)
    ]
    levels = _levels(tables, goals, _reaching(place[pairs.same], reached[pairs.same]))
    return np.asarray(at + STEP * levels, np.float64)


def _reaching(place: Codes, reached: Codes) -> Floats:
    """How many pairs of each bin reach each level, (BINS + 1, LEVELS)."""
    counts = np.bincount(place * (LEVELS + 1) + reached, minlength=(BINS + 1) * (LEVELS + 1))
    at_least = counts.reshape(BINS + 1, LEVELS + 1)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return at_least[:, 1:].astype(np.float64)


def _levels(strangers: Sequence[Floats], goals: Sequence[float], same: Floats) -> Codes:
    """The level of each bin, (BINS + 1,), that of each kind's strangers no larger share than its goal reaches.

    Given are the shares of each kind's strangers, and the number of true pairs, that reach each level in each bin. The
    last bin is of good pictures and stays 0.
    """
    level = np.zeros(BINS + 1, np.int64)

    def total(table: Floats, levels: Codes) -> float:
        return float(table[np.arange(BINS + 1), levels].sum())

    while True:
        too_many = [(table, total(table, level) - goal) for table, goal in zip(strangers, goals, strict=True)]
        choices: list[tuple[float, Codes]] = []
        for worst, up in product(range(BINS), UP):
            raised = level.copy()
            raised[: worst + 1] = np.minimum(np.maximum(level[: worst + 1], level[worst] + up), LEVELS - 1)
            fewer = sum(min(much, total(t, level) - total(t, raised)) for t, much in too_many if much > 0)
            if fewer > 0:
                choices.append((fewer / (1 + total(same, level) - total(same, raised)), raised))
        if not choices:
            return level
        level = max(choices, key=lambda choice: choice[0])[1]


def _falling(scores: Floats) -> Floats:
    return np.sort(scores)[::-1]


def _reached_by(falling: Floats, share: float) -> float:
    """The score that this share of all reaches."""
    return float(falling[int(share * len(falling))])
