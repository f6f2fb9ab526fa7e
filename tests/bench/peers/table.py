"""What `bench peers` prints for people."""

from typing import Any

from rich.console import Console
from rich.table import Column, Table

from tests.bench.peers.found import FAR
from tests.bench.tables import show_pipeline


def show_peers(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench peers --json`."""
    out.print(
        f"{found['pictures']} pictures of {found['people']} people, {found['same_pairs']} pairs of one person and "
        f"{found['different_pairs']} of two; {found['processes']} processes of one thread each: pictures a second, "
        "processor ms a picture, pictures with a face, faces, recall at false-accept rates, and our speed in theirs"
    )
    titles = ("per s", "CPU ms", "face in", "faces", *(f"at {float(far):g}" for far in FAR), "ours/its", "by CPU")
    table = Table(Column(no_wrap=True), *titles, box=None)
    _row(table, "redthread", found["ours"])
    measured = {name: row for name, row in found["peers"].items() if "pictures_per_s" in row}
    for name, row in measured.items():
        _row(table, name, row)
    out.print(table)
    for name, row in found["peers"].items():
        why = [row["note"]] if name in measured else [f"left out: {reason}" for reason in row.values()]
        for line in filter(None, why):
            out.print(f"{name}: {line}", markup=False)
    show_pipeline(out, found["pipeline"])


def _row(table: Table, name: str, row: dict[str, Any]) -> None:
    keys = ("pictures_per_s", "cpu_ms_a_picture", "pictures_with_face", "faces")
    recall = ["-" if row["recall"][far] is None else f"{row['recall'][far]:.3f}" for far in FAR]
    ratios = [str(row.get(key, "")) for key in ("ours_in_peer", "cpu_ours_in_peer")]
    table.add_row(name, *(str(row[key]) for key in keys), *recall, *ratios)
