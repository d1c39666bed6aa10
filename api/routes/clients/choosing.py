"""Clients chosen for one call: named one by one, or by the filter of the list of clients."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictInt

from api.bodies import Body
from api.problems import wrong_fields
from models.reads.clients.clients import ClientFilter
from rules.enums import ClientStatus, Stage


class FilterBody(Body):
    """What ``GET /v1/clients`` takes, and finds whom it lists, on every page. An empty one is all."""

    status: ClientStatus | None = None
    stage: Stage | None = None
    therapist: Annotated[str, Field(max_length=80)] | None = None
    group: UUID | None = None
    q: Annotated[str, Field(max_length=200)] | None = None

    def wanted(self) -> ClientFilter:
        return ClientFilter(**dict(self))


Expected = Annotated[StrictInt, Field(ge=1)]


def must_be_expected(expected: int | None, found: int) -> None:
    """Whoever has read a number and confirmed it means these clients and no others."""
    if expected is not None and expected != found:
        raise wrong_fields([("expected", f"is not how many there are now: {found}")])


def must_be_within(field: str, found: int, most: int) -> None:
    """Between one and the most that one request may be about."""
    if not found:
        raise wrong_fields([(field, "finds no client")])
    if found > most:
        raise wrong_fields([(field, f"finds more than {most} clients; narrow it down")])
