"""Model packs of a test's own: tiny networks that make a vector of an aligned face; no weights of anybody."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 112
COARSE = 8
"""Each network sees a face as 8 x 8 means a colour: alike faces get alike vectors, under any seed."""


def make_pack(folder: Path, *, dimensions: int = 32, seed: int = 1) -> Path:
    """A folder in InsightFace's layout with one recogniser, and a file of another kind that nobody may load."""
    folder.mkdir(parents=True)
    make_recogniser(folder / "w600k_tiny.onnx", dimensions, seed)
    (folder / "det_500m.onnx").write_bytes(b"a detector that is never read")
    return folder


def make_recogniser(file: Path, dimensions: int, seed: int = 1) -> None:
    """A network of the shape of a recogniser: (n, 3, 112, 112) to (n, dimensions), drawn by `seed`."""
    untyped: Any = helper
    weights = np.random.default_rng(seed).standard_normal((3 * COARSE * COARSE, dimensions)).astype(np.float32)
    step = SIDE // COARSE
    graph = untyped.make_graph(
        [
            untyped.make_node("AveragePool", ["data"], ["coarse"], kernel_shape=[step, step], strides=[step, step]),
            untyped.make_node("Flatten", ["coarse"], ["flat"]),
            untyped.make_node("MatMul", ["flat", "weights"], ["vector"]),
        ],
        "tiny",
        [untyped.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [untyped.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", dimensions])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = untyped.make_model(graph, opset_imports=[untyped.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(file))
