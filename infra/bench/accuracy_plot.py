"""A DET plot as SVG: every browser shows it, and no drawing library has to be installed.

Axes are those of Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997: both
error rates by the quantiles of a normal distribution, so that scores that are normally distributed give a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from statistics import NormalDist

from infra.bench.accuracy_rates import Curve

_SIDE, _MARGIN, _LEGEND = 560, 70, 240
_FALSE = (1e-6, 0.5)
_MISSED = (1e-3, 0.6)
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
"""Okabe and Ito's, told apart by the colour blind."""


def det_svg(title: str, curves: Mapping[str, Curve]) -> str:
    """The picture of named curves."""
    parts = [_text(_MARGIN, 30, title, 16)]
    for tick in _TICKS:
        label = f"{tick:g}"
        if _FALSE[0] <= tick <= _FALSE[1]:
            x = _x(tick)
            parts += [_line(x, _MARGIN, x, _MARGIN + _SIDE), _text(x, _MARGIN + _SIDE + 18, label, 11, "middle")]
        if _MISSED[0] <= tick <= _MISSED[1]:
            y = _y(tick)
            parts += [_line(_MARGIN, y, _MARGIN + _SIDE, y), _text(_MARGIN - 6, y + 4, label, 11, "end")]
    parts.append(_text(_MARGIN + _SIDE / 2, _MARGIN + _SIDE + 42, "different people accepted", 13, "middle"))
    parts.append(_text(_MARGIN, _MARGIN - 12, "one person missed", 13))
    for number, (name, points) in enumerate(curves.items()):
        colour, y = _COLOURS[number % len(_COLOURS)], _MARGIN + 20 * number + 10
        dashes = ' stroke-dasharray="6 4"' if number >= len(_COLOURS) else ""
        path = " ".join(f"{_x(false):.1f},{_y(missed):.1f}" for false, missed in points)
        style = f'fill="none" stroke="{colour}" stroke-width="2"{dashes}'
        parts.append(f'<polyline points="{path}" {style}/>')
        left = _MARGIN + _SIDE + 20
        parts.append(f'<polyline points="{left},{y - 4} {left + 24},{y - 4}" {style}/>')
        parts.append(_text(left + 30, y, name, 12))
    width, height = _SIDE + 2 * _MARGIN + _LEGEND, _SIDE + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _x(false: float) -> float:
    return _MARGIN + _SIDE * _share(false, _FALSE)


def _y(missed: float) -> float:
    return _MARGIN + _SIDE * (1 - _share(missed, _MISSED))


def _share(rate: float, ends: tuple[float, float]) -> float:
    """Where a rate lies between the ends of its axis, 0 to 1; beyond them it lies on the end."""
    low, high = (NormalDist().inv_cdf(end) for end in ends)
    return (NormalDist().inv_cdf(min(max(rate, ends[0]), ends[1])) - low) / (high - low)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def _text(x: float, y: float, text: str, size: int, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{escape(text)}</text>'
