"""`bench calibrate`: what cosines mean on a folder of labelled pictures, tested on people that the fit has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from graph.domain.calibration import Calibration, Population
from infra.bench.calibration_fit import Pairs, fit, log_ratios, pairs_of
from infra.bench.labelled import KINDS, LabelledFaces
from infra.bench.likelihood import cllr, min_cllr, reliability
from streams.gallery.calibration import CalibrationFile, MeasuredFlaws, MeasuredModel, WeakPairsRow


@dataclass(frozen=True, slots=True)
class Terms:
    """What the file says of itself: whose faces, which pictures, when, and who measured."""

    population: Population
    data_set: str
    measured_on: date
    measured_by: str


def measure_calibration(
    faces: LabelledFaces, model_id: str, terms: Terms, seed: int, packaged: Calibration | None
) -> dict[str, Any]:
    """The object of `bench calibrate --json`; `calibration` is the file that REDTHREAD_CALIBRATION takes.

    `cllr` and `min_cllr` (bits: 0 tells all, 1 nothing) and `reliability` are of people whom the fit had not seen: each
    half of the people is told by the fit of the other half, and the file by all. `min_cllr_of_cosine` is what the
    cosine alone could reach, `cllr_packaged` what the packaged calibration does (null without one).
    """
    halves = [pairs_of(half, seed) for half in _halves(faces, seed)]
    fits = [fit(pairs, model_id, terms.population) for pairs in halves]
    same = np.concatenate([pairs.same for pairs in halves])
    told = _told(fits[::-1], halves)
    now = None if packaged is None else round(cllr(_told([packaged] * 2, halves), same), 4)
    whole = pairs_of(faces, seed)
    fitted = fit(whole, model_id, terms.population)
    strangers = np.bincount(whole.kind[~whole.same & (whole.kind >= 0)], minlength=len(KINDS))
    return {
        "model_id": model_id, "seed": seed, "people": len(set(faces.person.tolist())),
        "pictures": int((faces.kind == 0).sum()), "copies": int((faces.kind > 0).sum()), "no_face": faces.no_face,
        "too_poor": faces.too_poor, "same_pairs": int(same.sum()), "different_pairs": int((~same).sum()),
        "cllr": round(cllr(told, same), 4), "min_cllr": round(min_cllr(told, same), 4),
        "min_cllr_of_cosine": round(min_cllr(np.concatenate([pairs.cosine for pairs in halves]), same), 4),
        "cllr_packaged": now, "reliability": reliability(told, same), "calibration": _file(fitted, terms),
        "strangers_by_kind": dict(zip(KINDS[1:], strangers[1:].tolist(), strict=True)),
    }  # fmt: skip


def _halves(faces: LabelledFaces, seed: int) -> list[LabelledFaces]:
    """The faces of one half of the people, drawn by the seed, and those of the other."""
    people = np.unique(faces.person)
    drawn = np.random.default_rng(seed).permutation(people)[: len(people) // 2]
    first = np.isin(faces.person, drawn)
    return [faces.of(first), faces.of(~first)]


def _told(calibrations: Sequence[Calibration], halves: Sequence[Pairs]) -> np.ndarray:
    return np.concatenate([log_ratios(one, pairs) for one, pairs in zip(calibrations, halves, strict=True)])


def _flaws(fitted: Calibration) -> MeasuredFlaws | None:
    if (found := fitted.flaws) is None:
        return None
    return MeasuredFlaws(ways=[list(way) for way in found.ways], usual=list(found.usual), allowed=found.allowed)


def _file(fitted: Calibration, terms: Terms) -> dict[str, Any]:
    measured = MeasuredModel(
        model_id=fitted.model_id, population=terms.population, data_set=terms.data_set, measured_on=terms.measured_on,
        measured_by=terms.measured_by, false_accepts=list(fitted.false_accepts),
        weak_pairs=[WeakPairsRow(quality=row.quality, often=row.often, seldom=row.seldom) for row in fitted.weak_pairs],
        evidence=list(fitted.evidence), per_worse=fitted.per_worse, cap=fitted.cap, flaws=_flaws(fitted),
    )  # fmt: skip
    return CalibrationFile(calibrations=[measured]).model_dump(mode="json")
