"""`bench accuracy`: error rates of the product's own code on a folder with one sub-folder for each person."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from graph.domain.errors import Invalid
from infra.clock import Clock
from infra.evaluation.accuracy.faces import embed_pictures
from infra.evaluation.accuracy.open_set import curves_of, measure_open_set, split_of
from infra.evaluation.accuracy.pairs import AllPairs, all_pairs, check_pairs, measure_pairs
from infra.evaluation.accuracy.people import Half, Method, Sample, of_half, scored
from infra.evaluation.accuracy.rates import Curve, Metrics, json_safe, trade_off
from infra.evaluation.accuracy.worse import copy_scores, measure_copies, to_copy
from streams.client.folders import SourceFile, read_cases
from streams.faces.models import ModelFiles
from streams.gallery.calibration import Calibrations, calibration_of
from streams.gallery.scoring import Scorer

Protocol = Literal["verification", "open-set"]
SPLITS: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure: both protocols where none is given, all people where no half is given."""

    protocol: Protocol | None
    on_file: int
    half: Half | None
    seed: int

    @property
    def seeds(self) -> range:
        return range(self.seed, self.seed + SPLITS)


@dataclass(frozen=True, slots=True)
class Measured:
    """The object of `bench accuracy --json`, and the curves of a DET plot by their names."""

    found: dict[str, Any]
    curves: Mapping[str, Curve]


def measure_accuracy(
    root: Path, asked: Asked, models: ModelFiles, calibrations: Calibrations, stop: threading.Event
) -> Measured:
    """Measures the people of a folder. Blocks; raises Interrupted once `stop` is set.

    `verification` and `open_set` hold fractions 0 to 1, means over five seeded splits; `intervals` has their 95 %
    intervals under the same keys. Raises Invalid where the folder has too few people for the protocol.
    """
    clock = Clock()
    files = of_half(read_cases(root, lambda _: None), asked.half)
    if not files:
        raise Invalid(f"nobody of this folder is in half {asked.half}")
    people = [file.case for file in files]
    pairs = asked.protocol != "open-set"
    _check(people, asked)
    with clock.step("look"):
        copies = to_copy(people, asked.seed) if pairs else [()] * len(files)
        faces = embed_pictures([file.path for file in files], copies, models, stop, plain=True)
    calibration = calibration_of(calibrations, models.model_id)
    sample = Sample.of(people, scored(faces, Scorer(calibration.score)))
    found = _about(files, sample, asked, models.model_id)
    curves: dict[str, Curve] = {}
    with clock.step("measure"):
        if pairs:
            found["verification"], found["intervals"]["verification"] = measure_pairs(sample, asked.seeds)
            clean: dict[Method, AllPairs] = {
                method: all_pairs(sample.vectors(method), sample.person) for method in ("product", "plain")
            }
            found["verification"] |= {"all_pairs": clean["product"].as_json(), "plain": clean["plain"].as_json()}
            by_copy, by_quality = measure_copies(sample, clean, asked.seed, calibration)
            found["verification"] |= {"by_quality": by_quality, "copies": by_copy}
            curves |= _pair_curves(sample, clean)
        if asked.protocol != "verification":
            values, intervals = measure_open_set(sample, asked.on_file, asked.seeds)
            found["open_set"], found["intervals"]["open_set"] = values, intervals
            curves |= curves_of(sample, asked.on_file, asked.seeds)
    return Measured(json_safe({**found, "seconds": clock.as_json()}), curves)


def _check(people: Sequence[str], asked: Asked) -> None:
    """Raises Invalid where the pictures are too few for a protocol, before they are embedded."""
    if asked.protocol != "open-set":
        check_pairs(people, asked.seed)
    if asked.protocol != "verification":
        split_of(Sample.of(people, []).pictures_of(), asked.on_file, asked.seed)


def _about(files: Sequence[SourceFile], sample: Sample, asked: Asked, model_id: str) -> Metrics:
    return {
        "people": len({file.case for file in files}),
        "pictures": len(files),
        "half": asked.half,
        "seed": asked.seed,
        "splits": SPLITS,
        "model_id": model_id,
        "no_face": int((~sample.found()).sum()),
        "too_poor": int(sample.too_poor().sum()),
        "intervals": {},
    }


def _pair_curves(sample: Sample, clean: Mapping[Method, AllPairs]) -> dict[str, Curve]:
    """Curves of all pairs, by both methods, and of pairs with a worse copy against clean pairs of different people."""
    curves: dict[str, Curve] = {"pairs": trade_off(clean["product"].same, clean["product"].different)}
    curves["pairs, one look"] = trade_off(clean["plain"].same, clean["plain"].different)
    for copy, scores in copy_scores(sample).items():
        curves[copy] = trade_off(scores, clean["product"].different)
    return curves
