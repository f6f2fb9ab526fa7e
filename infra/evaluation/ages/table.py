"""What `bench accuracy --ages` prints for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from graph.domain.calibration import FALSE_PER_FACE
from infra.evaluation.cells import number, percent, table, with_interval


def show_ages(out: Console, found: Mapping[str, Any]) -> None:
    """Prints the object of `bench accuracy --ages --json`, shares as percentages with their 95 % intervals."""
    half = f", half {found['half']}" if found["half"] else ""
    out.print(
        f"{found['pictures']} pictures of {found['people']} people{half}, {found['register']} faces in the largest "
        f"register: {found['no_face']} pictures without a face, {found['too_poor']} with one too poor to compare, "
        f"{found['unnamed']} files whose name tells no age"
    )
    _show_pairs(out, found)
    _show_register(out, found["register_sizes"])
    _show_groups(out, found["groups"])
    for row in found["victims"]:
        shown = table(
            f"A victim's picture found by the others to 18 years, but those up to {row['years_gone']} years around it "
            f"({row['pictures']} pictures, {row['people']} people)",
            "score",
            "first",
            "at FAR 0.001",
        )
        for name, rates in row["ways"].items():
            shown.add_row(name, _rate(rates["rank1"]), _rate(rates["tar_at_far"]))
        out.print(shown)


def _show_pairs(out: Console, found: Mapping[str, Any]) -> None:
    fars = list(found["pairs"][0]["tar_at_far"])
    shown = table(
        "Both of one age; one person at most 5 years apart",
        "ages",
        "strangers",
        "above the floor",
        "one person",
        *(f"TAR at FAR {far}" for far in fars),
    )
    for row in found["pairs"]:
        ends = row["intervals"]
        shown.add_row(
            row["ages"],
            str(row["strangers"]),
            _with_interval(row["strangers_above_floor"], ends["strangers_above_floor"]),
            str(row["mates"]),
            *(_with_interval(row["tar_at_far"][far], ends["tar_at_far"][far]) for far in fars),
        )
    out.print(shown)
    one = found["one_threshold"]
    names = {
        "children": "children to 12, at most 5 years apart, accepted",
        "small_strangers": "strangers both to 8 accepted",
        "adult_strangers": "adult strangers accepted",
    }
    shares = "; ".join(f"{name} {_with_interval(one[key], one['intervals'][key])}" for key, name in names.items())
    out.print(f"at one threshold, where one stranger of all in a thousand is accepted: {shares}")
    gaps = list(dict.fromkeys(row["gap"] for row in found["by_gap"]))
    shown = table("One person above the floor, by the years between", "younger at", *gaps)
    for band in dict.fromkeys(row["younger"] for row in found["by_gap"]):
        rows = {row["gap"]: row for row in found["by_gap"] if row["younger"] == band}
        shown.add_row(band, *(_with_interval(rows[gap]["above_floor"], rows[gap]["interval"]) for gap in gaps))
    out.print(shown)


def _show_register(out: Console, found: Mapping[str, Any]) -> None:
    sizes = [str(size) for size in found["sizes"]]
    shown = table(
        f"False candidates a new face, and those within the caps; goal {FALSE_PER_FACE}",
        "ages",
        *sizes,
        *(f"{size}, capped" for size in sizes),
        "rank 1",
    )
    for row in found["bands"]:
        false = row["false_candidates"]
        shown.add_row(
            row["ages"],
            *(number(false[size]["above"]) for size in sizes),
            *(number(false[size]["proposed"]) for size in sizes),
            _rate(row["rank1"]),
        )
    out.print(shown)
    columns = [(row["among"], row["years"], row["strangers"]) for row in found["bands"][0]["in_places"]]
    for among in dict.fromkeys(among for among, _, _ in columns):
        chosen = [column for column in columns if column[0] == among]
        shown = table(
            f"One person's pictures within the ten places, among so many strangers of {among}",
            "ages",
            *(f"{years} years, {strangers}" for _, years, strangers in chosen),
        )
        for row in found["bands"]:
            places = {(each["among"], each["years"], each["strangers"]): each for each in row["in_places"]}
            shown.add_row(row["ages"], *(_rate(places[column]) for column in chosen))
        out.print(shown)


def _show_groups(out: Console, found: list[Mapping[str, Any]]) -> None:
    shown = table(
        "Groups of a case with all pictures of one age",
        "ages",
        "pairs in groups",
        "strangers per 1,000",
        "of all strangers",
        "of one person's",
    )
    for row in found:
        low, high = row["interval"]
        known = row["strangers_per_1000"] is not None
        shown.add_row(
            row["ages"],
            f"{row['pairs']:.0f}",
            f"{row['strangers_per_1000']:.1f} ({low:.1f} to {high:.1f})" if known else "-",
            _percent(row["of_strangers"]),
            _percent(row["of_mates"]),
        )
    out.print(shown)


def _percent(rate: float | None) -> str:
    return percent(rate, 1)


def _with_interval(rate: float | None, ends: Sequence[float | None]) -> str:
    return with_interval(rate, ends, 1)


def _rate(found: Mapping[str, Any]) -> str:
    return _with_interval(found["value"], found["interval"])
