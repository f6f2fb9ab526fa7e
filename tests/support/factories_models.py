"""Model files of a test's own, made of the official ones."""

from pathlib import Path

import pytest

from streams.faces import prepare
from streams.faces.models import ModelFiles


def plain_recogniser(models: ModelFiles, folder: Path) -> Path:
    """The recogniser with its PRelus left as its authors wrote them: whoever rewrites them must give its bits."""
    official = models.recogniser.parent / "face_recognition_sface_2021dec.onnx"
    if not official.is_file():
        pytest.skip(f"the official file is absent: {official}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "_split_prelus", lambda *_: None)
        data = prepare.prepared_model(official, {})
    assert b"_minus_slope" not in data
    path = folder / "plain.onnx"
    path.write_bytes(data)
    return path
