"""Erasures over the wire: one subject and a reason in, a receipt out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from api import examples
from api.limits import VICTIM_ID_MAX
from api.wire import Stated, WireIn, WireOut
from graph.actions.decide.erase import Kind
from graph.store.session import Row

Named = Annotated[str, StringConstraints(min_length=1, max_length=VICTIM_ID_MAX)]


class ErasureIn(WireIn):
    """What must be forgotten, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ERASURE]})

    subject: Annotated[dict[Kind, Named], Field(min_length=1, max_length=1)] = Field(
        description="exactly one of them; of a victim all faces that show it"
    )
    reason: Stated

    def named(self) -> tuple[Kind, str]:
        ((kind, subject),) = self.subject.items()
        return kind, subject


class ErasureAskedOut(WireOut):
    erasure_id: str
    state: Literal["asked"] = "asked"


class ErasureOut(WireOut):
    """A receipt; `waiting` counts what is hidden and not erased yet, of `subjects` in all."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ERASURE_RECEIPT]})

    erasure_id: str
    state: Literal["asked", "done"]
    subject: dict[Kind, str]
    subjects: int
    waiting: int
    reason: str
    by: str
    at: str
    done_at: str | None

    @classmethod
    def from_request(cls, request: Row) -> ErasureOut:
        return cls.model_validate(
            {**{name: request[name] for name in ("erasure_id", "state", "reason", "by", "at", "done_at")},
             "subject": {request["kind"]: request["subject"]}, "subjects": len(request["subjects"]),
             "waiting": len(request["waiting"])}
        )  # fmt: skip
