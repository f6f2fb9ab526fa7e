"""What `bench search` prints for people."""

from typing import Any, Final

from rich.console import Console
from rich.table import Table

AT_LEAST: Final = ("recall", "batch32_vs_faiss_flat_speedup", "int8_vs_float32_speedup")
"""Figures that their goals are the least of; of the others they are the most."""


def show_search(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench search --json`."""
    out.print(f"{found['faces']} faces, batches of {found['batch']}, {found['threads']} processors")
    sizes = Table("faces", "link, ms a face", "product, ms", "link / product", "memory / raw", "recall", box=None)
    for size, row in found["sizes"].items():
        sizes.add_row(
            size,
            f"{row['link']['ms']:.3f}",
            f"{row['product']['ms']:.3f}",
            f"{found['link_vs_product'][size]:.2f}",
            f"{row['memory_vs_raw']:.2f}",
            f"{row['recall']:.4f}",
        )
    out.print(sizes)
    goals = Table("figure", "measured", "goal", box=None)
    for name, goal in found["goals"].items():
        value = found[name][str(found["faces"])] if name == "link_vs_product" else found.get(name)
        told = "not measured" if value is None else f"{value:.3f}"
        goals.add_row(name, told, f"{'at least' if name in AT_LEAST else 'at most'} {goal}")
    out.print(goals)
    if (index := found.get("vector_index")) is not None:
        out.print(
            f"Neo4j's vector index on {index['faces']} faces: recall of the nearest 10 {index['recall_at_10']:.4f}, "
            f"{index['ms_a_query']:.2f} ms a query"
        )
