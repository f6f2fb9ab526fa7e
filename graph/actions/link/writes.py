"""What link writes to the graph for one batch of the gallery log."""

from __future__ import annotations

from dataclasses import dataclass, field

from graph.actions.events import Event
from graph.actions.notices import Notice
from graph.store.session import Row


@dataclass(frozen=True, slots=True)
class ProposedLink:
    """A proposed edge from the smaller face id `a` to `b`; `state` is candidate or lead.

    `by_mean`: the score compares one face with the mean of the other one's victim. `score_id` names the calibration
    that made score and threshold of the model's vectors.
    """

    link_id: str
    a: str
    b: str
    state: str
    score: float
    band: str
    model_id: str
    threshold: float
    by_mean: bool
    score_id: str


@dataclass(slots=True)
class GraphWrites:
    """Everything that a batch writes; each list holds rows for one statement of `queries.ingest` or `answers`."""

    first: int
    last: int
    cases: list[Row] = field(default_factory=list[Row])
    media: list[Row] = field(default_factory=list[Row])
    memberships: list[Row] = field(default_factory=list[Row])
    faces: list[Row] = field(default_factory=list[Row])
    updated_media: list[Row] = field(default_factory=list[Row])
    """Stored media that a newer detector has examined, with what it says of them."""
    updated_faces: list[Row] = field(default_factory=list[Row])
    """Stored faces that another detector found too: new crops and places, or its ids of them."""
    marks: list[Row] = field(default_factory=list[Row])
    embeddings: list[Row] = field(default_factory=list[Row])
    graded: list[Row] = field(default_factory=list[Row])
    """Faces that take their quality from one of their embeddings."""
    comparisons: list[Row] = field(default_factory=list[Row])
    uncounted: list[str] = field(default_factory=list[str])
    """Faces left out when all others were compared again: their number of similar faces becomes unknown."""
    links: dict[str, ProposedLink] = field(default_factory=dict[str, ProposedLink])
    victims: list[Row] = field(default_factory=list[Row])
    depicts: list[Row] = field(default_factory=list[Row])
    groups: list[Row] = field(default_factory=list[Row])
    answers: list[Row] = field(default_factory=list[Row])
    answer_parts: dict[tuple[str, int], Row] = field(default_factory=dict[tuple[str, int], Row])
    """Additions to answers, by search and part number; a part that grows within the batch is one row."""
    ended_searches: list[Row] = field(default_factory=list[Row])
    erasures: list[Row] = field(default_factory=list[Row])
    removed_memberships: list[str] = field(default_factory=list[str])
    removed_media: list[str] = field(default_factory=list[str])
    removed_faces: list[str] = field(default_factory=list[str])
    removed_files: list[str] = field(default_factory=list[str])
    """Media ids, or `media/face`: files to delete after the commit, unless the graph refers to them again."""
    removed_links: list[str] = field(default_factory=list[str])
    """Links to remove unless a person has decided on them: their faces may no longer be compared, or only a former
    model proposed them."""
    removed_similar: list[Row] = field(default_factory=list[Row])
    """Pairs of faces, `a` and `b`, whose similarity is no longer listed."""
    new_model: list[Row] = field(default_factory=list[Row])
    """The register's new model, if the batch switches it."""
    notices: list[Notice] = field(default_factory=list[Notice])
    quarantined: list[Row] = field(default_factory=list[Row])
    processed: list[Event] = field(default_factory=list[Event])
    """Events that finished without quarantine; their open quarantine entries are resolved."""
    processed_ce_ids: list[str] = field(default_factory=list[str])
    """The senders' ids of the same events."""
    replays: list[Row] = field(default_factory=list[Row])
