"""What `bench links` and `bench calibrate` print for people."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graph.domain.text import printable


def show_links(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench links --json`."""
    out.print(
        f"{found['files']} pictures of {found['people']} people in {found['cases']} cases: {found['faces']} faces, "
        f"{found['no_face']} pictures without one, {found['too_poor']} faces too poor, "
        f"{found['quarantined']} in quarantine"
    )
    goals, proved = found["goals"], found["verification"]
    joined = f"{found['joined_pairs']} of {found['same_pairs']} pairs of one person joined: {found['joined']:.2%}"
    out.print(f"{joined} (goal {goals['joined']:.0%})")
    out.print(
        f"{found['wrong_pairs']} of {found['different_pairs']} pairs of different people proposed: "
        f"{found['wrong_per_1000']:.3f} in 1,000 (goal {goals['wrong_per_1000']:.0f})"
    )
    if proved:
        out.print(
            f"verification accuracy {proved['accuracy']:.4f} +- {proved['deviation']:.4f} on {proved['same']} same and "
            f"{proved['different']} different pairs, threshold {proved['threshold']:.3f} (goal {goals['accuracy']})"
        )
    for title, pairs in (("missed", found["worst"]["missed"]), ("wrong", found["worst"]["wrong"])):
        table = Table("picture", "picture", "score", "", title=f"Worst {title}", box=None, title_justify="left")
        for pair in pairs:
            score = "-" if pair["score"] is None else f"{pair['score']:.3f}"
            table.add_row(_name(pair["a"]), _name(pair["b"]), score, pair.get("why", ""))
        out.print(table)


def show_calibration(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench calibrate --json`."""
    out.print(
        f"{found['people']} people: {found['pictures']} pictures and {found['copies']} degraded copies, "
        f"{found['too_poor']} too poor, {found['no_face']} without a face; {found['same_pairs']} pairs of one person, "
        f"{found['different_pairs']} of different people"
    )
    packaged_one = "" if found["cllr_packaged"] is None else f"; the packaged calibration: {found['cllr_packaged']}"
    out.print(
        f"on people that the fit had not seen: Cllr {found['cllr']}, min Cllr {found['min_cllr']} (cosine alone "
        f"{found['min_cllr_of_cosine']}){packaged_one}"
    )
    table = Table("stated", "observed", "one person", "different", title="log10 LR", box=None, title_justify="left")
    for row in found["reliability"]:
        observed = "-" if row["observed"] is None else f"{row['observed']:.2f}"
        table.add_row(f"{row['stated']:.2f}", observed, str(row["same"]), str(row["different"]))
    out.print(table)
    (measured,) = found["calibration"]["calibrations"]
    points = ", ".join(f"{cosine} at {share:g}" for cosine, share in measured["false_accepts"])
    out.print(f"false accepts: {points}; ratios are capped at 10^{measured['cap']}")
    crowd = measured["score"]["crowd"]
    out.print(
        "no ages and too few copies: nothing tells crowded places"
        if crowd is None
        else f"{len(crowd['directions'])} directions tell crowded places"
    )


def _name(text: str) -> str:
    return escape(printable(text))
