"""A record with one of each kind that a role does not show, and people who would like to see it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel import col, select

from models.tables import (
    Fact,
    OutboxItem,
)
from rules.accounts.openings import OpeningKind
from rules.enums import Role
from tests.api.callers import Callers, Headers
from tests.api.conftest import problem_of
from tests.care.rows import Rows

WHY = "the client called, and ana is ill"
every_kind = pytest.mark.parametrize("what", list(OpeningKind))


@dataclass
class House:
    """Sara's record, with one of each kind, and people of the practice who have signed in."""

    api: httpx.AsyncClient
    people: Callers
    rows: Rows
    paths: dict[OpeningKind, str]
    ids: dict[str, str]

    async def person(self, handle: str, *roles: Role, **columns: Any) -> Headers:
        return await self.rows.session_of(await self.rows.staff(handle, *roles, **columns))

    async def look(self, what: OpeningKind, by: Headers) -> httpx.Response:
        return await self.api.get(self.paths[what], headers=by)

    async def open(self, what: str, by: Headers, *, whose: UUID | None = None, reason: str = WHY) -> httpx.Response:
        path = f"/v1/clients/{whose or self.people.sara.id}/openings"
        return await self.api.post(path, json={"what": what, "reason": reason}, headers=by)

    async def opened(self, what: str, by: Headers, *, whose: UUID | None = None) -> Any:
        answer = await self.open(what, by, whose=whose)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def seen(self, by: Headers) -> set[OpeningKind]:
        """What is shown; all else has to be refused by its name."""
        shown = set()
        for what in OpeningKind:
            answer = await self.look(what, by)
            if answer.status_code == 200:
                shown.add(what)
            else:
                assert problem_of(answer) == "opening-required", answer.text
                assert (answer.json()["what"], answer.json()["client_id"]) == (what, str(self.people.sara.id))
        return shown

    async def mails(self) -> list[tuple[str, str | None]]:
        """Who is mailed of openings, and about whose account."""
        async with self.rows.sessions() as session:
            rows = (await session.exec(select(OutboxItem).order_by(col(OutboxItem.seq)))).all()
        return [(row.reader, row.order.get("account_id")) for row in rows if row.template == "record_opened"]

    async def facts(self) -> list[Fact]:
        async with self.rows.sessions() as session:
            of_her = select(Fact).where(col(Fact.client_id) == self.people.sara.id).order_by(col(Fact.seq))
            return list((await session.exec(of_her)).all())
