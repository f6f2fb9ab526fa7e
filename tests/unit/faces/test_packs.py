"""A pack's recogniser is used where there is exactly one; whatever else stands in the folder is told in one line."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from streams.faces.embed import Embedder
from streams.faces.models import ModelFiles, file_sha256
from streams.faces.packs import BadPack, chosen_models, read_pack
from tests.support.factories_packs import make_pack, make_recogniser


def test_the_model_id_names_the_pack_the_file_and_its_hash(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "My Pack", dimensions=16)

    found = read_pack(pack)

    assert found.path == pack / "w600k_tiny.onnx"
    assert found.model_id == f"my-pack-w600k_tiny-{file_sha256(found.path)[:12]}"
    assert read_pack(make_pack(tmp_path / "other" / "My Pack", dimensions=16, seed=2)).model_id != found.model_id


def test_the_detector_stays_and_the_vectors_are_the_packs(models: ModelFiles, tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "pack", dimensions=512)

    chosen = chosen_models(models.detector.parent, pack)

    assert (chosen.detector, chosen.detector_id) == (models.detector, models.detector_id)
    embedder = Embedder(chosen.recogniser)
    faces = [np.random.default_rng(n).integers(0, 255, (112, 112, 3)).astype(np.uint8) for n in range(2)]
    vectors, norms = embedder.embed(faces)
    assert (vectors.shape, norms.shape, embedder.dimensions) == ((2, 512), (2,), 512)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert embedder.embed([])[0].shape == (0, 512)
    assert chosen_models(models.detector.parent, None) == models


def test_a_folder_that_is_no_pack_is_refused_in_one_line(tmp_path: Path, models: ModelFiles) -> None:
    def complaint(folder: Path) -> str:
        with pytest.raises(BadPack) as refused:
            read_pack(folder)
        assert "\n" not in refused.value.message
        assert folder.name in refused.value.message
        return refused.value.message

    assert "no .onnx files" in complaint(tmp_path / "absent")
    detector_only = tmp_path / "detector"
    detector_only.mkdir()
    shutil.copy(models.detector, detector_only / "det_10g.onnx")
    assert "no recogniser" in complaint(detector_only)
    several = make_pack(tmp_path / "several")
    make_recogniser(several / "glintr100.onnx", 8)
    assert "glintr100.onnx, w600k_tiny.onnx" in complaint(several)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "w600k_r50.onnx").write_bytes(b"no model")
    assert "no ONNX model" in complaint(broken)
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    shutil.copy(models.detector, wrong / "w600k_r50.onnx")
    assert "is no recogniser" in complaint(wrong)
