"""Records the histories that the replay tests hold the workflows to: ``python -m tests.replay.record``.

Run it after a change of workflow code that no running journey can have met yet (before a release), and commit what it
writes to ``tests/replay/histories``. After a release, keep the old histories and add to them: they stand for the
journeys that are under way, and a change that cannot replay them needs ``workflow.patched``.

Each story is told on the movable clock; every run of every workflow in it becomes one file. Payloads are encrypted
with the key of the tests, so a history can be read with nothing but the checkout.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import WorkflowHandle, WorkflowHistory

from local.postgres import Postgres
from models.migrate import upgrade
from rules.policy import SHORTEST_HISTORY, JourneyPolicy
from tests.care.house import open_house
from tests.care.story import Care, Person
from tests.journeys.booking.waitlist import comes, declines, hour_of, leaves, opens, waitlist_of, waits_for
from workflows.messages import bulk_archive_id, reconciliation_id

HISTORIES = Path(__file__).parent / "histories"


async def from_the_form_to_a_charge(care: Care) -> Person:
    """A matching form, an intro call with reminders, activation, forms, a session, its charge; then the archive."""
    await care.therapist()
    sara = await care.arrives("matching_form")
    await sara.books("intro_call")
    await care.pass_time(hours=30)
    await sara.activates()
    await sara.completes_forms()
    await sara.appointments[0].occurs()
    await sara.books("session", weeks=2)
    await sara.session(2).occurs()
    await care.pass_time(hours=25)
    await sara.is_archived(reason="no answer")
    await care.rest()
    await sara.is_unarchived()
    await care.rest()
    return sara


async def by_hand_and_declined(care: Care) -> Person:
    """Nobody fits, a person matches and books; a decline, a second try; a cancellation and a move; nobody marks."""
    await care.therapist("ana", licensed_in=["CA"])
    await care.therapist("ben", licensed_in=["CA"])
    sara = await care.arrives("matching_form", client={"first_name": "Sara", "email": "sara@example.com"})
    match = {"therapist": "ana", "reason": "by telephone"}
    await care.call("PUT", f"/v1/clients/{sara.id}/match", match, by="desk", expect=200)
    await sara.books("session", by="desk", after=timedelta(days=8), weeks=3)
    await sara.completes_forms()
    await sara.bank_says("insufficient_funds")
    await sara.session(3).cancelled()
    await sara.session(2).moved(await care.slot("ana", "session", after=timedelta(days=11)))
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    await sara.bank_says(None)
    await care.pass_time(hours=7)
    await care.until(sara.session(2).ends_at)
    await care.pass_time(days=3)
    match = {"therapist": "ben", "reason": "evenings"}
    await care.call("PUT", f"/v1/clients/{sara.id}/match", match, by="desk", expect=200)
    await sara.session(2).marked("no_show")
    await care.pass_time(days=1)
    return sara


async def owed_and_settled(care: Care) -> Person:
    """No card when the payment is due, owed at the deadline, and settled by a new card; archived by a bare signal."""
    sara = await care.client_in_care(sessions=1, card="pm_card_authenticationRequired")
    await sara.session(1).occurs()
    await care.pass_time(days=3)
    await sara.gives_card()
    await care.pass_time(hours=1)
    await sara.journey.signal("archive")
    await care.pass_time(days=1)
    await sara.books("session", by="desk")
    await care.rest()
    return sara


async def run_after_run(care: Care) -> Person:
    """Continue-as-new of the journey and of an appointment, with timers and messages on the way."""
    await care.therapist()
    sara = await care.arrives(client={"first_name": "Sara", "email": "sara@example.com"})
    [session] = await sara.books("session", by="desk", after=timedelta(days=5))
    for hours in (2, 4, 6):
        await session.moved(session.starts_at + timedelta(hours=hours), by="desk")
        await care.pass_time(days=1)
    await sara.journey.signal("archive")
    await care.rest()
    await sara.journey.signal("unarchive")
    await care.rest()
    return sara


async def nobody(care: Care) -> Person:
    """An anonymous journey that nobody booked from, closed after a week."""
    await care.therapist()
    sara = await care.arrives()
    await care.pass_time(days=8)
    return sara


async def in_line(care: Care) -> Person:
    """A waitlist: offered at once, let pass, declined, booked; run after run, until nobody waits."""
    await opens(care)
    start = await hour_of(care, 3)
    anna, berta = await comes(care, "Anna"), await comes(care, "Berta")
    await waits_for(anna, start)
    await waits_for(berta, start)
    await care.pass_time(hours=3)
    await declines(berta)
    await waits_for(anna, start, days=3)
    await care.pass_time(hours=1)
    await anna.books("session", start + timedelta(days=1))
    [place] = await berta.places()
    await care.pass_time(hours=10)
    await leaves(berta, place)
    await care.rest()
    return anna


async def the_books_compared(care: Care) -> Person:
    """A webhook that never came, and money taken twice: healed, and a task that closes when it was given back."""
    sara = await care.client_in_care(card="pm_card_authenticationRequired")
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    stripe = f"{care.house.sandbox_url}/stripe"
    dashboard = {"Authorization": "Bearer sk_test_dashboard"}
    dropped = [{"kind": "webhook_dropped", "event": "*", "times": 100}]
    (await care.http.post(f"{stripe}/_faults", json=dropped)).raise_for_status()
    [payment] = await sara.payments()
    await sara.confirms(payment["id"])
    await sara.gives_card()
    twice = await care.http.post(
        f"{stripe}/v1/payment_intents",
        data={
            "amount": "12000",
            "currency": "usd",
            "customer": (await care.stripe())["customers"][0]["id"],
            "payment_method": (await sara.cards_at_stripe())[-1],
            "confirm": "true",
            "metadata[payment_id]": payment["id"],
        },
        headers=dashboard,
    )
    twice.raise_for_status()
    await care.post("/v1/reconciliations", by="desk", expect=200)
    back = await care.http.post(f"{stripe}/v1/refunds", data={"payment_intent": twice.json()["id"]}, headers=dashboard)
    back.raise_for_status()
    await care.post("/v1/reconciliations", by="desk", expect=200)
    return sara


async def many_archived(care: Care) -> Person:
    """Some clients archived at once, one of them without a journey; then again, when there is nothing left to do."""
    await care.therapist("ana", intro_calls="off")
    anna, berta, lost = [await comes(care, name) for name in ("Anna", "Berta", "Lost")]
    await anna.books("session", by="desk")
    await lost.journey.terminate("so that it is gone")
    everybody = {"client_ids": [person.id for person in (anna, berta, lost)]}
    for _ in range(2):
        archive_id = (await care.post("/v1/archives", everybody, by="desk", expect=202))["archive_id"]
        while (await care.get(f"/v1/archives/{archive_id}"))["status"] == "running":
            await care.rest()
    return anna


STORIES: tuple[tuple[Callable[[Care], Awaitable[Person]], JourneyPolicy], ...] = (
    (from_the_form_to_a_charge, JourneyPolicy()),
    (by_hand_and_declined, JourneyPolicy()),
    (owed_and_settled, JourneyPolicy()),
    (run_after_run, JourneyPolicy(history_limit=SHORTEST_HISTORY)),
    (nobody, JourneyPolicy()),
    (in_line, JourneyPolicy(history_limit=SHORTEST_HISTORY)),
    (the_books_compared, JourneyPolicy()),
    (many_archived, JourneyPolicy(history_limit=SHORTEST_HISTORY)),
)


async def runs_of(handle: WorkflowHandle[object, object]) -> list[WorkflowHistory]:
    """Every run of one workflow, oldest first."""
    histories = [await handle.fetch_history()]
    while before := histories[-1].events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
        histories.append(await handle._client.get_workflow_handle(handle.id, run_id=before).fetch_history())
    return histories[::-1]


def anonymous(value: Any) -> Any:
    """Without the names of the machine and the process that recorded it."""
    if isinstance(value, dict):
        return {key: "recorder" if key == "identity" else anonymous(inner) for key, inner in value.items()}
    return [anonymous(inner) for inner in value] if isinstance(value, list) else value


async def record(postgres: Postgres, folder: Path) -> None:
    """Tell every story, and write what became of it into the (empty) folder."""
    for story, policy in STORIES:
        url = await postgres.create_database(story.__name__, template="migrated")
        async with open_house(url, policy) as house, httpx.AsyncClient(timeout=60, trust_env=False) as http:
            care = Care(house, http)
            sara = await story(care)
            await care.rest()
            workflows = {"journey": sara.journey}
            ids = [line["id"] for line in (await care.get("/v1/appointments"))["items"]]
            for number, id in enumerate(ids, start=1):
                workflows[f"appointment-{number}"] = house.engine.get_workflow_handle(f"appointment:{id}")
            if story is in_line:
                workflows["waitlist"] = waitlist_of(care)
            compared = (await care.get("/v1/reconciliations"))["items"]
            for number, line in enumerate(reversed(compared), start=1):
                workflows[f"comparison-{number}"] = house.engine.get_workflow_handle(reconciliation_id(line["id"]))
            archives = (await care.get("/v1/archives"))["items"]
            for number, line in enumerate(reversed(archives), start=1):
                workflows[f"archive-{number}"] = house.engine.get_workflow_handle(bulk_archive_id(line["archive_id"]))
            for name, handle in workflows.items():
                for run, history in enumerate(await runs_of(handle), start=1):
                    path = folder / f"{story.__name__}.{name}.{run}.json"
                    document = {"workflow_id": handle.id, "history": anonymous(json.loads(history.to_json()))}
                    path.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
                    print(f"{path.name}: {len(history.events)} events")  # noqa: T201


async def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        async with await Postgres.start(Path(place), durable=False) as postgres:
            await asyncio.to_thread(upgrade, await postgres.create_database("migrated"))
            fresh = Path(place) / "histories"
            fresh.mkdir()
            await record(postgres, fresh)
        # All or nothing: a story that fails leaves the old histories as they are.
        if HISTORIES.exists():
            shutil.rmtree(HISTORIES)
        shutil.copytree(fresh, HISTORIES)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
