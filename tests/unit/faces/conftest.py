"""The real model files: they are downloaded once, verified, and kept in the user's cache folder."""

import pytest

from streams.faces.find import FaceFinder
from streams.faces.models import ModelFiles


@pytest.fixture(scope="session")
def finder(models: ModelFiles) -> FaceFinder:
    return FaceFinder(models)
