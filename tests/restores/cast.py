"""The clients of a practice whose stores are lost: what had happened to each when they were copied, and what after.

| client | when copied | after the copy |
|---|---|---|
| Paid | paid | |
| Returned | paid | refunded |
| Half | paid, $20 refunded | $30 more refunded |
| Due | marked, due soon | paid |
| Both | marked, due soon | paid, and refunded |
| Later | marked, due after the restore | |
| Ended | a session over, not marked | |
| Marked | a session over, not marked | marked, and paid |
| Again | nothing booked | booked, held, marked, and paid |
| Gone | marked, due after the restore | archived |
| New | not there yet | arrives, and books |
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rules.policy import JourneyPolicy
from tests.care.defaults import Json
from tests.care.story import Care, Person
from tests.restores.stores import Stores
from tests.stack.practice import add_therapist, arrives_with_card, soon, until_paid

FEE = 12000
BEFORE = ("Paid", "Returned", "Half", "Due", "Both", "Later", "Ended", "Marked", "Again", "Gone")
NEW = "New"
CHARGE_AFTER = JourneyPolicy().charge_after
SOON, LATER = timedelta(seconds=15), timedelta(seconds=45)  # what the copying takes; and all that comes after it

Cast = dict[str, Person]


async def before(stores: Stores) -> Cast:
    """All that happens before the copy; what is due soon is not paid yet."""
    care = stores.care
    await asyncio.gather(*(add_therapist(care, name.lower()) for name in (*BEFORE, NEW)))
    arrived = await asyncio.gather(*(arrives_with_card(care, name, name.lower()) for name in BEFORE))
    cast = dict(zip(BEFORE, arrived, strict=True))
    await asyncio.gather(*(cast[name].books("session", soon(864000), by="desk") for name in BEFORE if name != "Again"))
    paid = [cast[name] for name in ("Paid", "Returned", "Half")]
    for person in paid:
        await held(stores, person, due=timedelta())
    await until_paid(paid, within=30)
    await gives_back(cast["Half"], 2000)
    for name in ("Ended", "Marked"):
        await takes_place(stores, cast[name], ended=timedelta(hours=1))
    for name, due in {"Later": LATER, "Gone": LATER, "Due": SOON, "Both": SOON}.items():
        await held(stores, cast[name], due=due)
    return cast


async def after(stores: Stores, cast: Cast) -> None:
    """All that happens between the copy and the loss."""
    care = stores.care
    await asyncio.gather(
        gives_back(cast["Returned"]),
        gives_back(cast["Half"], 3000),
        cast["Gone"].is_archived(),
        _marked_late(stores, cast["Marked"]),
        _books_again(stores, cast["Again"]),
    )
    cast[NEW] = await arrives_with_card(care, NEW, NEW.lower())
    await cast[NEW].books("session", soon(864000), by="desk")
    await until_paid([cast[name] for name in ("Due", "Both", "Marked", "Again")], within=60)
    await gives_back(cast["Both"])
    await _given_back(care, 4)
    [later] = await cast["Later"].payments()
    assert later["status"] == "scheduled", later


async def takes_place(stores: Stores, person: Person, *, ended: timedelta) -> None:
    """The last session that the client booked was over so long ago."""
    parameters = {"id": person.appointments[-1].id, "ends": datetime.now(UTC) - ended}
    for table, column in (("appointment", "id"), ("occupied_time", "appointment_id")):
        await stores.run(
            f"UPDATE {table} SET starts_at = CAST(:ends AS timestamptz) - interval '50 minutes', ends_at = :ends"  # noqa: S608
            f" WHERE {column} = :id",
            **parameters,
        )


async def held(stores: Stores, person: Person, *, due: timedelta) -> None:
    """It took place and is marked; its payment is due so long from now."""
    await takes_place(stores, person, ended=CHARGE_AFTER - due)
    await person.appointments[-1].marked("occurred")


async def gives_back(person: Person, amount: int | None = None) -> None:
    [payment] = await person.payments()
    body: Json = {"to": "card", "reason": "by kindness"} | ({"amount": amount} if amount else {})
    await person.care.post(f"/v1/payments/{payment['id']}/refund", body, by="desk")


async def _marked_late(stores: Stores, person: Person) -> None:
    await held(stores, person, due=timedelta())


async def _books_again(stores: Stores, person: Person) -> None:
    await person.books("session", soon(864000), by="desk")
    await held(stores, person, due=timedelta())


async def _given_back(care: Care, count: int) -> None:
    async with asyncio.timeout(30):
        while [status for _, status in await care.at_stripe.refunds()] != ["succeeded"] * count:
            await asyncio.sleep(0.2)


async def money_at_stripe(care: Care) -> dict[str, tuple[list[int], int]]:
    """By client's reference: what each succeeded intent took, and what was given back in all."""
    state = await care.stripe()
    customers = {row["id"]: row["metadata"]["client_ref"] for row in state["customers"]}
    taken: dict[str, list[int]] = {}
    owner: dict[str, str] = {}
    for intent in state["payment_intents"]:
        ref = owner[intent["id"]] = customers[intent["customer"]]
        if intent["status"] == "succeeded":
            taken.setdefault(ref, []).append(intent["amount"])
    back = dict.fromkeys(taken, 0)
    for refund in state["refunds"]:
        back[owner[refund["payment_intent"]]] += refund["amount"]
    return {ref: (amounts, back[ref]) for ref, amounts in taken.items()}


async def refs(people: Sequence[Person]) -> dict[str, str]:
    """References, by name; they are looked up while everything is known."""
    looks = await asyncio.gather(*(person.look() for person in people))
    return {person.name: str(look["ref"]) for person, look in zip(people, looks, strict=True)}
