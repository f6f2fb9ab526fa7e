"""What `bench accuracy` prints for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

PROVISIONAL = "measured on the pictures of this folder; says nothing of children where it shows adults"


def show_accuracy(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench accuracy --json`, percentages with their 95 % intervals."""
    half = f", half {found['half']}" if found["half"] else ""
    out.print(
        f"{found['pictures']} pictures of {found['people']} people{half}: {found['no_face']} without a face, "
        f"{found['too_poor']} with one too poor to compare; {PROVISIONAL}"
    )
    if "verification" in found:
        _show_verification(out, found["verification"], found["intervals"]["verification"])
    if "open_set" in found:
        _show_open_set(out, found["open_set"], found["intervals"]["open_set"])


def _show_verification(out: Console, found: Mapping[str, Any], intervals: Mapping[str, Any]) -> None:
    out.print(
        f"verification accuracy {_with(found['accuracy'], intervals['accuracy'])} on {found['same']} same and "
        f"{found['different']} different pairs, five times"
    )
    for far, rate in found["tar_at_far"].items():
        out.print(f"TAR at FAR {far}: {_with(rate, intervals['tar_at_far'][far])}")
    every, plain = found["all_pairs"], found["plain"]
    table = _table(
        f"All {every['same']} same and {every['different']} different pairs", "FAR", "TAR", "TAR, one look", "threshold"
    )
    for far, rate in every["tar_at_far"].items():
        table.add_row(far, _percent(rate), _percent(plain["tar_at_far"].get(far)), f"{every['thresholds'][far]:.3f}")
    out.print(table)
    rates = list(every["tar_at_far"])
    shares = list(found["copies"][0]["candidates_of_strangers"])
    table = _table(
        "One picture a worse copy, thresholds as above; both, strangers that are candidates",
        "copy",
        "found",
        "too poor",
        *rates,
        "one look, 0.001",
        "gain",
        *(f"both, {share}" for share in shares),
    )
    for row in found["copies"]:
        gain = row["gain"]
        table.add_row(
            row["copy"],
            _percent(row["found"]),
            _percent(row["too_poor"]),
            *(_percent(row["tar_at_far"].get(far)) for far in rates),
            _percent(row["plain"]["tar_at_far"].get("0.001")),
            _with(gain["mean"], gain["interval"]),
            *(_percent(row["candidates_of_strangers"][share]) for share in shares),
        )
    out.print(table)
    table = _table("The same by the stored quality of the worse picture", "quality", "pairs", *rates)
    for row in found["by_quality"]:
        shares = (_percent(row["tar_at_far"].get(far)) for far in rates)
        table.add_row(row["quality"], str(row["pairs"]), *shares)
    out.print(table)


def _show_open_set(out: Console, found: Mapping[str, Any], intervals: Mapping[str, Any]) -> None:
    table = _table(
        f"Search with {found['on_file']} on file: {found['gallery']} pictures in the gallery, {found['mated']} mated "
        f"and {found['non_mated']} non-mated searches, five splits",
        "a person scores by",
        "TPIR at FPIR 0.01",
        "rank 1",
        "rank 20",
    )
    names = {
        "product": "the better of the next two",
        "max": "the best picture",
        "template": "the mean vector",
        "plain": "the best picture, one look",
    }
    for way, name in names.items():
        rates, ends = found["ways"][way], intervals["ways"][way]
        table.add_row(
            name,
            _with(rates["tpir_at_fpir"]["0.01"], ends["tpir_at_fpir"]["0.01"]),
            *(_with(rates[rank], ends[rank]) for rank in ("rank1", "rank20")),
        )
    out.print(table)
    for row in found["by_quality"]:
        rate = _percent(row["tpir_at_fpir"]["0.01"])
        out.print(f"stored quality {row['quality']}: {row['searches']} mated searches, TPIR at FPIR 0.01 {rate}")


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, box=None, title_justify="left")


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.2%}"


def _with(rate: float | None, ends: list[float | None]) -> str:
    return f"{_percent(rate)} ({_percent(ends[0])} to {_percent(ends[1])})"
