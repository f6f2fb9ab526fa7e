"""What is sent is taken as what it is."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from api.routes.acts import SeenIn
from api.routes.queue import ClaimIn


def test_true_is_no_number() -> None:
    """`"version": true` was taken as version 1."""
    with pytest.raises(ValidationError):
        SeenIn.model_validate({"link_id": "0" * 64, "version": True})
    with pytest.raises(ValidationError):
        ClaimIn.model_validate({"n": True})
    assert SeenIn.model_validate({"link_id": "0" * 64, "version": 1}).version == 1
