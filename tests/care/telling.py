"""What became of everybody in a story, for whoever reads why it failed: asked through the API, as the desk sees it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from tests.care.defaults import Json
from tests.care.story import Care, Person

_WITHIN = 20.0  # seconds for all of it: what failed may be what would answer

Part = Callable[[], Awaitable[list[str]]]


async def told(care: Care) -> str:
    """One text: the clock and how it was moved, then each person, and last what is nobody's here."""
    lines: list[str] = []
    try:
        async with asyncio.timeout(_WITHIN):
            await _clock(care, lines)
            for person in care.people:
                await _person(person, lines)
            await _others(care, lines)
    except TimeoutError:
        lines.append(f"... and no more within {_WITHIN:.0f} s")
    except Exception as error:  # noqa: BLE001 - what fails here must not hide what failed there
        lines.append(f"... and no more: {type(error).__name__}: {error}")
    return "\n".join(lines)


async def _clock(care: Care, lines: list[str]) -> None:
    lines.append(f"clock: {await care.now():%Y-%m-%d %H:%M:%S}")
    lines += [f"    {move}" for move in care.moved]


async def _person(person: Person, lines: list[str]) -> None:
    lines += ["", f"{person.name} ({person.email}, {person.id})"]

    async def stage() -> list[str]:
        return [f"    stage: {await person.stage()}"]

    async def appointments() -> list[str]:
        booked = await person.care.items("/v1/appointments", client=person.id)
        return _under("appointments", (_appointment(appointment) for appointment in booked))

    async def timeline() -> list[str]:
        return _under("timeline", (_fact(fact) for fact in await person.timeline()))

    async def mails() -> list[str]:
        return _under("mails", (_mail(mail) for mail in await person.care.mails(to=person.email)))

    async def payments() -> list[str]:
        return _under("payments", (_payment(payment) for payment in await person.payments()))

    async def tasks() -> list[str]:
        own = [task for task in await person.care.tasks() if task["client_id"] == person.id]
        return _under("tasks", (_task(task) for task in own))

    for part in (stage, appointments, timeline, mails, payments, tasks):
        lines += await _or_why_not(part)


async def _others(care: Care, lines: list[str]) -> None:
    async def mails() -> list[str]:
        addresses = {person.email for person in care.people}
        return _under("mails", (_mail(mail) for mail in await care.mails() if mail["to"] not in addresses))

    async def tasks() -> list[str]:
        ids = {person.id for person in care.people}
        return _under("tasks", (_task(task) for task in await care.tasks() if task["client_id"] not in ids))

    lines += ["", "others"]
    for part in (mails, tasks):
        lines += await _or_why_not(part)


async def _or_why_not(part: Part) -> list[str]:
    try:
        return await part()
    except AssertionError as refused:  # of the request; the other parts are told
        return [f"    {part.__name__}: {refused}"]


def _under(name: str, items: Iterator[str]) -> list[str]:
    found = [f"        {item}" for item in items]
    return [f"    {name}:", *found] if found else [f"    {name}: none"]


def _fact(fact: Json) -> str:
    return f"{_short(fact['at'])} {fact['kind']} by {fact['actor']}: {fact['text']}"


def _mail(mail: Json) -> str:
    return f"{_short(mail['sent_at'])} {mail['template']} to {mail['to']}: {mail['subject']}"


def _appointment(one: Json) -> str:
    return f"{_short(one['starts_at'])} {one['type']} with {one['therapist']}: {one['status']}"


def _task(task: Json) -> str:
    return f"{_short(task['opened_at'])} {task['kind']}: {task['text']}"


def _payment(payment: Json) -> str:
    because = f" because {payment['because']}" if payment["because"] else ""
    paid = f", paid {_short(payment['paid_at'])}" if payment["paid_at"] else ""
    what = f"{payment['kind']} {payment['amount']}: {payment['status']}{because}"
    return f"{what}, due {_short(payment['due_at'])}{paid}, tries: {payment['attempts']}"


def _short(instant: Any) -> str:
    return str(instant)[:19].replace("T", " ")
