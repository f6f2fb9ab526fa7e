"""The faces that `bench calibrate` measures come from the product's own code, and its refusals say what to do."""

import json
import threading
from pathlib import Path

import pytest

from infra.evaluation.calibration.labelled import COPIES_EACH, labelled_faces
from streams.client.folders import SourceFile, read_cases
from streams.faces.models import ModelFiles
from tests.support.commands import redthread

_LFW = Path(__file__).resolve().parents[3] / "shared" / "faces" / "lfw"


@pytest.mark.skipif(not _LFW.is_dir(), reason=f"the sample faces are absent: {_LFW}")
def test_each_picture_gives_its_main_face_and_worse_ones_of_the_same_person(models: ModelFiles, tmp_path: Path) -> None:
    files = read_cases(_LFW, print)[:6]
    (tmp_path / "notes.txt").write_text("no picture")
    files.append(SourceFile("notes", "local:notes", "notes.txt", tmp_path / "notes.txt"))

    faces = labelled_faces(files, models, 1, threading.Event())

    assert faces.no_face >= 1, "the notes, and copies that are so bad that no face is seen in them"
    assert len(faces.person) + faces.too_poor + faces.no_face == (1 + COPIES_EACH) * 6 + 1
    assert [files[number].case for number in faces.picture] == [
        list(dict.fromkeys(file.case for file in files))[person] for person in faces.person
    ]
    assert faces.quality[faces.kind > 0].mean() < faces.quality[faces.kind == 0].mean() - 0.01
    again = labelled_faces(files, models, 1, threading.Event())
    assert (again.vectors == faces.vectors).all(), "the same seed makes the same copies"


def test_a_file_that_exists_one_without_a_name_and_too_few_pictures_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "people"
    for name in ("anne", "bodo"):
        (folder / name).mkdir(parents=True)
        (folder / name / "none.jpg").write_bytes(b"")
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps("kept"))

    for options, said in (
        (("--out", kept, "--by", "test"), "exists"),
        (("--out", tmp_path / "new.json"), "--by"),
        ((), "900 pictures"),
    ):
        done = redthread("bench", "calibrate", folder, *options)
        assert done.returncode != 0
        assert said in done.stderr
    assert json.loads(kept.read_text()) == "kept"
    assert not (tmp_path / "new.json").exists()
