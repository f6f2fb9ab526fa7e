"""`bench accuracy --ages`: error rates by age, on pictures whose names contain the age."""

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from graph.domain.errors import Invalid
from graph.domain.text import printable
from infra.clock import Clock
from infra.evaluation.accuracy.faces import embed_pictures
from infra.evaluation.accuracy.people import Codes, Half, half_of
from infra.evaluation.accuracy.rates import Metrics, json_safe
from infra.evaluation.ages.groups import measure_groups
from infra.evaluation.ages.pairs import measure_pairs
from infra.evaluation.ages.people import ADULTS, AGE_BANDS, Aged, band_name
from infra.evaluation.ages.register import measure_register
from infra.evaluation.ages.victims import measure_victims
from infra.evaluation.product_score import ProductScore
from streams.client.folders import files_below, read_cases
from streams.faces.models import ModelFiles
from streams.gallery.calibration import Calibrations, calibration_of

_NAME: Final = re.compile(r"(?P<person>.+)A(?P<age>\d{1,3})[a-z]?")
LEAST: Final = 20
"""Fewest people with pictures at two ages: with fewer an interval means nothing."""


class AgedFile(NamedTuple):
    """A picture whose name contains the person and the age in whole years."""

    person: str
    age: int
    path: Path


def aged_files(root: Path, half: Half | None) -> tuple[list[AgedFile], int]:
    """The pictures of a folder named `<person>A<age>` (`001A05.jpg`, `001A05b.jpg`), and how many are named otherwise.

    Raises Invalid where fewer than LEAST people have pictures at two ages.
    """
    found: list[AgedFile] = []
    unnamed = 0
    for file in files_below(root, lambda _: None):
        found_name = _NAME.fullmatch(Path(file).stem)
        if found_name is None:
            unnamed += 1
        elif half is None or half_of(found_name["person"]) == half:
            found.append(AgedFile(found_name["person"], int(found_name["age"]), root / file))
    ages: dict[str, set[int]] = {}
    for file in found:
        ages.setdefault(file.person, set()).add(file.age)
    known = sum(len(of_one) > 1 for of_one in ages.values())
    if known < LEAST:
        raise Invalid(
            f"{printable(str(root))} has {known} people at two ages or more, and this needs {LEAST}: name the pictures "
            "<person>A<age in years>, as 001A05.jpg"
        )
    return found, unnamed


def measure_ages(
    root: Path,
    rest: Path | None,
    half: Half | None,
    seed: int,
    models: ModelFiles,
    calibrations: Calibrations,
    stop: threading.Event,
) -> Metrics:
    """The object of `bench accuracy --ages --json`, shares from 0 to 1, with 95 % intervals over people.

    `rest` is a folder with a sub-folder a person, whose faces are in the register and are never asked for. Blocks;
    raises Interrupted once `stop` is set, Invalid where the folder has too few people at two ages.
    """
    clock = Clock()
    files, unnamed = aged_files(root, half)
    others = read_cases(rest, lambda _: None) if rest is not None else []
    with clock.step("look"):
        paths = [*(file.path for file in files), *(file.path for file in others)]
        faces = embed_pictures(paths, [()] * len(paths), models, stop)
    seen = [by_copy[""] for by_copy in faces]
    able = [number for number, face in enumerate(seen) if face.vector is not None and not face.too_poor]
    names = [*(f"aged {file.person}" for file in files), *(f"other {file.case}" for file in others)]
    person = np.unique(np.array([names[number] for number in able]), return_inverse=True)[1].astype(np.int64)
    vectors = [face.vector for face in (seen[number] for number in able) if face.vector is not None]
    score = ProductScore(calibration_of(calibrations, models.model_id))
    everyone = score.faces(np.stack(vectors))
    ages: Codes = np.array([files[number].age for number in able if number < len(files)], np.int64)
    aged = Aged(person[: len(ages)], ages, everyone.of(np.arange(len(ages))))
    with clock.step("measure"):
        found: dict[str, Any] = {
            "people": aged.people,
            "pictures": len(files),
            "unnamed": unnamed,
            "half": half,
            "seed": seed,
            "register": len(able),
            "model_id": models.model_id,
            "no_face": sum(face.vector is None for face in seen),
            "too_poor": sum(face.too_poor for face in seen),
            "bands": _sizes(aged),
            **measure_pairs(aged, score, seed),
            "register_sizes": measure_register(aged, person, everyone, score, seed),
            "groups": measure_groups(aged, score, seed),
            "victims": measure_victims(aged, person, everyone, score, seed),
        }
    return json_safe({**found, "seconds": clock.as_json()})


def _sizes(aged: Aged) -> list[Metrics]:
    """How many pictures and people there are of each band of ages."""
    rows: Sequence[Metrics] = [
        {
            "ages": band_name(band),
            "pictures": int((inside := aged.within(band)).sum()),
            "people": len(np.unique(aged.person[inside])),
            "adults": band == ADULTS,
        }
        for band in AGE_BANDS
    ]
    return list(rows)
