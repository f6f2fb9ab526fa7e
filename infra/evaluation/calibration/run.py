"""`bench calibrate`: calibrates scores on a folder of labelled pictures, and tests on people not in the fit."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from graph.domain.calibration import Calibration, Population
from graph.domain.errors import Invalid
from infra.evaluation.calibration.fit import fit, log_ratios, pairs_of
from infra.evaluation.calibration.labelled import LabelledFaces
from infra.evaluation.calibration.likelihood import cllr, min_cllr, reliability
from infra.evaluation.calibration.score_fit import CHILDREN, ENOUGH, fit_score
from streams.gallery.calibration import CalibrationFile, MeasuredModel

NEEDS: Final = (
    "it takes about 900 pictures, several of each person, one sub-folder a person; with --population children or both, "
    f"file names that tell the age, <person>A<age>, and {ENOUGH} pictures at the least of each of the ages "
    + ", ".join(f"{low} to {high}" for low, high in CHILDREN)
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Origin of a calibration, as its file states it: population, pictures, date and person."""

    population: Population
    data_set: str
    measured_on: date
    measured_by: str


def check_ages(ages: np.ndarray, population: Population) -> None:
    """Raises Invalid where the population has children and an age band has too few pictures."""
    if population in {Population.ADULTS, Population.NOBODY}:
        return
    counts = {(low, high): int(((ages >= low) & (ages <= high)).sum()) for low, high in CHILDREN}
    lacking = [f"{found} of {low} to {high} years" for (low, high), found in counts.items() if found < ENOUGH]
    if lacking:
        raise Invalid(f"too few pictures of children: {', '.join(lacking)}; {NEEDS}")


def measure_calibration(
    faces: LabelledFaces, model_id: str, terms: Terms, seed: int, packaged: Calibration | None
) -> dict[str, Any]:
    """The object of `bench calibrate --json`; `calibration` is the file that REDTHREAD_CALIBRATION takes.

    `cllr` and `min_cllr` (bits: 0 tells all, 1 nothing) and `reliability` are of people whom the fit had not seen: each
    half of the people is scored by the map of the other half, and judged by its evidence; thresholds and evidence
    of the file are of all these pairs, so that no map has seen their people, and the map is of all.
    `min_cllr_of_cosine` is what the stored vectors alone could reach, `cllr_packaged` what the packaged one does
    (null without one).
    """
    first, second = _halves(faces, seed)
    maps = fit_score(first), fit_score(second)
    halves = pairs_of(first, maps[1], seed), pairs_of(second, maps[0], seed)
    fits = [fit(pairs, model_id, terms.population, None) for pairs in halves]
    both = halves[0] + halves[1]
    stated = np.concatenate([log_ratios(fits[1], halves[0]), log_ratios(fits[0], halves[1])])
    plain = pairs_of(first, None, seed) + pairs_of(second, None, seed)
    now = None
    if packaged is not None:
        its = pairs_of(first, packaged.score, seed) + pairs_of(second, packaged.score, seed)
        now = round(cllr(log_ratios(packaged, its), its.same), 4)
    floor = 1.0 if packaged is None else packaged.floor
    fitted = fit(both, model_id, terms.population, fit_score(faces), floor)
    return {
        "model_id": model_id,
        "seed": seed,
        "people": len(set(faces.person.tolist())),
        "pictures": int((faces.kind == 0).sum()),
        "copies": int((faces.kind > 0).sum()),
        "no_face": faces.no_face,
        "too_poor": faces.too_poor,
        "same_pairs": int(both.same.sum()),
        "different_pairs": int((~both.same).sum()),
        "cllr": round(cllr(stated, both.same), 4),
        "min_cllr": round(min_cllr(stated, both.same), 4),
        "min_cllr_of_cosine": round(min_cllr(plain.score, plain.same), 4),
        "cllr_packaged": now,
        "reliability": reliability(stated, both.same),
        "calibration": _file(fitted, terms),
    }


def file_text(calibration: dict[str, Any]) -> str:
    """The file as text: a list of numbers in one line each."""

    def in_one_line(found: re.Match[str]) -> str:
        return re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]")

    return re.sub(r"\[[-\d.,e\s]+\]", in_one_line, json.dumps(calibration, indent=2))


def _halves(faces: LabelledFaces, seed: int) -> tuple[LabelledFaces, LabelledFaces]:
    """The faces of a random half of the people, and those of the other half; each half has half of the people with
    known ages."""
    people, chance = np.unique(faces.person), np.random.default_rng(seed)
    has_age = np.isin(people, faces.person[np.isfinite(faces.age)])
    drawn = [chance.permutation(some)[: len(some) // 2] for some in (people[has_age], people[~has_age])]
    first = np.isin(faces.person, np.concatenate(drawn))
    return faces.of(first), faces.of(~first)


def _file(fitted: Calibration, terms: Terms) -> dict[str, Any]:
    measured = MeasuredModel(
        **asdict(terms),
        model_id=fitted.model_id,
        false_accepts=fitted.false_accepts,
        evidence=fitted.evidence,
        cap=fitted.cap,
        floor=fitted.floor,
        score=fitted.score,
    )
    return CalibrationFile(calibrations=[measured]).model_dump(mode="json")
