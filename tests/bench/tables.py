"""What the benches print for people."""

from typing import Any

from rich.console import Console
from rich.table import Table


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
    pages = Table("page", "ms", "queries ms", "page/queries", "KiB", box=None)
    for name, told in found["pages"].items():
        pages.add_row(name, *(str(told[key]) for key in ("ms", "queries_ms", "ratio", "kib")))
    out.print(pages)
    if keys := found["keys"]:
        out.print(
            f"from a key to the next picture over {keys['decisions']} decisions: p50 {keys['p50_ms']} ms, p95 "
            f"{keys['p95_ms']} ms, longest {keys['longest_ms']} ms (goal: p95 at most 100)"
        )
    errors = ", ".join(f"{number} x {name}" for name, number in found["errors"].items()) or "no errors"
    out.print(
        f"{errors}; {found['double_decisions']} double decisions, {found['double_claims']} double claims; "
        f"goal (p99 at most {found['goal']:.0f} times p50, nothing twice, no error): "
        f"{'reached' if found['reached'] else 'missed'}"
    )


def show_pipeline(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench pipeline --json`."""
    out.print(
        f"{found['media']} media, {found['processes']} processes of one thread on {found['cores']} cores: pipeline "
        f"{found['pipeline_media_per_s']} media/s, bare loop {found['bare_media_per_s']} media/s"
    )
    out.print(f"pipeline_vs_bare {found['pipeline_vs_bare']:.3f} (goal {found['goal']})")
    for title, key in (
        ("bare loop, ms a media", "bare_ms_a_media"),
        ("system, processor ms a media", "pipeline_cpu_ms_a_media"),
    ):
        out.print(f"{title}: " + ", ".join(f"{name} {spent}" for name, spent in found[key].items()))


def show_fuzz(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench fuzz-decoder --json`."""
    out.print(
        f"{found['mutations']} mutations of {found['kinds']} files: {found['pages']} seen, {found['partial']} in part"
    )
    out.print(", ".join(f"{code} {number}" for code, number in found["codes"].items()))
    out.print(
        f"crashes outside the child {len(found['crashes'])}, hangs {len(found['hangs'])}, "
        f"longest {found['longest_s']} s; peak memory: child {found['child_peak_mib']} MiB of "
        f"{found['child_limit_mib']}, here {found['own_peak_mib']} MiB"
    )
    for each in [*found["crashes"], *found["hangs"]]:
        out.print(f"  mutation {each}")


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


def show_looks(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench looks --json`."""
    for name, measured in found.items():
        table = Table(name, "pictures", "faces", "found", "twice", "others", box=None)
        for part in ("poor", "corners", "large"):
            for kind, row in measured[part].items():
                table.add_row(kind, *(str(row[key]) for key in ("pictures", "faces", "found", "twice", "others")))
        out.print(table)
        out.print(", ".join(f"{size}: {ms} ms of processor a picture" for size, ms in measured["cpu_ms"].items()))
