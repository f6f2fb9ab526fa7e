"""Recognisers of model packs: folders of ONNX files as InsightFace publishes them, installed by a licence holder.

Only the recogniser of a pack is used. Faces are always detected by YuNet, so a face has the same id and alignment, and
people's decisions about it remain valid, whichever model embeds it.
"""

import importlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from graph.domain.errors import RedthreadError
from streams.faces.models import ALIGNED_SIDE, MODEL_ID, ModelFiles, ensure_models, file_sha256

LICENCE: Final = (
    "InsightFace's published weights are for NON-COMMERCIAL RESEARCH ONLY: use such a model pack in operations only "
    "with a licence of your own"
)
_OTHERS: Final = re.compile(r"(det_|scrfd|2d106|1k3d68|genderage|inswapper)", re.IGNORECASE)
"""Beginnings of the pack's other files: detectors, landmarks, sex and age, face swapping. None of them is loaded."""
_HASH_DIGITS: Final = 12


class BadPack(RedthreadError):
    """The folder is no model pack with exactly one usable recogniser."""

    code = "bad_model_pack"


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A recogniser's file, and its model id: the names of pack and file, and twelve digits of the SHA-256."""

    path: Path
    model_id: str


def chosen_models(folder: Path, pack: Path | None) -> ModelFiles:
    """The files to load: the detector in `folder`, and the recogniser there or in the pack.

    Raises ModelsUnavailable or BadPack.
    """
    files = ensure_models(folder)
    if pack is None:
        return files
    found = read_pack(pack)
    return replace(files, recogniser=found.path, model_id=found.model_id)


def chosen_model(pack: Path | None) -> str:
    """The id of the model that this setting selects. Raises BadPack."""
    return MODEL_ID if pack is None else read_pack(pack).model_id


def read_pack(folder: Path) -> Recogniser:
    """The one recogniser of a pack, checked to turn an aligned face into one vector. Raises BadPack."""
    folder = folder.expanduser().absolute()
    try:
        files = sorted(folder.glob("*.onnx"))
        found = [file for file in files if not _OTHERS.match(file.name)]
        if not found:
            what = "no recogniser (w600k_*.onnx or the like) among its .onnx files" if files else "no .onnx files"
            raise BadPack(f"The model pack {folder} has {what}: name the folder that they lie in.")
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise BadPack(f"The model pack {folder} has several recognisers ({names}): leave one of them there.")
        _check(found[0])
        model_id = "-".join(map(_named, (folder.name, found[0].stem)))
        return Recogniser(found[0], f"{model_id}-{file_sha256(found[0])[:_HASH_DIGITS]}")
    except OSError as failure:
        raise BadPack(f"The model pack {folder} cannot be read ({failure.strerror}).") from failure


def _check(file: Path) -> None:
    runtime: Any = importlib.import_module("streams.faces.runtime")  # here: slow to import, and most use no pack
    try:
        session = runtime.open_session(file, 1)
    except Exception as error:  # onnxruntime raises many kinds; all say that it is no model
        raise BadPack(f"{file} is no ONNX model that can be loaded ({type(error).__name__}).") from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    takes = [list(entry.shape) for entry in inputs]
    gives = [list(entry.shape) for entry in outputs]
    if [shape[1:] for shape in takes] != [[3, ALIGNED_SIDE, ALIGNED_SIDE]] or not _is_vector(gives):
        raise BadPack(
            f"{file} is no recogniser: it takes {takes} and gives {gives}, a recogniser takes one face of "
            f"{ALIGNED_SIDE} by {ALIGNED_SIDE} pixels and gives one vector."
        )


def _is_vector(gives: list[list[Any]]) -> bool:
    return len(gives) == 1 and len(gives[0]) == 2 and isinstance(gives[0][1], int)


def _named(text: str) -> str:
    """A name as part of an id: lower case letters, digits, dot, underscore and hyphen."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-") or "pack"
