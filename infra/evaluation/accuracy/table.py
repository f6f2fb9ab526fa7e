"""What `bench accuracy` prints for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from infra.evaluation.cells import percent, table, with_interval

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
        f"verification accuracy {with_interval(found['accuracy'], intervals['accuracy'])} on {found['same']} same and "
        f"{found['different']} different pairs, five times"
    )
    for far, rate in found["tar_at_far"].items():
        out.print(f"TAR at FAR {far}: {with_interval(rate, intervals['tar_at_far'][far])}")
    every, plain = found["all_pairs"], found["plain"]
    shown = table(
        f"All {every['same']} same and {every['different']} different pairs", "FAR", "TAR", "TAR, one look", "threshold"
    )
    for far, rate in every["tar_at_far"].items():
        shown.add_row(far, percent(rate), percent(plain["tar_at_far"].get(far)), f"{every['thresholds'][far]:.3f}")
    out.print(shown)
    rates = list(every["tar_at_far"])
    shares = list(found["copies"][0]["candidates_of_strangers"])
    shown = table(
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
        shown.add_row(
            row["copy"],
            percent(row["found"]),
            percent(row["too_poor"]),
            *(percent(row["tar_at_far"].get(far)) for far in rates),
            percent(row["plain"]["tar_at_far"].get("0.001")),
            with_interval(gain["mean"], gain["interval"]),
            *(percent(row["candidates_of_strangers"][share]) for share in shares),
        )
    out.print(shown)
    shown = table("The same by the stored quality of the worse picture", "quality", "pairs", *rates)
    for row in found["by_quality"]:
        shares = (percent(row["tar_at_far"].get(far)) for far in rates)
        shown.add_row(row["quality"], str(row["pairs"]), *shares)
    out.print(shown)


def _show_open_set(out: Console, found: Mapping[str, Any], intervals: Mapping[str, Any]) -> None:
    shown = table(
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
        shown.add_row(
            name,
            with_interval(rates["tpir_at_fpir"]["0.01"], ends["tpir_at_fpir"]["0.01"]),
            *(with_interval(rates[rank], ends[rank]) for rank in ("rank1", "rank20")),
        )
    out.print(shown)
    for row in found["by_quality"]:
        rate = percent(row["tpir_at_fpir"]["0.01"])
        out.print(f"stored quality {row['quality']}: {row['searches']} mated searches, TPIR at FPIR 0.01 {rate}")
