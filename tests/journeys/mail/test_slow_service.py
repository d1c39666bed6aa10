"""A story that rests has its mails, however long the machine takes over the first."""

import asyncio
from dataclasses import replace
from typing import Any

from activities.ports import OutgoingMail
from tests.care.house import House
from tests.care.story import Care


class SlowMailer:
    """As a machine with much else to do: longer than the clock is moved by."""

    def __init__(self, house: House) -> None:
        self.mailer = house.dependencies.mailer

    async def send(self, mail: OutgoingMail) -> Any:
        await asyncio.sleep(3)
        return await self.mailer.send(mail)


async def test_rest_waits_for_the_mail_that_is_on_its_way(care: Care) -> None:
    await care.house.stop_worker()
    care.house.dependencies = replace(care.house.dependencies, mailer=SlowMailer(care.house))
    await care.house.start_worker()
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    await care.rest()
    await sara.activates()
