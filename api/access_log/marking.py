"""Test clients are marked wherever they are named: in every view of an answer that has ``test``. Some say whose they
are, too.

A view whose rows know it says so itself. For the others it is asked once for the whole answer, so that no query has to
join the client for it, and no view that names somebody can be forgotten: a test looks at all of them.
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.orm import load_only
from sqlmodel import col, or_, select

from models.database import Sessions
from models.tables.clients.client import Client


class OfClient(BaseModel):
    """A view that names a client, in the field that is ``WHOSE``; ``test`` says whether it is a test client."""

    WHOSE: ClassVar[str] = "client_id"

    test: bool = False


# What is sealed is left where it is: an answer that does not show it has nothing to do with whether it opens.
_NAMES_ALONE = load_only(*(getattr(Client, name) for name in ("id", "ref", "first_name", "last_name", "test")))


class WhoseView(BaseModel):
    """``name``: as the practice knows them now; of somebody who has given none, ``Client`` and the reference."""

    ref: str
    name: str | None


class OfNamedClient(OfClient):
    """``client``: whose it is, for the practice; null where it is about no client."""

    client: WhoseView | None = None


def views_in(answer: object) -> Iterator[BaseModel]:
    """A view, and all the views in it."""
    if isinstance(answer, BaseModel):
        yield answer
        for name in type(answer).model_fields:
            yield from views_in(getattr(answer, name))
    elif isinstance(answer, list):
        for each in answer:
            yield from views_in(each)


def whose_of(view: BaseModel) -> Iterable[UUID]:
    """The ids of the clients whom a view itself names."""
    value = getattr(view, getattr(type(view), "WHOSE", "client_id"), None)
    if isinstance(value, UUID):
        return [value]
    return [each for each in value if isinstance(each, UUID)] if isinstance(value, list) else []


async def mark_test_clients(sessions: Sessions, answer: object) -> None:
    """Say of each view that does not say so yet whether it names a test client, and whose it is where it tells that.
    One statement, or none."""
    unsaid = [view for view in views_in(answer) if isinstance(view, OfClient) and "test" not in view.model_fields_set]
    named = {id for view in unsaid for id in whose_of(view)}
    if not named:
        return
    told = {id for view in unsaid if isinstance(view, OfNamedClient) for id in whose_of(view)}
    async with sessions() as session:
        wanted = select(Client).options(_NAMES_ALONE).where(col(Client.id).in_(named))
        wanted = wanted.where(or_(col(Client.test).is_(True), col(Client.id).in_(told)))
        found = {client.id: client for client in await session.exec(wanted)}
    for view in unsaid:
        whose = [found[id] for id in whose_of(view) if id in found]
        view.test = any(client.test for client in whose)
        if isinstance(view, OfNamedClient) and whose:
            view.client = WhoseView(ref=whose[0].ref, name=whose[0].full_name)
