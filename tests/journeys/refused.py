"""How bad input is tried: each request must be refused by name and field, and change nothing that anybody can see."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.care.defaults import Json
from tests.care.on_behalf import ABOUT_CLIENTS
from tests.care.story import Care, Person

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Bad:
    """A request that must be refused: with which name, and for which field (None where no field is to blame)."""

    method: str
    path: str
    body: Any
    field: str | None
    by: str | None = "site"
    name: str = "validation-failed"
    status: int = 422
    raw: bytes | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {str(self.body if self.raw is None else self.raw)[:150]} by {self.by}"


async def seen(care: Care, person: Person) -> Json:
    """Everything that a refused request might have changed."""
    return {
        "facts": await person.timeline(),
        "mails": await care.mails(),
        "clients": await care.get("/v1/clients"),
        "appointments": await care.get("/v1/appointments"),
        "tasks": await care.tasks(),
        "payments": await person.payments(),
        "balance": await person.balance(),
        "credits": await care.get(f"/v1/clients/{person.id}/credits"),
        "therapists": await care.get("/v1/therapists"),
        "hours": await care.get("/v1/therapists/ana/availability"),
        "stripe": await care.stripe(),
    }


async def wrong_with(care: Care, person: Person, bad: Bad) -> str | None:
    """What is wrong with the answer, if anything."""
    more: Json = {"content": bad.raw, "headers": JSON} if bad.raw is not None else {}
    if ABOUT_CLIENTS.match(bad.path):
        more["for_whom"] = person.id
    answer = await care.call(bad.method, bad.path, bad.body, by=bad.by, **more)
    if answer.status_code != bad.status:
        return f"{bad}: {answer.status_code} {answer.text[:300]}"
    problem = answer.json()
    fields = [error["field"] for error in problem.get("errors", [])]
    if not answer.headers["content-type"].startswith("application/problem+json"):
        return f"{bad}: {answer.headers['content-type']}"
    if problem["type"].rsplit("/", 1)[-1] != bad.name or problem["status"] != bad.status or not problem["detail"]:
        return f"{bad}: {problem}"
    if bad.field is not None and bad.field not in fields:
        return f"{bad}: names {fields}"
    return None


async def nothing_comes_of(care: Care, person: Person, requests: Iterator[Bad]) -> None:
    await care.rest()
    before = await seen(care, person)
    wrong = [found for bad in requests if (found := await wrong_with(care, person, bad)) is not None]
    await care.rest()
    after = await seen(care, person)
    assert not wrong, "\n".join(wrong)
    for what, was in before.items():
        assert after[what] == was, what


def field_by_field(path: str, good: Json, wrong: dict[str, Any], *, method: str = "POST", **more: Any) -> Iterator[Bad]:
    """The good body with one value changed at a time; ``a.b`` reaches inside."""
    for where, values in wrong.items():
        for value in values:
            body = {**good}
            part = body
            *inside, last = where.split(".")
            for name in inside:
                part[name] = {**part[name]}
                part = part[name]
            part[last] = value
            yield Bad(method, path, body, where, **more)
