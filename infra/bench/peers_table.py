"""What `bench peers` prints for people."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from infra.bench.peers_found import FAR
from infra.bench.tables import show_pipeline


def show_peers(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench peers --json`."""
    out.print(
        f"{found['pictures']} pictures of {found['people']} people, {found['same_pairs']} pairs of one person and "
        f"{found['different_pairs']} of two; {found['processes']} processes of one thread each"
    )
    titles = ("pictures/s", "CPU ms a picture", "pictures with a face", "faces", *(f"recall at {far}" for far in FAR))
    table = Table("", *titles, "ours/peer", "by CPU", "", box=None)
    _row(table, "redthread", found["ours"])
    for name, row in found["peers"].items():
        if "pictures_per_s" in row:
            _row(table, name, row)
    out.print(table)
    for name, row in found["peers"].items():
        for reason in row.values() if "pictures_per_s" not in row else ():
            out.print(f"{name} is not among them: {reason}", markup=False)
    show_pipeline(out, found["pipeline"])


def _row(table: Table, name: str, row: dict[str, Any]) -> None:
    keys = ("pictures_per_s", "cpu_ms_a_picture", "pictures_with_face", "faces")
    recall = ["-" if row["recall"][far] is None else f"{row['recall'][far]:.3f}" for far in FAR]
    ratios = [str(row.get(key, "")) for key in ("ours_in_peer", "cpu_ours_in_peer", "note")]
    table.add_row(name, *(str(row[key]) for key in keys), *recall, *ratios)
