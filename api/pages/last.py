"""What the next page tells of the last decision, where no script does: kept in the browser, not in the address.

An address could be sent to somebody, whose page would then offer to take back a decision that was never theirs.
"""

from typing import Final, NamedTuple

from fastapi import Request
from starlette.responses import Response

from api.deps import Services
from api.pages import gate

COOKIE: Final = "redthread-last"
KEPT_S: Final = 60
LENGTH_MAX: Final = 500


class LastDecision(NamedTuple):
    """A decision with the act and the link that it is about; empty texts where there is none."""

    decision: str = ""
    act: str = ""
    link: str = ""


def keep(answer: Response, services: Services, last: LastDecision) -> Response:
    """The answer, with which the browser keeps the decision until the next page."""
    gate.set_secret(answer, services, COOKIE, "~".join(last), seconds=KEPT_S)
    return answer


def kept(request: Request, services: Services) -> LastDecision:
    """The decision that the browser kept."""
    parts = gate.secret(services, request.cookies, COOKIE)[:LENGTH_MAX].split("~")
    return LastDecision(*parts) if len(parts) == len(LastDecision._fields) else LastDecision()


def forget(answer: Response, services: Services) -> Response:
    """The answer, with which the browser forgets the decision: it is told once."""
    gate.drop_secret(answer, services, COOKIE)
    return answer
