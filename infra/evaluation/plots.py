"""Plots of measurements as SVG, drawn by matplotlib."""

import importlib
import io
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from graph.domain.calibration import FALSE_PER_FACE
from infra.evaluation.accuracy.rates import Curve

_FALSE: Final = (1e-6, 0.5)
_MISSED: Final = (1e-3, 0.6)
_TICKS: Final = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.4)
_COLOURS: Final = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
"""The palette of Okabe and Ito, for colour-blind readers."""
_LARGEST_DOT: Final = 400.0
"""Square points."""


def det_svg(title: str, curves: Mapping[str, Curve]) -> str:
    """The trade-off of both error rates of each named curve; points beyond an axis are drawn at its end.

    Axes are those of Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997: both
    rates by the quantiles of a normal distribution, so that scores that are normally distributed give a line.
    """
    special: Any = importlib.import_module("scipy.special")
    with _figure(title) as (axes, written):
        for name, ends in (("x", _FALSE), ("y", _MISSED)):
            getattr(axes, f"set_{name}scale")("function", functions=(special.ndtri, special.ndtr))
            getattr(axes, f"set_{name}lim")(*ends)
            ticks = [tick for tick in _TICKS if ends[0] <= tick <= ends[1]]
            getattr(axes, f"set_{name}ticks")(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel("different people accepted")
        axes.set_ylabel("one person missed")
        for number, (name, points) in enumerate(curves.items()):
            rates = np.array(points, np.float64).reshape(-1, 2)
            style = {"color": _COLOURS[number % len(_COLOURS)], "linestyle": "-" if number < len(_COLOURS) else "--"}
            axes.plot(np.clip(rates[:, 0], *_FALSE), np.clip(rates[:, 1], *_MISSED), label=name, **style)
        if curves:
            axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    return written.getvalue()


def reliability_svg(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Stated against observed likelihood ratios, one dot for each row of `reliability`.

    Dots grow with the number of pairs; a bin with one kind of pairs only is left out. Ratios on the line are true,
    below it they overstate.
    """
    known = [row for row in rows if row["observed"] is not None]
    with _figure(title) as (axes, written):
        ends = [value for row in known for value in (row["stated"], row["observed"])] or [0.0]
        axes.axline((0, 0), slope=1, color="#7f7f7f", linestyle="--", label="says what is")
        axes.set_xlim(min(ends) - 0.5, max(ends) + 0.5)
        axes.set_ylim(min(ends) - 0.5, max(ends) + 0.5)
        axes.set_xlabel("stated, log10 of the likelihood ratio")
        axes.set_ylabel("observed on people that the fit had not seen")
        pairs = np.array([row["same"] + row["different"] for row in known], np.float64)
        stated, observed = ([row[name] for row in known] for name in ("stated", "observed"))
        axes.plot(stated, observed, color=_COLOURS[1], label="pairs, by what was stated")
        axes.scatter(
            stated, observed, s=_LARGEST_DOT * np.sqrt(pairs / max([1.0, *pairs])), color=_COLOURS[1], alpha=0.4
        )
        axes.legend(loc="upper left", frameon=False)
    return written.getvalue()


def ages_svg(title: str, found: Mapping[str, Any]) -> str:
    """False candidates a new face by its age, a line for each size of register, with intervals; dotted the goal."""
    rows = found["register_sizes"]["bands"]
    with _figure(title) as (axes, written):
        axes.set_yscale("log")
        axes.set_xticks(range(len(rows)), [row["ages"] for row in rows])
        axes.set_xlabel("age of the new face, years")
        axes.set_ylabel("strangers above the threshold, a new face")
        axes.axhline(FALSE_PER_FACE, color="#7f7f7f", linestyle=":", label=f"goal: {FALSE_PER_FACE}")
        for number, size in enumerate(found["register_sizes"]["sizes"]):
            points = [(at, row["false_candidates"][str(size)]["above"]) for at, row in enumerate(rows)]
            known = [(at, above) for at, above in points if above["value"]]
            values = np.array([above["value"] for _, above in known])
            ends = np.array([above["interval"] for _, above in known], np.float64).reshape(-1, 2)
            axes.errorbar(
                [at + 0.06 * number for at, _ in known],
                values,
                yerr=np.abs(ends - values[:, None]).T,
                capsize=3,
                color=_COLOURS[(number + 1) % len(_COLOURS)],
                label=f"register of {size}",
            )
        axes.legend(loc="upper right", frameon=False)
    return written.getvalue()


def search_svg(title: str, found: Mapping[str, Any]) -> str:
    """Link's time a face and the bare product's, by the number of stored faces."""
    sizes = [int(size) for size in found["sizes"]]
    with _figure(title) as (axes, written):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("faces stored")
        axes.set_ylabel("milliseconds a new face, in batches of 64")
        labels = {"link": "link's own work", "product": "one float32 product"}
        for colour, (name, label) in zip(_COLOURS[1:], labels.items(), strict=False):
            axes.plot(sizes, [row[name]["ms"] for row in found["sizes"].values()], "o-", color=colour, label=label)
        axes.legend(loc="upper left", frameon=False)
    return written.getvalue()


@contextmanager
def _figure(title: str) -> Generator[tuple[Any, io.StringIO]]:
    """Axes, and the text that the SVG is written to at the end: the same for the same input."""
    matplotlib: Any = importlib.import_module("matplotlib")  # slow to import, and only a plot needs it
    figure: Any = importlib.import_module("matplotlib.figure").Figure(figsize=(9, 7), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, parse_math=False)
    axes.grid(color="#dddddd")
    written = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "redthread"}):
        yield axes, written
        figure.savefig(written, format="svg", metadata={"Date": None})
