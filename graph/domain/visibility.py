"""What a person may see of a link, of its score and reasons, and of a face. Pure: graph rows in, visible objects out.

`graph.domain.people` says who may act in which district. This module masks what lies partly elsewhere: of a face in
another district a person sees the id, the district and the duty contact, and nothing else until a link to it is
approved. A link's score and reasons are sealed until the person has decided the link. The exceptions are listed in
`infra/docs/investigators.md`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from graph.domain.capture_time import Dates, Gap, gap_between
from graph.domain.link import AWAITS_VERDICT, REOPENED, Decision, LinkAct, SecondDecision, State
from graph.domain.people import Maker, Permission, Person, Role, display_name, may, same_person

Row = dict[str, Any]
"""One record of a statement in `graph.store.queries`."""

UNSEALING: Final = frozenset({Decision.CONFIRMED.value, Decision.DISMISSED.value, SecondDecision.APPROVED.value})
"""Decisions after which a person sees score and reasons. *Unsure*, *returned* and a reopening are not among them: who
makes one of these can still judge blind."""
MACHINE: Final = "machine"


@dataclass(frozen=True, slots=True)
class VisibleEndpoint:
    """One face of a link as a person may see it; of a hidden or `erased` one only id, district and contact."""

    face_id: str
    media_id: str | None
    case_ids: tuple[str, ...]
    box: tuple[int, ...] | None
    quality: float | None
    district: str | None
    contact: str | None
    erased: bool = False
    more_similar: int | None = None
    """Number of equally similar faces that the caps cut; None where the face is hidden or nobody counted."""


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """One act on a link; `by` as `display_name` gives it, `reasons` and `text` None while they could sway the reader.

    `blind`: the person had seen neither score nor reasons of the link before; None for a reopening.
    """

    verdict_id: str
    by: str
    at: str
    decision: str
    reasons: tuple[str, ...] | None
    text: str | None
    supersedes: str | None
    blind: bool | None = None


@dataclass(frozen=True, slots=True)
class VisibleLink:
    """A link as one person may see it; the machine's measurements are None until that person has decided it."""

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
    a: VisibleEndpoint
    b: VisibleEndpoint
    gap: Gap | None = None
    history: tuple[PastVerdict, ...] = ()
    face_ids: tuple[str, ...] = ()
    """Its two faces and, in an answer about this one link, the faces of their victims that the person may know."""


def may_see_case(viewer: Person, case: Row) -> bool:
    """Whether the person may see a case; the row has its `district`."""
    return may(viewer, Permission.SEE, [case["district"]])


def may_see_link(viewer: Person, row: Row) -> bool:
    """Whether one of the link's two faces lies in a case that the person may see."""
    return may(viewer, Permission.SEE, (case["district"] for side in (row["a"], row["b"]) for case in side["cases"]))


def may_see_face(viewer: Person, row: Row) -> bool:
    """Whether the person may see the crop of a face, given its row of `queries.read.FACES`.

    True where the face lies in their district, belongs to a link that they see, or was found by a search that they see.
    """
    return may(viewer, Permission.SEE, [*row["districts"], *row["linked"]]) or any(
        may(viewer, Permission.SEE_SEARCH, [search["district"]], made_by=search["by"]) for search in row["returned"]
    )


def visible_endpoint(side: Row, viewer: Person, state: State | None = None) -> VisibleEndpoint:
    """The face as `viewer` may see it; nothing is masked once its link, in `state`, is approved."""
    cases: list[Row] = side["cases"]
    erased, approved = bool(side.get("stub")), state is State.APPROVED
    own = [case for case in cases if may_see_case(viewer, case)]
    first = own[0] if own else min(cases, key=lambda case: (case["district"], case["contact"] or ""), default=None)
    district, contact = (first["district"], first["contact"]) if first else (None, None)
    if cases and not own and not approved:
        return VisibleEndpoint(side["face_id"], None, (), None, None, district, contact, erased)
    return VisibleEndpoint(
        face_id=side["face_id"],
        media_id=side["media_id"],
        case_ids=tuple(case["case_id"] for case in (cases if approved else own) if not erased),
        box=tuple(side["box"]) if side["box"] is not None else None,
        quality=side["quality"],
        district=district,
        contact=contact,
        erased=erased,
        more_similar=side.get("more_similar"),
    )


def visible_gap(a: Row | None, b: Row | None, viewer: Person, state: State | None = None) -> Gap | None:
    """The years between two pictures, given their dates, as far as `viewer` may know them."""
    return gap_between(
        Dates.of(a), Dates.of(b), lambda district: state is State.APPROVED or may(viewer, Permission.SEE, [district])
    )


def has_unsealed(viewer: Person, acts: Iterable[Row]) -> bool:
    """Whether an unsealing decision of the viewer stands; `acts` are all verdicts on the link with their makers."""
    rows = list(acts)
    undone = {row["undoes"] for row in rows}
    return any(
        row["decision"] in UNSEALING and row["verdict_id"] not in undone and same_person(row["by"], viewer.actor)
        for row in rows
    )


def was_shown_score(viewer: Person, history: Iterable[LinkAct]) -> bool:
    """Whether the viewer was ever shown score or reasons of a link.

    True after an unsealing decision of theirs, even one taken back, and once the link was approved, which shows the
    reasons to everybody who sees it.
    """
    return any(
        act.decision == SecondDecision.APPROVED or (act.opened and same_person(act.by, viewer.actor)) for act in history
    )


def visible_history(state: State, unsealed: bool, history: Iterable[Row], viewer: Person) -> tuple[PastVerdict, ...]:
    """The verdicts on a link that a person may read, oldest first.

    All of them for whoever has decided the link, and for everybody once it is approved. None while the link awaits a
    verdict. On a confirmed or dismissed link who decided what, which the state shows anyway, but not why: a second
    person is still to judge it.
    """
    approved = state is State.APPROVED
    if not unsealed and state in AWAITS_VERDICT:
        return ()
    with_reasons = unsealed or approved
    return tuple(
        PastVerdict(
            verdict_id=row["verdict_id"],
            by=display_name(viewer, Maker(row["by"], row["role"], row["district"]), approved=approved),
            at=row["at"],
            decision=row["decision"],
            reasons=tuple(row["reasons"]) if with_reasons else None,
            text=row["text"] if with_reasons else None,
            supersedes=row["supersedes"],
            blind=row["blind"] if row["decision"] != REOPENED else None,
        )
        for row in history
    )


def visible_link(row: Row, viewer: Person, history: Iterable[Row] = ()) -> VisibleLink:
    """The link of a row of `queries.read` whose column `acts` holds all verdicts on it.

    The caller has checked `may_see_link`; the endpoints are masked here.
    """
    link, state, unsealed = row["link"], State(row["link"]["state"]), has_unsealed(viewer, row["acts"])
    sealed: Row = dict.fromkeys(("score", "band", "model_id", "threshold", "by_mean", "score_id"))
    if unsealed:
        sealed = {name: link[name] for name in sealed} | {"by_mean": bool(link["by_mean"])}
    return VisibleLink(
        link_id=link["link_id"],
        state=state,
        version=link["version"],
        proposed_by=_proposer(link, viewer),
        proposed_at=link["proposed_at"],
        **sealed,
        a=visible_endpoint(row["a"], viewer, state),
        b=visible_endpoint(row["b"], viewer, state),
        gap=visible_gap(row["a"].get("dates"), row["b"].get("dates"), viewer, state),
        history=visible_history(state, unsealed, history, viewer),
    )


def poorest_first(quality_a: float | None, quality_b: float | None, link_id: str) -> tuple[float, str]:
    """Sort key of links where scores are sealed: the lower of the two face qualities, then the id.

    Crops are shown, so this order discloses nothing; the hardest pair is judged first.
    """
    return min(-1.0 if quality is None else quality for quality in (quality_a, quality_b)), link_id


def _proposer(link: Row, viewer: Person) -> str:
    if link["proposed_by"] == MACHINE:
        return MACHINE
    maker = Maker(link["proposed_by"], Role.INVESTIGATOR, link["proposed_in"])
    return display_name(viewer, maker, approved=link["state"] == State.APPROVED)
