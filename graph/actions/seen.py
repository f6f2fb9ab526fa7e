"""What a person sees of cases and links. Pure: rows of the graph in, what may be shown out.

Scores stay hidden from a person until that person has judged the link, and so does the other district's case until the
link is approved: here, so that no route can forget it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graph.actions.visible import Row, Side, side_from
from graph.domain.link import State
from graph.domain.people import Maker, Person, Role, told_name

BLIND_STATES = frozenset({State.LEAD, State.CANDIDATE, State.UNSURE, State.RETURNED})
"""Nobody reads what others said of such a link before judging it too."""

MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """What somebody said, named as `told_name` does; `reasons` and `text` are None while they could sway the reader."""

    verdict_id: str
    by: str
    at: str
    decision: str
    reasons: tuple[str, ...] | None
    text: str | None
    supersedes: str | None


@dataclass(frozen=True, slots=True)
class SeenLink:
    """A link as one person may see it: what the machine measured is None until that person has judged it."""

    link_id: str
    state: State
    version: int
    proposed_by: str
    proposed_at: str
    score: float | None
    band: str | None
    model_id: str | None
    threshold: float | None
    by_mean: bool | None
    score_id: str | None
    a: Side
    b: Side
    history: tuple[PastVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenCase:
    """A case as nodes and edges; `linked` are the other cases that links or shared media lead to."""

    case: Row
    media: list[Row]
    faces: list[Row]
    links: list[SeenLink]
    linked: list[Row]


def visible_history(
    state: State, judged: bool, history: Iterable[Row], viewer: Person
) -> tuple[PastVerdict, ...]:  # fmt: skip
    """What a person may read of the verdicts on a link, oldest first.

    Whoever has judged it reads all. Otherwise nothing while the link waits for a verdict; who decided what once
    it is confirmed, because the state says as much, but not why, because an approval is still to come; and all
    once it is dismissed or approved.
    """
    if not judged and state in BLIND_STATES:
        return ()
    why = judged or state is not State.CONFIRMED
    return tuple(
        PastVerdict(
            row["verdict_id"],
            told_name(viewer, Maker(row["by"], row["role"], row["district"]), approved=state is State.APPROVED),
            row["at"], row["decision"], tuple(row["reasons"]) if why else None,
            row["text"] if why else None, row["supersedes"],
        )
        for row in history
    )  # fmt: skip


def link_from(row: Row, viewer: Person, history: Iterable[Row] = ()) -> SeenLink:
    """The link of one row of `queries.read`, whose column `judged` says whether the viewer has judged it.

    It must be one that the viewer sees (`visible.sees_link`); its sides are masked here.
    """
    link, judged, state = row["link"], row["judged"], State(row["link"]["state"])
    return SeenLink(
        link_id=link["link_id"],
        state=state,
        version=link["version"],
        proposed_by=_proposer(link, viewer),
        proposed_at=link["proposed_at"],
        score=link["score"] if judged else None,
        band=link["band"] if judged else None,
        model_id=link["model_id"] if judged else None,
        threshold=link["threshold"] if judged else None,
        by_mean=bool(link["by_mean"]) if judged else None,
        score_id=link["score_id"] if judged else None,
        a=side_from(row["a"], viewer, state),
        b=side_from(row["b"], viewer, state),
        history=visible_history(state, judged, history, viewer),
    )


def _proposer(link: Row, viewer: Person) -> str:
    if link["proposed_by"] == MACHINE:
        return MACHINE
    maker = Maker(link["proposed_by"], Role.INVESTIGATOR, link["proposed_in"])
    return told_name(viewer, maker, approved=link["state"] == State.APPROVED)
