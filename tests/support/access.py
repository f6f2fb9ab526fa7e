"""Access to the graph as the API gives it to a person."""

from datetime import datetime

from graph.actions.access import Access, AccessLog
from graph.domain.people import Person
from graph.store.session import Store


def access_of(store: Store, person: Person, at: datetime, purpose: str = "") -> Access:
    """The person's access at that time; each has an access log of its own."""
    return Access(store, AccessLog(store), person, purpose, at)
