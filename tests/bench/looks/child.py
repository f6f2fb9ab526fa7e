"""Finds faces in pictures with the code of one checkout: `child.py CHECKOUT MODELS FOLDER REPEAT`, one JSON line each.

Apart from the class names it relies on nothing that an older commit lacks.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main(checkout: str, models: str, folder: str, repeat: str) -> None:
    """Prints for each array in `folder`, by name, the boxes and the least processor seconds of `repeat` searches."""
    sys.path.insert(0, checkout)
    from streams.faces.find import FaceFinder
    from streams.faces.models import ensure_models
    from streams.media.decode import Picture

    finder = FaceFinder(ensure_models(Path(models)), 1)
    for file in sorted(Path(folder).iterdir()):
        bgr = np.load(file)
        picture = Picture(bgr, bgr.shape[1], bgr.shape[0], "image/png", 1, None)
        found: list[Any] = []
        spent: list[float] = []
        for _ in range(int(repeat)):
            begun = time.process_time()
            found = finder.find(picture, "ab" * 32)
            spent.append(time.process_time() - begun)
        print(json.dumps({"boxes": [[float(value) for value in face.box] for face in found], "cpu_s": min(spent)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
