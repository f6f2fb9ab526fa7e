"""The calibrations of the models: those that come with the program, and above them those of a deployment's own file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graph.domain.calibration import Calibration, Population, WeakPairs
from graph.domain.errors import Invalid
from graph.domain.flaws import Flaws

PACKAGED: Final = Path(__file__).with_name("calibration.json")

Calibrations = dict[str, Calibration]
"""By model id."""
Told = Annotated[str, Field(min_length=1, max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class WeakPairsRow(_Strict):
    """As `graph.domain.calibration.WeakPairs`."""

    quality: float
    often: float
    seldom: float


class MeasuredFlaws(_Strict):
    """As `graph.domain.flaws.Flaws`."""

    ways: Annotated[list[list[float]], Field(max_length=64)]
    usual: list[float]
    allowed: float

    def flaws(self) -> Flaws:
        """Raises Invalid where the numbers can't be right."""
        return Flaws(tuple(map(tuple, self.ways)), tuple(self.usual), self.allowed)


class MeasuredModel(_Strict):
    """One model's `graph.domain.calibration.Calibration`, with the data set, the day and who measured."""

    model_id: Told
    population: Population
    data_set: Told
    measured_on: date
    measured_by: Told
    false_accepts: list[tuple[float, float]]
    weak_pairs: list[WeakPairsRow]
    evidence: list[tuple[float, float]]
    per_worse: float
    cap: float
    flaws: MeasuredFlaws | None

    def calibration(self) -> Calibration:
        """Raises Invalid where the numbers can't be right."""
        return Calibration(
            self.model_id,
            self.population,
            tuple(self.false_accepts),
            tuple(WeakPairs(row.quality, row.often, row.seldom) for row in self.weak_pairs),
            tuple(self.evidence),
            self.per_worse,
            self.cap,
            None if self.flaws is None else self.flaws.flaws(),
        )


class CalibrationFile(_Strict):
    """What `REDTHREAD_CALIBRATION` names and `redthread bench calibrate` writes."""

    format: Literal[3] = 3
    calibrations: Annotated[list[MeasuredModel], Field(min_length=1)]


def load_calibrations(own: Path | None = None) -> Calibrations:
    """The packaged calibrations, and above them those in a deployment's `own` file.

    Raises Invalid, with the file and what is wrong in it.
    """
    return packaged() | (_read(own) if own is not None else {})


@cache
def packaged() -> Calibrations:
    """The calibrations that come with the program."""
    return _read(PACKAGED)


def calibration_of(calibrations: Calibrations, model_id: str) -> Calibration:
    """The calibration of a model; where nobody measured it the packaged one's numbers, and every band says so.

    Without its flaws: vectors of another model have other directions.
    """
    if model_id in calibrations:
        return calibrations[model_id]
    (default,) = packaged().values()
    return replace(default, model_id=model_id, population=Population.NOBODY, flaws=None)


def _read(path: Path) -> Calibrations:
    try:
        file = CalibrationFile.model_validate_json(path.read_bytes())
        found = [measured.calibration() for measured in file.calibrations]
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
