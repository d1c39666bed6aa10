"""Who may call, as the description says it: by what a route's own dependencies let in."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.dependencies.models import Dependant

from api.accounts.on_behalf import HEADER as ON_BEHALF_OF
from api.accounts.reach import OPENED_BY_PASS
from api.deps import ROLES
from rules.enums import Role

BEARER, BESIDE = "HTTPBearer", "APIKeyHeader"
_WITH_TOKEN: list[dict[str, list[str]]] = [{BEARER: []}, {BEARER: [], BESIDE: []}]
_CALLED = {
    Role.BOOKING_SITE: "the booking site by its key alone",
    Role.CLIENT: "clients",
    Role.THERAPIST: "therapists",
    Role.CARE_TEAM: "the care team",
    Role.ADMIN: "admins",
}


def roles_let_in(dependant: Dependant) -> Sequence[Role] | None:
    """The roles that a route lets in; empty for everybody, None where the route itself asks nobody."""
    found: list[Sequence[Role]] = [
        call.__dict__[ROLES] for call in _calls_of(dependant) if ROLES in getattr(call, "__dict__", {})
    ]
    return max(found, key=len) if found and all(found) else (() if found else None)


def security_of(roles: Sequence[Role] | None) -> list[dict[str, list[str]]]:
    """By what a caller shows who they are: nothing at all, a token, or a token beside a program's key."""
    if roles is None:
        return []
    return _WITH_TOKEN if roles else [{}, *_WITH_TOKEN]


def sentence_about(call: str, roles: Sequence[Role] | None) -> str:
    """For whom a call such as ``GET /v1/me`` is, in a sentence."""
    if roles is None:
        return "For everybody: no token is asked for."
    if not roles:
        return "For everybody; who has a token is answered as themselves."
    names = [_CALLED[role] for role in Role if role in roles]
    sentence = "For " + (names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}")
    by_pass = f"; a client's pass in `{ON_BEHALF_OF}` opens it" if call in OPENED_BY_PASS else ""
    return f"{sentence}{by_pass}."


def _calls_of(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from _calls_of(below)
