"""The calibrations of the models: the packaged ones, and those of a deployment's own file, which override them."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from graph.domain.calibration import Calibration, Point, Population
from graph.domain.errors import Invalid
from graph.domain.score import ScoreMap
from streams.faces.models import MODEL_ID

PACKAGED: Final = Path(__file__).with_name("calibration.json")

_TEXT: Final = TypeAdapter(Calibration)
Calibrations = dict[str, Calibration]
"""By model id."""
ShortText = Annotated[str, Field(min_length=1, max_length=300)]


LEGACY_FORMAT: Final = 3
LEGACY_FLOOR: Final = 0.357
"""The floor of leads in the previous release: the first threshold of its packaged file."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class _Measured(_Strict):
    """What a file of any format says of a model: its numbers, the data set, the day and the measurer."""

    model_id: ShortText
    population: Population
    data_set: ShortText
    measured_on: date
    measured_by: ShortText
    false_accepts: Annotated[tuple[Point, ...], Field(min_length=1)]
    evidence: tuple[Point, ...]
    cap: float


class MeasuredModel(_Measured):
    """One model's `graph.domain.calibration.Calibration`."""

    floor: float
    score: ScoreMap | None

    def calibration(self) -> Calibration:
        """Raises Invalid if the numbers are inconsistent."""
        facts = (self.false_accepts, self.evidence, self.cap, self.floor, self.score)
        return Calibration(self.model_id, self.population, *facts)


class CalibrationFile(_Strict):
    """The file that `REDTHREAD_CALIBRATION` names and `redthread bench calibrate` writes."""

    format: Literal[4] = 4
    calibrations: Annotated[list[MeasuredModel], Field(min_length=1)]


class LegacyModel(_Measured):
    """One model of a file of format 3: cosines of stored vectors; its values for poor pictures are ignored.

    The floor of leads is LEGACY_FLOOR at most. A file measured on children had 0.536 as its first threshold: with that
    as the floor, pictures of a child with a right link fell from 316 to 259 of 340.
    """

    weak_pairs: object
    per_worse: object
    flaws: object

    def upgraded(self) -> MeasuredModel:
        """The model in the present format, without a score map."""
        values = self.model_dump(exclude={"weak_pairs", "per_worse", "flaws"})
        return MeasuredModel(**values, floor=min(self.false_accepts[0][0], LEGACY_FLOOR), score=None)


class _Format(BaseModel):
    """The format of any calibration file."""

    format: object = None


class LegacyFile(_Strict):
    """A file by `bench calibrate` of a previous release."""

    format: Literal[3]
    calibrations: Annotated[list[LegacyModel], Field(min_length=1)]


LEGACY_SCORES: Final = (
    ((LEGACY_FLOOR, 0.001), (0.414, 0.0001), (0.463, 1e-05), (0.528, 1e-06)),
    ((0.25, 0.0), (0.35, 1.2), (0.4, 1.8), (0.45, 2.4), (0.5, 2.9), (0.55, 3.5)),
    3.5,
)
"""False accepts, evidence and cap of SFace's stored vectors on press photographs of adults: packaged with the releases
that had no score id."""


def legacy_calibration(model_id: str, own: Calibrations) -> Calibration:
    """The calibration of a register by a release without score ids, until it is switched: a deployment's own file of
    format 3, else LEGACY_SCORES."""
    if model_id in own and own[model_id].score is None:
        return own[model_id]
    population = Population.ADULTS if model_id == MODEL_ID else Population.NOBODY
    return Calibration(model_id, population, *LEGACY_SCORES, LEGACY_FLOOR)


def as_text(calibration: Calibration) -> str:
    """The calibration as written to the log and the graph; `from_text` parses it."""
    return _TEXT.dump_json(calibration).decode()


def from_text(text: str) -> Calibration:
    """The inverse of `as_text`. Raises Invalid."""
    try:
        return _TEXT.validate_json(text)
    except ValidationError as error:
        raise Invalid("a calibration of the gallery log or the graph can't be read", code="bad_calibration") from error


def load_calibrations(own: Path | None = None) -> Calibrations:
    """The packaged calibrations, overridden by those in a deployment's `own` file.

    Raises Invalid with the file and the fault.
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
    """The packaged calibrations."""
    return _read(PACKAGED)


def calibration_of(calibrations: Calibrations, model_id: str) -> Calibration:
    """The calibration of a model; of an unmeasured one LEGACY_SCORES without a map, and every band says so."""
    if model_id in calibrations:
        return calibrations[model_id]
    return Calibration(model_id, Population.NOBODY, *LEGACY_SCORES, LEGACY_FLOOR)


def _read(path: Path) -> Calibrations:
    try:
        found = [measured.calibration() for measured in _models(path.read_bytes())]
    except OSError as failure:
        raise Invalid(f"the calibration file {path} can't be read: {failure.strerror}") from failure
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        message = "it is of another release: measure again by `bench calibrate`" if where == "format" else first["msg"]
        raise Invalid(f"the calibration file {path} is not usable: {where}: {message}") from None
    except Invalid as wrong:
        raise Invalid(f"{path}: {wrong.message}", code=wrong.code) from None
    if len({each.model_id for each in found}) < len(found):
        raise Invalid(f"the calibration file {path} is not usable: a model stands in it twice")
    return {each.model_id: each for each in found}


def _models(data: bytes) -> list[MeasuredModel]:
    """Raises ValidationError."""
    if _Format.model_validate_json(data).format == LEGACY_FORMAT:
        return [model.upgraded() for model in LegacyFile.model_validate_json(data).calibrations]
    return CalibrationFile.model_validate_json(data).calibrations
