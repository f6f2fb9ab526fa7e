"""A prepared model gives the same bits as its source, only sooner."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from streams.faces.detect import Detector
from streams.faces.embed import Embedder, align
from streams.faces.geometry import Pixels
from streams.faces.models import ModelFiles, ensure_models
from streams.faces.prepare import RECIPE, prepared_model
from streams.faces.runtime import open_session
from tests.support.factories_models import plain_recogniser
from tests.support.factories_pictures import astronaut

_helper: Any = helper
_SLOPES = np.linspace(-0.7, 1.3, 16, dtype=np.float32)[:, None, None]
_RECIPE_GIVES = {
    "face_detection_yunet_2023mar.onnx": "5a7616f989621786",
    "face_recognition_sface_2021dec.onnx": "9793523b44772af2",
}


@pytest.fixture(scope="module")
def plain(models: ModelFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain_recogniser(models, tmp_path_factory.mktemp("plain"))


def test_another_preparation_has_another_recipe(models: ModelFiles, tmp_path: Path) -> None:
    """Whoever changes the preparation, or the onnx library that writes it, raises RECIPE and sets these digests."""
    for name in _RECIPE_GIVES:
        shutil.copy(models.detector.parent / name, tmp_path)

    files = ensure_models(tmp_path)

    found = {
        path.name.removeprefix(f"prepared-{RECIPE}-"): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in (files.detector, files.recogniser)
    }
    assert (RECIPE, found) == (2, _RECIPE_GIVES)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 255), (100, 130), (-1e4, 1e4)])
def test_the_recogniser_gives_the_bits_that_it_gave_with_its_prelus(
    models: ModelFiles, plain: Path, low: float, high: float
) -> None:
    before, now = open_session(plain, 1), open_session(models.recogniser, 1)

    for data in np.random.default_rng(16).uniform(low, high, (4, 1, 3, 112, 112)).astype(np.float32):
        expected, found = (session.run(None, {"data": data})[0] for session in (before, now))
        assert found.tobytes() == expected.tobytes()


def test_a_face_keeps_its_vector_bit_for_bit(models: ModelFiles, plain: Path) -> None:
    person: Pixels = np.ascontiguousarray(np.asarray(astronaut())[:, :, ::-1])
    [face] = Detector(models.detector).detect(person)
    crops = [align(picture, face.landmarks) for picture in (person, person // 3, 255 - person, np.zeros_like(person))]

    (expected, _), (found, _) = (Embedder(path).embed(crops) for path in (plain, models.recogniser))

    assert found.tobytes() == expected.tobytes()


def test_prelus_between_convolutions_are_split_and_others_are_not(tmp_path: Path) -> None:
    """Slopes below zero, zero to one, and above one; the last PRelu, before a normalisation, stays."""
    source = _network(tmp_path / "source.onnx")
    (tmp_path / "prepared.onnx").write_bytes(prepared_model(source, {}))
    prepared = onnx.load(str(tmp_path / "prepared.onnx"))

    assert _kinds(prepared) == ["Conv", "Relu", "Mul", "Relu", "Mul", "Add", "Conv", "PRelu", "BatchNormalization"]
    sessions = [open_session(path, 1) for path in (source, tmp_path / "prepared.onnx")]
    draw = np.random.default_rng(3)
    for data in [*draw.standard_normal((20, 1, 3, 14, 14)), np.zeros((1, 3, 14, 14)), np.full((1, 3, 14, 14), 1e30)]:
        expected, found = (session.run(None, {"data": data.astype(np.float32)})[0] for session in sessions)
        assert found.tobytes() == expected.tobytes()


def _kinds(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


def _network(path: Path) -> Path:
    """Convolution, PRelu, convolution, PRelu, normalisation, with drawn weights."""
    draw = np.random.default_rng(2)
    values = {
        "w1": draw.standard_normal((16, 3, 3, 3)),
        "w2": draw.standard_normal((16, 16, 3, 3)),
        "slope": _SLOPES,
        "scale": draw.uniform(0.5, 2, 16),
        "shift": draw.standard_normal(16),
        "mean": draw.standard_normal(16),
        "variance": draw.uniform(0.5, 2, 16),
    }
    steps: Sequence[tuple[str, list[str], str]] = [
        ("Conv", ["data", "w1"], "a"),
        ("PRelu", ["a", "slope"], "b"),
        ("Conv", ["b", "w2"], "c"),
        ("PRelu", ["c", "slope"], "d"),
        ("BatchNormalization", ["d", "scale", "shift", "mean", "variance"], "out"),
    ]
    graph = _helper.make_graph(
        [_helper.make_node(kind, inputs, [output]) for kind, inputs, output in steps],
        "network",
        [_helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 14, 14])],
        [_helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 16, 10, 10])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()],
    )
    model = _helper.make_model(graph, opset_imports=[_helper.make_opsetid("", 11)])
    model.ir_version = 6
    onnx.save(model, str(path))
    return path
