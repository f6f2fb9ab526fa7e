"""Rewrites an official model file so that ONNX Runtime computes the same bits in less time."""

import importlib
from pathlib import Path
from typing import Any, Final

import numpy as np

RECIPE: Final = 2
"""Part of a prepared file's name: increase it with every change of the bytes written here, so that the folder of an
older release is prepared again."""


def prepared_model(source: Path, free_dimensions: dict[int, str]) -> bytes:
    """The model at `source` with these input dimensions free, weights as constants, and fast PRelus.

    Constant weights are folded when the model is loaded, which makes it a third faster.
    """
    onnx: Any = importlib.import_module("onnx")  # here: slow to import, and needed once per model folder
    model = onnx.load(str(source))
    graph = model.graph
    weights = {weight.name for weight in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    for position, name in free_dimensions.items():
        graph.input[0].type.tensor_type.shape.dim[position].dim_param = name
    if free_dimensions:
        del graph.value_info[:]  # shapes written down for the one fixed size
        for output in graph.output:
            output.type.tensor_type.shape.dim[1].dim_param = f"cells_{output.name}"
    _split_prelus(graph, onnx.helper, onnx.numpy_helper)
    return model.SerializeToString()


def _split_prelus(graph: Any, helper: Any, numpy_helper: Any) -> None:
    """Writes each PRelu between convolutions as `relu(x) - slope * relu(-x)`.

    One of the two terms is always zero, so the sum rounds nothing and the bits are those of PRelu. ONNX Runtime's PRelu
    kernel takes two thirds of the recogniser's time and needs the plain tensor layout; Relu, Mul and Add also work on
    the blocked layout of the convolutions around them, so nothing is reordered. Elsewhere PRelu stays: a batch
    normalisation behind it would be computed in the blocked layout too, and round differently.

    Compared with PRelu on x86 with AVX, AVX2 and AVX-512; on arm64 under emulation (NEON; and SVE with bfloat16).
    """
    constants = {constant.name: constant for constant in graph.initializer}
    nodes: list[Any] = []
    for node in graph.node:
        users = {user.op_type for user in graph.node if node.output[0] in user.input}
        if node.op_type != "PRelu" or users != {"Conv"}:
            nodes.append(node)
            continue
        (x, slope), y = node.input, node.output[0]
        values = numpy_helper.to_array(constants[slope])
        graph.initializer.append(numpy_helper.from_array(-values, f"{y}_minus_slope"))
        graph.initializer.append(numpy_helper.from_array(np.full_like(values, -1), f"{y}_minus_one"))
        nodes += [
            helper.make_node("Relu", [x], [f"{y}_positive"]),
            helper.make_node("Mul", [x, f"{y}_minus_one"], [f"{y}_minus_x"]),
            helper.make_node("Relu", [f"{y}_minus_x"], [f"{y}_negative"]),
            helper.make_node("Mul", [f"{y}_negative", f"{y}_minus_slope"], [f"{y}_scaled"]),
            helper.make_node("Add", [f"{y}_positive", f"{y}_scaled"], [y]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
