"""An account's address that is changed, by whatever way: the former one is told at once."""

from dataclasses import replace
from typing import Any, cast
from uuid import UUID, uuid4

from sqlmodel import col, select

from activities.clients.account import AccountActivities
from activities.types.clients import ClientDetails, DetailsOrder
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem
from models.writes.accounts.accounts import activate_client
from rules.accounts.caller import through_temporal
from rules.keeping import PRACTICE_MAIL_ID
from rules.mail.kinds import Mail
from tests.care.practice import Practice


class Wakes:
    """An engine that is told what to wake."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    async def wake(self, workflow_id: str, _: str) -> None:
        self.woken.append(workflow_id)


async def test_whoever_changes_it_in_the_engines_ui_has_the_former_one_told(practice: Practice) -> None:
    engine, id = Wakes(), await practice.client()
    accounts = AccountActivities(replace(practice.accounts.deps, executions=cast(Any, engine)))

    async def says(details: ClientDetails) -> None:
        order = DetailsOrder(request_id=str(uuid4()), client_id=id, by=through_temporal("support"), details=details)
        assert (await accounts.change_details(order)).refusal is None

    await says(ClientDetails(email="typo@example.com"))
    assert engine.woken == []  # nobody signs in by it yet
    async with practice.sessions.begin() as session:
        (await session.get_one(Client, UUID(id))).account_active = True
        await activate_client(session, UUID(id), password_hash="a hash", at=practice.clock.instant)
    await says(ClientDetails(phone="+12125550100"))
    assert engine.woken == []
    await says(ClientDetails(email="other@example.com"))
    assert engine.woken == [PRACTICE_MAIL_ID]
    async with practice.sessions() as session:
        told = select(OutboxItem).where(col(OutboxItem.template) == Mail.EMAIL_CHANGED.value)
        assert len((await session.exec(told)).all()) == 1
