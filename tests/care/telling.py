"""What became of everybody in a story, for whoever reads why it failed: asked through the API, as the desk sees it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from tests.care.defaults import Json
from tests.care.story import Care, Person

_WITHIN = 20.0  # seconds for all of it: what failed may be what would answer

Part = Callable[[], Awaitable[list[str]]]


async def told(care: Care) -> str:
    """One text: the clock and how it was moved, then each person with stage, timeline, mails, payments and tasks."""
    lines: list[str] = []
    try:
        async with asyncio.timeout(_WITHIN):
            await _clock(care, lines)
            for person in care.people:
                await _person(person, lines)
            others = [mail for mail in await care.mails() if mail["to"] not in {one.email for one in care.people}]
            lines += ["", "others", *_under("mails", (_mail(mail) for mail in others))]
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

    async def timeline() -> list[str]:
        return _under("timeline", (_fact(fact) for fact in await person.timeline()))

    async def mails() -> list[str]:
        return _under("mails", (_mail(mail) for mail in await person.care.mails(to=person.email)))

    async def payments() -> list[str]:
        return _under("payments", (_payment(payment) for payment in await person.payments()))

    async def tasks() -> list[str]:
        own = [task for task in await person.care.tasks() if task.get("client_id") == person.id]
        return _under("tasks", (f"{task['kind']}: {task.get('title') or task.get('about') or ''}" for task in own))

    for part in (stage, timeline, mails, payments, tasks):
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


def _payment(payment: Json) -> str:
    money = payment["amount"]
    because = f" because {payment['because']}" if payment.get("because") else ""
    due = f", due {_short(payment['due_at'])}" if payment.get("due_at") else ""
    return f"{payment['status']}{because}: {money}{due}"


def _short(instant: Any) -> str:
    return str(instant)[:19].replace("T", " ")
