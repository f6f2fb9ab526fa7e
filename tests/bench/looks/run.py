"""`bench looks`: how many faces are found in poor and large pictures, how many boxes are none, and what it costs."""

import json
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from graph.domain.errors import Invalid
from infra.foreground import scratch_folder
from infra.terminal import announce
from streams.client.folders import read_cases
from streams.faces.geometry import Pixels
from tests.bench.looks.pictures import SIDE, Shown, corners, large, poor

COST_REPEAT = 5
COST_SIZES = ((4000, 3000), (8000, 6000))


@dataclass(frozen=True, slots=True)
class Asked:
    """How many pictures of each kind, how many photographs give corners, and the width of faces in large pictures."""

    pictures: int
    photographs: int
    face_px: int
    seed: int


def measure_looks(root: Path, asked: Asked, models: Path, before: Path | None) -> dict[str, Any]:
    """The object of `bench looks --json`; with the code of another checkout where `before` names one."""
    people = photographs_of(root, max(asked.pictures, asked.photographs), asked.seed)
    few = people[: asked.pictures]
    checkouts = {"now": Path.cwd(), **({"before": before} if before else {})}
    found: dict[str, Any] = {name: {} for name in checkouts}
    for part in ("poor", "corners", "large"):
        announce(part)
        shown = list(
            poor(few, asked.seed)
            if part == "poor"
            else corners(people[: asked.photographs])
            if part == "corners"
            else large(few, asked.face_px, asked.seed)
        )
        for name, checkout in checkouts.items():
            found[name][part] = _counted(shown, _faces(checkout, models, [one.pixels for one in shown], 1))
    announce("cost")
    plain = [(f"{SIDE}x{SIDE}", few[:10]), *((f"{w}x{h}", [_with_face(few[0], w, h)]) for w, h in COST_SIZES)]
    for size, pictures in plain:
        for name, checkout in checkouts.items():
            costs = _faces(checkout, models, pictures, COST_REPEAT)
            cpu_ms = 1000 * sum(one["cpu_s"] for one in costs) / len(costs)
            found[name].setdefault("cpu_ms", {})[size] = round(cpu_ms, 1)
    return found


def photographs_of(root: Path, people: int, seed: int) -> list[Pixels]:
    """One photograph each of so many people of the folder, in seeded order. Raises Invalid where there are fewer."""
    first = {file.case: file.path for file in reversed(read_cases(root, lambda _: None))}
    if len(first) < people:
        raise Invalid(f"the folder has {len(first)} people, {people} are needed")
    chosen = random.Random(seed).sample(sorted(first), people)
    return [np.asarray(cv2.imread(str(first[name]), cv2.IMREAD_COLOR), np.uint8) for name in chosen]


def _with_face(photograph: Pixels, width: int, height: int) -> Pixels:
    return next(one.pixels for one in large([photograph], 75, 1) if one.kind == f"{width}x{height}")


def _faces(checkout: Path, models: Path, pictures: Iterable[Pixels], repeat: int) -> list[dict[str, Any]]:
    """What `child.py` prints, run with the code of this checkout."""
    with scratch_folder("looks") as folder:
        for number, pixels in enumerate(pictures):
            np.save(folder / f"{number:06d}.npy", pixels)
        command = [sys.executable, "-P", str(Path(__file__).with_name("child.py")), str(checkout), str(models)]
        done = subprocess.run([*command, str(folder), str(repeat)], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _counted(shown: Sequence[Shown], found: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """By kind: pictures, true faces, those found, those found more than once, and boxes without a true face."""
    counts: dict[str, dict[str, int]] = {}
    for one, faces in zip(shown, found, strict=True):
        row = counts.setdefault(one.kind, {"pictures": 0, "faces": 0, "found": 0, "twice": 0, "others": 0})
        near = [[_is_near(box, centre, one.near) for box in faces["boxes"]] for centre in one.centres]
        row["pictures"] += 1
        row["faces"] += len(near)
        row["found"] += sum(map(any, near))
        row["twice"] += sum(sum(boxes) > 1 for boxes in near)
        row["others"] += sum(not any(boxes[n] for boxes in near) for n in range(len(faces["boxes"])))
    return counts


def _is_near(box: Sequence[float], centre: tuple[float, float], near: float) -> bool:
    x, y, width, height = box
    return max(abs(x + width / 2 - centre[0]), abs(y + height / 2 - centre[1])) <= near
