"""A record and its duplicate, which are to be joined."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import SQLModel, col, select

from activities.clients.joining import JoiningActivities
from activities.types.clients import Joined, JoinOrder
from activities.types.forms import FormSubmission
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.refusals import Problem
from tests.care.practice import DESK, Practice

SITE = Caller(role=Role.BOOKING_SITE, name="site")
WEEK = timedelta(days=7)


class Two:
    """A record, and its duplicate, which somebody made on the booking site."""

    def __init__(self, practice: Practice, record: str, duplicate: str) -> None:
        self.practice = practice
        self.record = record
        self.duplicate = duplicate
        self.joining = JoiningActivities(practice.matching.deps)
        self.order = JoinOrder(request_id=str(uuid4()), client_id=duplicate, by=DESK, into_id=record)

    async def join(self, order: JoinOrder | None = None) -> Joined:
        return await self.joining.join_records(order or self.order)

    async def are_joined(self) -> Joined:
        joined = await self.join()
        assert joined.refusal is None, joined.refusal
        assert await self.join() == joined  # asked again, the answer is the same
        return joined

    async def are_not_joined(self, name: Problem) -> dict[str, Any]:
        joined = await self.join()
        assert joined.refusal is not None
        assert joined.refusal.name is name
        assert (await self.practice.row(self.duplicate)).joined_into is None
        return joined.refusal.data

    async def keep(self, *rows: SQLModel) -> None:
        async with self.practice.sessions() as session:
            for row in rows:
                session.add(row)
                await session.flush()
            await session.commit()

    async def rows(self, table: type[Any], of: str) -> list[Any]:
        async with self.practice.sessions() as session:
            return list((await session.exec(select(table).where(table.client_id == UUID(of)))).all())

    async def is_mailed_a_link(self) -> None:
        """From now on it is the duplicate's link that joins, and not staff."""
        by = Caller(role=Role.CLIENT, name=self.duplicate, client_id=self.duplicate)
        now = self.practice.clock.instant
        self.order = JoinOrder(request_id=str(uuid4()), client_id=self.duplicate, by=by, token_hash=self.duplicate)
        async with self.practice.sessions() as session:
            record = await session.get_one(Client, UUID(self.record))
            row = await session.get_one(Client, UUID(self.duplicate))
            row.made_by_staff, row.email, row.email_folded = False, record.email, record.email_folded
            session.add(row)
            session.add(
                Token(hash=self.duplicate, kind=TokenKind.JOIN, client_id=row.id, made_at=now, expires_at=now + WEEK)
            )
            await session.commit()

    async def fills_in(self, client: str) -> None:
        done = await self.practice.forms.submit_form(
            FormSubmission(
                request_id=str(uuid4()),
                client_id=client,
                by=DESK,
                kind="informed_consent",
                answers={"agrees": True},
                signature=client,
            )
        )
        assert done.refusal is None


async def therapist_id(practice: Practice) -> UUID:
    async with practice.sessions() as session:
        return (await session.exec(select(Therapist.id).where(col(Therapist.slug) == "ana"))).one()
