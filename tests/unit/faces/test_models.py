"""Model files are the official ones or none, and the prepared copies compute the same."""

import errno
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from infra.cli.doctor import findings
from infra.settings import Settings
from streams.faces import models as module
from streams.faces.looks import LOOKS_VERSION
from streams.faces.models import ModelFiles, ModelsUnavailable, damaged_models, ensure_models
from streams.faces.prepare import RECIPE
from streams.faces.runtime import open_session

_OFFICIAL = ("face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx")


@pytest.fixture
def folder(models: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two official files put there by hand, on a machine that cannot download."""
    for name in _OFFICIAL:
        shutil.copy(models.detector.parent / name, tmp_path / name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return tmp_path


def test_official_files_copied_by_hand_are_accepted(folder: Path) -> None:
    files = ensure_models(folder)

    assert files.detector_id == f"yunet-2023mar-looks-{LOOKS_VERSION}"
    assert files.model_id == "sface-2021dec-0ba9fbfa01b5"
    assert (files.detector.parent, files.recogniser.parent) == (folder, folder)


def test_a_complete_folder_is_only_read(folder: Path) -> None:
    ensure_models(folder)
    (folder / ".lock").unlink()
    for name in _OFFICIAL:
        (folder / name).unlink()
    before = sorted(folder.iterdir())

    ensure_models(folder)

    assert sorted(folder.iterdir()) == before


def test_a_file_that_is_not_the_official_one_is_never_used(folder: Path) -> None:
    with (folder / _OFFICIAL[1]).open("ab") as file:
        file.write(b"x")

    with pytest.raises(ModelsUnavailable, match="by hand"):
        ensure_models(folder)


def test_a_prepared_file_that_was_changed_is_made_again(folder: Path) -> None:
    prepared = ensure_models(folder).recogniser
    good = prepared.read_bytes()
    prepared.write_bytes(b"x" + good[1:])

    assert ensure_models(folder).recogniser.read_bytes() == good
    record = json.loads(prepared.with_suffix(".json").read_text())
    assert record["source"].startswith("0ba9fbfa01b5")


def test_damaged_files_are_named_and_not_mended(folder: Path) -> None:
    """`doctor` mended a damaged model without a word, and called its hashes those that were published."""
    prepared = ensure_models(folder).recogniser
    assert damaged_models(folder) == []
    (folder / _OFFICIAL[0]).unlink()  # nobody needs it any more
    assert damaged_models(folder) == []
    for path in (prepared, folder / _OFFICIAL[1]):
        path.write_bytes(b"x" + path.read_bytes()[1:])

    assert damaged_models(folder) == [_OFFICIAL[1], prepared.name]
    assert prepared.read_bytes().startswith(b"x")
    (finding,) = [each for each in findings(Settings(models=folder, stack="external")) if each.subject == "models"]
    assert finding.found == f"damaged or absent: {_OFFICIAL[1]}, {prepared.name}"
    assert damaged_models(folder / "none") is None


def test_it_is_prepared_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_models(folder)
    monkeypatch.setattr(module, "prepared_model", lambda *_: pytest.fail("prepared again"))
    ensure_models(folder)


def test_a_folder_that_an_older_release_prepared_is_prepared_for_this_one(folder: Path) -> None:
    """The older release's files are neither used nor touched nor called damaged: they are its own way back."""
    older = [folder / f"prepared-{_OFFICIAL[1]}", folder / "prepared-1-anything.onnx"]
    for path in older:
        path.write_bytes(b"prepared otherwise")
    source = hashlib.sha256((folder / _OFFICIAL[1]).read_bytes()).hexdigest()
    noted = {"source": source, "sha256": hashlib.sha256(b"prepared otherwise").hexdigest()}
    older[0].with_suffix(".json").write_text(json.dumps(noted))

    files = ensure_models(folder)

    assert files.recogniser not in older
    assert open_session(files.recogniser, 1).get_outputs()[0].shape == [1, 128]
    assert [path.read_bytes() for path in older] == [b"prepared otherwise"] * 2
    assert damaged_models(folder) == []


def test_a_read_only_folder_that_an_older_release_prepared_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / f"prepared-{_OFFICIAL[1]}").write_bytes(b"prepared otherwise")
    really_open = Path.open

    def opened(path: Path, mode: str = "r", **options: Any) -> Any:
        if "r" not in mode:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return really_open(path, mode, **options)

    monkeypatch.setattr(Path, "open", opened)

    with pytest.raises(ModelsUnavailable, match=r"prepared for this release \(Read-only.*writable.*REDTHREAD_MODELS"):
        ensure_models(folder)


def test_several_processes_may_prepare_at_once(folder: Path) -> None:
    program = "import sys, pathlib, streams.faces.models as m; m.ensure_models(pathlib.Path(sys.argv[1]))"
    processes = [subprocess.Popen([sys.executable, "-c", program, str(folder)]) for _ in range(3)]

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert sorted(path.name for path in folder.glob("*.onnx")) == sorted(
        [*_OFFICIAL, *(f"prepared-{RECIPE}-{name}" for name in _OFFICIAL)]
    )
    assert not list(folder.glob(".*.onnx*"))


def test_a_folder_that_cannot_be_written_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelsUnavailable, match="REDTHREAD_MODELS"):
        ensure_models(tmp_path / "file")


def test_the_prepared_recogniser_computes_what_the_official_one_does(models: ModelFiles) -> None:
    """The fixed task of preparation is speed; the vectors must not move."""
    runtime: Any = onnxruntime
    official = runtime.InferenceSession(
        str(models.recogniser.parent / _OFFICIAL[1]), providers=["CPUExecutionProvider"]
    )
    prepared = open_session(models.recogniser, 1)
    for seed in range(3):
        data = np.random.default_rng(seed).uniform(0, 255, (1, 3, 112, 112)).astype(np.float32)
        expected, found = (session.run(None, {"data": data})[0] for session in (official, prepared))
        assert np.abs(expected - found).max() < 1e-5
        unit = [vector / np.linalg.norm(vector) for vector in (expected, found)]
        assert np.abs(unit[0] - unit[1]).max() < 2e-6


def test_weights_are_no_inputs_of_the_prepared_models(models: ModelFiles) -> None:
    assert [entry.name for entry in open_session(models.recogniser, 1).get_inputs()] == ["data"]
