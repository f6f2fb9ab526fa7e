"""What the benches print for people, but for `bench accuracy`."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.folders import printable


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


def show_decisions(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench decisions --json`."""
    for title, part in (("the folder", found["sample"]), ("one person", found["one_person"])):
        goal = f" ({part['about_the_person']} about the person, goal at most {part['goal']})" if "goal" in part else ""
        out.print(
            f"{title}: {part['pictures']} pictures, {part['faces']} faces, {part['groups']} groups: "
            f"{part['decisions']} decisions{goal}, {part['decisions_per_1000_faces']} for 1,000 faces; each link on "
            f"its own: {part['links']}, {part['links_per_1000_faces']} for 1,000 faces"
        )
        out.print(
            f"  then {part['joined'] or 0:.2%} of {part['same_pairs']} pairs of one person are one victim, "
            f"{part['victims_of_two']} victims hold two people, refused: {sum(part['refused'].values())}"
        )


def show_review(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench review --json`."""
    out.print(
        f"{found['reviewers']} reviewers for {found['seconds']:.0f} s on {found['faces']} faces and "
        f"{found['candidates']} candidates: {found['verdicts']} verdicts"
    )
    table = Table("operation", "number", "p50 ms", "p99 ms", "longest ms", "p99/p50", box=None)
    for name, told in found["operations"].items():
        table.add_row(name, *(str(told[key]) for key in ("number", "p50_ms", "p99_ms", "longest_ms", "p99_in_p50")))
    out.print(table)
    errors = ", ".join(f"{number} x {name}" for name, number in found["errors"].items()) or "no errors"
    out.print(
        f"{errors}; {found['double_decisions']} double decisions, {found['double_claims']} double claims; "
        f"goal (p99 at most {found['goal']:.0f} times p50, nothing twice, no error): "
        f"{'reached' if found['reached'] else 'missed'}"
    )


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
        "no ages and too few copies: nothing tells crowded places" if crowd is None
        else f"{len(crowd['directions'])} directions tell crowded places"
    )  # fmt: skip


def show_pipeline(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench pipeline --json`."""
    out.print(
        f"{found['media']} media, {found['processes']} processes of one thread on {found['cores']} cores: pipeline "
        f"{found['pipeline_media_per_s']} media/s, bare loop {found['bare_media_per_s']} media/s"
    )
    out.print(f"pipeline_vs_bare {found['pipeline_vs_bare']:.3f} (goal {found['goal']})")
    for title, key in (("bare loop, ms a media", "bare_ms_a_media"),
                       ("system, processor ms a media", "pipeline_cpu_ms_a_media")):  # fmt: skip
        out.print(f"{title}: " + ", ".join(f"{name} {spent}" for name, spent in found[key].items()))


def show_verdicts(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench verdicts --json`."""
    for who, way in (("one person", "one"), (f"{found['writers']} people at once", "many")):
        rate = found[way]
        out.print(f"{who}: {rate['verdicts_per_s']} verdicts/s, p50 {rate['p50_ms']} ms, p95 {rate['p95_ms']} ms")
    out.print(f"ratio {found['ratio']}: the audit's head is taken one at a time; the chain is {found['chain']}")


def show_graph_writes(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench graph-writes --json`."""
    table = Table("records a commit", "rows/s", "bare driver", "ms a commit", "bare driver", "ratio", box=None)
    for name, size in found.items():
        if name.startswith("batch_"):
            ways = [str(size[way][key]) for key in ("rows_per_s", "p50_ms_a_commit") for way in ("ours", "bare")]
            table.add_row(name.removeprefix("batch_"), *ways, f"{size['ours_vs_bare']:.3f}")
    out.print(table)
    out.print(f"goal {found['goal']}; a row is a node or a relationship")


def _name(text: str) -> str:
    return escape(printable(text))
