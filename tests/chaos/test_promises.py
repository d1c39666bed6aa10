"""What chaos finds where a promise is broken: a reckoning that cannot fail would say nothing."""

from collections.abc import Sequence
from typing import Any, cast

from chaos.journeys import FEE, ClientStory, Ending
from chaos.promises import Promise, World, answered, deadlines, mails, money

HELD, DECLINED, CANCELLED = 0, 11, 7  # numbers of clients, each of whose sessions ends so


class Seen(World):
    """A world made of what was seen in it."""

    seen_rows: Sequence[dict[str, Any]]
    seen_at: dict[str, Any]

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        return list(self.seen_rows)

    async def at_stand_ins(self, path: str) -> Any:
        return self.seen_at[path]


def story(number: int, **more: Any) -> ClientStory:
    return ClientStory(number=number, therapist="t0", **more)


def world(*numbers: int, rows: Sequence[dict[str, Any]] = (), **at: Any) -> Seen:
    stories = [story(number, client_id=f"c{number}", appointment_id=f"a{number}", ended=True) for number in numbers]
    nowhere = cast(Any, None)
    seen = Seen(stories=stories, caller=nowhere, database=nowhere, engine=nowhere, sandbox_url="")
    object.__setattr__(seen, "seen_rows", rows)
    object.__setattr__(seen, "seen_at", {"stripe/_state": at.get("stripe"), "outbox": at.get("outbox")})
    return seen


def payment(number: int, status: str = "paid") -> dict[str, Any]:
    return {"id": f"p{number}", "appointment_id": f"a{number}", "status": status, "amount": FEE}


def stripe(*payments: str) -> dict[str, Any]:
    """A succeeded intent for each of these payments."""
    intents = [{"status": "succeeded", "amount": FEE, "metadata": {"payment_id": id}} for id in payments]
    return {"payment_intents": intents}


async def verdicts(seen: World) -> tuple[bool, bool]:
    paid, nothing_else = await money(seen)
    return paid.kept, nothing_else.kept


async def test_a_session_is_paid_once_at_both_ends() -> None:
    assert await verdicts(world(HELD, rows=[payment(HELD)], stripe=stripe("p0"))) == (True, True)


async def test_a_session_that_nobody_paid_or_somebody_paid_twice_breaks_the_promise() -> None:
    assert await verdicts(world(HELD, rows=[], stripe=stripe())) == (False, True)
    assert await verdicts(world(HELD, rows=[payment(HELD, "scheduled")], stripe=stripe())) == (False, True)
    assert await verdicts(world(HELD, rows=[payment(HELD)], stripe=stripe("p0", "p0"))) == (False, False)


async def test_a_charge_for_what_was_cancelled_declined_or_never_was_breaks_the_promise() -> None:
    declined = [payment(DECLINED, "owed")]
    assert await verdicts(world(DECLINED, rows=declined, stripe=stripe())) == (True, True)
    assert await verdicts(world(DECLINED, rows=declined, stripe=stripe("p11"))) == (True, False)
    assert await verdicts(world(CANCELLED, rows=[payment(CANCELLED)], stripe=stripe("p7"))) == (True, False)
    assert await verdicts(world(rows=[], stripe=stripe("nobody's"))) == (True, False)


async def test_a_debt_needs_a_task() -> None:
    assert (await deadlines(world(DECLINED, rows=[payment(DECLINED, "owed") | {"tasks": 1}]))).kept
    assert not (await deadlines(world(DECLINED, rows=[payment(DECLINED, "owed") | {"tasks": 0}]))).kept
    assert not (await deadlines(world(DECLINED, rows=[]))).kept


def mail(template: str, to: str, key: str) -> dict[str, Any]:
    return {"to": to, "template": template, "custom_args": {"key": key}}


TOLD = [
    mail("welcome", "client0@example.com", "w"),
    mail("booking_confirmation", "client0@example.com", "b"),
    mail("appointment_booked", "t0@practice.example", "a"),
    mail("forms_requested", "client0@example.com", "f"),
    mail("receipt", "client0@example.com", "r"),
]


async def kept(outbox: Sequence[dict[str, Any]], *, dropped: Sequence[dict[str, Any]] = ()) -> list[Promise]:
    return await mails(world(HELD, outbox=outbox, rows=dropped))


async def test_every_vital_mail_has_arrived_and_those_that_came_twice_are_counted() -> None:
    lost, twice = await kept([*TOLD, TOLD[0]])
    assert (lost.kept, twice.kept) == (True, True)
    assert lost.found == "4 wanted, 1 came twice"


async def test_a_lost_receipt_breaks_the_promise_and_another_one_does_not_make_up_for_it() -> None:
    lost, _ = await kept(TOLD[:-1])
    assert lost.broken == ("receipt to client0@example.com",)
    lost, _ = await kept([*TOLD[:-1], TOLD[0]])
    assert not lost.kept


async def test_a_time_is_not_told_once_it_is_past_but_a_receipt_always_is() -> None:
    dropped = [{"client_id": "c0", "template": template} for template in ("booking_confirmation", "receipt")]
    lost, _ = await kept([mail for mail in TOLD if mail["template"] != "booking_confirmation"], dropped=dropped)
    assert (lost.kept, lost.found) == (True, "3 wanted, 0 came twice")
    lost, _ = await kept(TOLD[:-1], dropped=dropped)
    assert lost.broken == ("receipt to client0@example.com",)


async def test_a_mail_that_is_not_vital_came_once() -> None:
    _, twice = await kept([*TOLD, TOLD[3]])
    assert twice.broken == ("forms_requested to client0@example.com (f): 2 times",)


def test_whoever_was_refused_or_still_asks_was_not_answered() -> None:
    assert answered([story(0, ended=True)]).kept
    found = answered([story(1, broke="POST /v1/journeys: 404"), story(2)])
    assert found.broken == ("client1: POST /v1/journeys: 404", "client2: is still asking")


def test_clients_end_in_every_way() -> None:
    assert {story(number).ending for number in range(20)} == set(Ending)
