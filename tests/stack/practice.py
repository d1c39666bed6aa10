"""The stories' own verbs on a running stack of real processes, for many clients at once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx

from local.stack import LocalStack
from tests.care.defaults import Json, details
from tests.care.house import House
from tests.care.story import Care, Person


class StackCare(Care):
    """In programs of their own, whose rows nobody reaches from here."""

    async def now(self) -> datetime:
        return await self.house.clock.now()

    async def token_of(self, slug: str) -> str:
        made: Json = await self.post(f"/v1/therapists/{slug}/tokens", by="admin")
        return str(made["token"])


def care_of(stack: LocalStack, http: httpx.AsyncClient) -> Care:
    """Over HTTP alone: a stack has the addresses of a house, and a clock that nobody moves."""
    keys = {"site": "dev-booking-site", "desk": "dev-care-team", "admin": "dev-admin"}
    return StackCare(cast(House, stack), http, tokens=keys)


async def add_therapist(care: Care, slug: str, *, minutes: int = 50) -> None:
    """One who is always there, in UTC, with sessions of that length back to back."""
    settings = {"session": {"duration": minutes, "step": minutes, "buffer_after": 0, "minimum_notice": 0}}
    await care.therapist(slug, settings=settings, time_zone="UTC", intro_calls="off")


async def arrives_with_card(care: Care, name: str, therapist: str) -> Person:
    """The form with all details, and Billing Info with a good card, filled in at the practice."""
    person = await care.arrives(name=name, therapist=therapist, client=details(name, time_zone="UTC"))
    await person.gives_card(by="desk")
    return person


async def until_paid(clients: Sequence[Person], *, within: float) -> None:
    """Wait until every client has a settled payment; look no more often than needed."""
    async with asyncio.timeout(within):
        waiting = list(clients)
        while waiting:
            states = await asyncio.gather(*(client.payments() for client in waiting))
            waiting = [
                client
                for client, payments in zip(waiting, states, strict=True)
                if not payments or payments[0]["status"] in ("scheduled", "processing", "failed")
            ]
            if waiting:
                await asyncio.sleep(0.5)


async def recipients(care: Care, template: str) -> list[str]:
    return [mail["to"] for mail in await care.mails(template=template)]


def soon(seconds: float) -> datetime:
    """A whole second on the real clock, at least ``seconds`` ahead."""
    return (datetime.now(UTC) + timedelta(seconds=seconds + 1)).replace(microsecond=0)
