"""The calibrations of the models: those that come with the program, and above them those of a deployment's own file."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from graph.domain.calibration import Calibration, Population
from graph.domain.errors import Invalid
from graph.domain.score import Crowd, ScoreMap
from streams.faces.models import MODEL_ID

PACKAGED: Final = Path(__file__).with_name("calibration.json")

_TEXT: Final = TypeAdapter(Calibration)
Calibrations = dict[str, Calibration]
"""By model id."""
Told = Annotated[str, Field(min_length=1, max_length=300)]


OLDER_FORMAT: Final = 3
OLDER_FLOOR: Final = 0.357
"""Of leads, in the release before: its packaged file's first threshold."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class MeasuredCrowd(_Strict):
    """As `graph.domain.score.Crowd`."""

    directions: Annotated[list[list[float]], Field(max_length=64)]
    base: float
    along: list[float]
    squared: list[float]
    rest: float


class MeasuredScore(_Strict):
    """As `graph.domain.score.ScoreMap`."""

    mean: list[float]
    map: list[list[float]]
    crowd: MeasuredCrowd | None

    def score(self) -> ScoreMap:
        """Raises Invalid where the numbers can't be right."""
        found = self.crowd
        crowd = None if found is None else Crowd(
            tuple(map(tuple, found.directions)), found.base, tuple(found.along), tuple(found.squared), found.rest
        )  # fmt: skip
        return ScoreMap(tuple(self.mean), tuple(map(tuple, self.map)), crowd)


class MeasuredModel(_Strict):
    """One model's `graph.domain.calibration.Calibration`, with the data set, the day and who measured."""

    model_id: Told
    population: Population
    data_set: Told
    measured_on: date
    measured_by: Told
    false_accepts: list[tuple[float, float]]
    evidence: list[tuple[float, float]]
    cap: float
    floor: float
    score: MeasuredScore | None

    def calibration(self) -> Calibration:
        """Raises Invalid where the numbers can't be right."""
        return Calibration(
            self.model_id,
            self.population,
            tuple(self.false_accepts),
            tuple(self.evidence),
            self.cap,
            self.floor,
            None if self.score is None else self.score.score(),
        )


class CalibrationFile(_Strict):
    """What `REDTHREAD_CALIBRATION` names and `redthread bench calibrate` writes."""

    format: Literal[4] = 4
    calibrations: Annotated[list[MeasuredModel], Field(min_length=1)]


class OlderModel(_Strict):
    """Of a file of format 3: cosines of vectors as they are stored; what it says of poor pictures is left out.

    Leads are kept from OLDER_FLOOR on: one that was measured on children began at their first threshold, 0.536, and
    pictures of a child with a right link fell from 316 to 259 of 340.
    """

    model_id: Told
    population: Population
    data_set: Told
    measured_on: date
    measured_by: Told
    false_accepts: Annotated[list[tuple[float, float]], Field(min_length=1)]
    evidence: list[tuple[float, float]]
    cap: float
    weak_pairs: object
    per_worse: object
    flaws: object

    def today(self) -> MeasuredModel:
        """The same in the format of today: there is no map in it."""
        told = self.model_dump(exclude={"weak_pairs", "per_worse", "flaws"})
        return MeasuredModel(**told, floor=min(self.false_accepts[0][0], OLDER_FLOOR), score=None)


class _Format(BaseModel):
    """Of any file."""

    format: object = None


class OlderFile(_Strict):
    """A file that an older release's `bench calibrate` wrote."""

    format: Literal[3]
    calibrations: Annotated[list[OlderModel], Field(min_length=1)]


OLDER: Final = (
    ((OLDER_FLOOR, 0.001), (0.414, 0.0001), (0.463, 1e-05), (0.528, 1e-06)),
    ((0.25, 0.0), (0.35, 1.2), (0.4, 1.8), (0.45, 2.4), (0.5, 2.9), (0.55, 3.5)),
    3.5,
)
"""False accepts, evidence and cap of vectors as they are stored, of SFace on press photographs of adults: what came
with the releases before scores had names."""


def older_calibration(model_id: str, own: Calibrations) -> Calibration:
    """What a register that was made by such a release is compared by until it is switched: a deployment's own file of
    that format, else OLDER."""
    if model_id in own and own[model_id].score is None:
        return own[model_id]
    population = Population.ADULTS if model_id == MODEL_ID else Population.NOBODY
    return Calibration(model_id, population, *OLDER, OLDER_FLOOR)


def as_text(calibration: Calibration) -> str:
    """The calibration as it stands in a record of the log and in the graph; `from_text` reads it again."""
    return _TEXT.dump_json(calibration).decode()


def from_text(text: str) -> Calibration:
    """Raises Invalid where it can't be right."""
    try:
        return _TEXT.validate_json(text)
    except ValidationError as error:
        raise Invalid("a calibration of the gallery log or the graph can't be read", code="bad_calibration") from error


def load_calibrations(own: Path | None = None) -> Calibrations:
    """The packaged calibrations, and above them those in a deployment's `own` file.

    Raises Invalid, with the file and what is wrong in it.
    """
    found = _read(own) if own is not None else {}
    for model_id, calibration in found.items():
        known = packaged().get(model_id)
        if calibration.score is not None and known is not None and known.score is not None:
            size, right = len(calibration.score.mean), len(known.score.mean)
            if size != right:
                raise Invalid(
                    f"{own}: the calibration can't be right: `score` is of {size} numbers, the vectors of "
                    f"{model_id} of {right}",
                    code="bad_calibration",
                )
    return packaged() | found


@cache
def packaged() -> Calibrations:
    """The calibrations that come with the program."""
    return _read(PACKAGED)


def calibration_of(calibrations: Calibrations, model_id: str) -> Calibration:
    """The calibration of a model; where nobody measured it OLDER, without a map, and every band says so."""
    if model_id in calibrations:
        return calibrations[model_id]
    return Calibration(model_id, Population.NOBODY, *OLDER, OLDER_FLOOR)


def _read(path: Path) -> Calibrations:
    try:
        found = [measured.calibration() for measured in _models(path.read_bytes())]
    except OSError as failure:
        raise Invalid(f"the calibration file {path} can't be read: {failure.strerror}") from failure
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        told = "it is of another release: measure again by `bench calibrate`" if where == "format" else first["msg"]
        raise Invalid(f"the calibration file {path} is not usable: {where}: {told}") from None
    except Invalid as wrong:
        raise Invalid(f"{path}: {wrong.message}", code=wrong.code) from None
    if len({each.model_id for each in found}) < len(found):
        raise Invalid(f"the calibration file {path} is not usable: a model stands in it twice")
    return {each.model_id: each for each in found}


def _models(data: bytes) -> list[MeasuredModel]:
    """Raises ValidationError."""
    if _Format.model_validate_json(data).format == OLDER_FORMAT:
        return [model.today() for model in OlderFile.model_validate_json(data).calibrations]
    return CalibrationFile.model_validate_json(data).calibrations
