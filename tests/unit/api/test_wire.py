"""What is sent is taken as what it is, and answers have the fields of the domain's dataclasses."""

from dataclasses import dataclass, make_dataclass

import pytest
from pydantic import Field, ValidationError

from api.routes.acts import SeenIn
from api.routes.answers import FoundOut
from api.routes.audit import AuditEntryOut
from api.routes.queue import ClaimIn, ClaimOut
from api.wire import LinkOut, WireOut, fields_of


def test_true_is_no_number() -> None:
    """`"version": true` was taken as version 1."""
    with pytest.raises(ValidationError):
        SeenIn.model_validate({"link_id": "0" * 64, "version": True})
    with pytest.raises(ValidationError):
        ClaimIn.model_validate({"n": True})
    assert SeenIn.model_validate({"link_id": "0" * 64, "version": 1}).version == 1


@dataclass(frozen=True)
class Inner:
    name: str


@dataclass(frozen=True)
class Outer:
    one: Inner | None
    many: tuple[Inner, ...]
    number: int = 0
    secret: str = "hidden"


def test_a_wire_model_has_the_fields_of_its_dataclass_all_required_and_none_that_is_left_out() -> None:
    class InnerOut(fields_of(Inner)):
        pass

    class OuterOut(fields_of(Outer, without=("secret",))):
        number: int = Field(description="how many")

    assert OuterOut.model_json_schema()["required"] == ["one", "many", "number"]
    sent = OuterOut.model_validate(Outer(Inner("a"), (Inner("b"),), 3)).model_dump(mode="json")
    assert sent == {"one": {"name": "a"}, "many": [{"name": "b"}], "number": 3}


def test_a_dataclass_without_a_wire_model_is_in_no_other() -> None:
    @dataclass(frozen=True)
    class Unknown:
        name: str

    with pytest.raises(TypeError, match="no wire model"):
        fields_of(make_dataclass("Holder", [("held", Unknown)]))


@pytest.mark.parametrize(
    ("model", "absent"),
    [(AuditEntryOut, {"salt"}), (ClaimOut, {"seed"}), (FoundOut, {"part", "identified"}), (LinkOut, {"history"})],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_the_wire_must_not_have_is_in_no_model(model: type[WireOut], absent: set[str]) -> None:
    assert absent.isdisjoint(model.model_fields)
