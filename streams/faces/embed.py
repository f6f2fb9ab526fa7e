"""Embeds aligned faces as unit vectors, with SFace or a pack's recogniser, by insightface's alignment and wrapper."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.utils import face_align

from streams.faces.geometry import Pixels
from streams.faces.models import ALIGNED_SIDE
from streams.faces.runtime import open_session

_face_align: Any = face_align
# Its alignment calls a function that scikit-image has renamed; the lock pins a version that still has it.
warnings.filterwarnings("ignore", category=FutureWarning, module=r"insightface\.utils\.face_align")


def align(bgr: Pixels, landmarks: npt.NDArray[np.float32]) -> Pixels:
    """The face rotated, scaled and moved to the recogniser's template: uint8 (112, 112, 3), BGR."""
    return _face_align.norm_crop(bgr, landmarks, ALIGNED_SIDE)


class Embedder:
    """One recogniser. Stateless, so threads may share it."""

    def __init__(self, model: Path, threads: int = 1) -> None:
        self._recogniser: Any = ArcFaceONNX(str(model), open_session(model, threads))
        self.dimensions: int = self._recogniser.output_shape[-1]

    def embed(self, aligned: Sequence[Pixels]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Unit vectors float32 (n, dimensions) of BGR crops made by `align`, and their norms (n,) before.

        One by one: a batch is no faster on a CPU, and a face's vector must not depend on its neighbours.
        """
        if not aligned:
            return np.zeros((0, self.dimensions), np.float32), np.zeros(0, np.float32)
        raw = np.concatenate([self._recogniser.get_feat(face) for face in aligned]).astype(np.float32, copy=False)
        norms = np.linalg.norm(raw, axis=1)
        return raw / np.maximum(norms, np.finfo(np.float32).tiny)[:, None], norms
