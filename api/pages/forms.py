"""Kinds of fields that forms of several pages have."""

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import Form, Query
from pydantic import BeforeValidator


def _words(values: Iterable[str]) -> list[str]:
    return [word for value in values for word in value.split()]


Words = BeforeValidator(_words)
Ids = Annotated[list[str], Words]
"""Ids in one field or several, separated by spaces: a sheet has more faces than a form may have fields."""
BACK_MAX: Final = 2000
Back = Annotated[str, Query(alias="next", max_length=BACK_MAX)]
"""The address of the page that leads here."""
BackField = Annotated[str, Form(max_length=BACK_MAX)]
"""The same, as a field of a form: the page to go on to."""
