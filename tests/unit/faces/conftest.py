"""The real model files: they are downloaded once, verified, and kept in the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streams.faces.find import FaceFinder
from streams.faces.models import ModelFiles, ModelsUnavailable, ensure_models


@pytest.fixture(scope="session")
def models() -> ModelFiles:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        return ensure_models(Path(os.environ.get("REDTHREAD_MODELS") or cache / "redthread" / "models"))
    except ModelsUnavailable as absent:
        pytest.skip(absent.message)


@pytest.fixture(scope="session")
def finder(models: ModelFiles) -> FaceFinder:
    return FaceFinder(models)
